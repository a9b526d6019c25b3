import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/**
 * The address that a request came from: the socket's, or where a trusted proxy (WRIT_TRUSTED_PROXIES) speaks, the nearest
 * forwarded address that is not itself a trusted proxy. Headers of anyone else never count (security.md 6).
 */
export function clientAddressReader(trustedProxies: readonly string[]): (request: IncomingMessage) => string {
  const trusted = trustedProxies.length > 0 ? blockList(trustedProxies) : undefined
  return (request) => {
    const own = plainAddress(request.socket.remoteAddress ?? '')
    if (!trusted || !contains(trusted, own)) return own
    const hops = forwardedAddresses(request)
    let nearest = own
    for (const hop of hops.reverse()) {
      if (isIP(hop) === 0) return nearest
      nearest = hop
      if (!contains(trusted, hop)) return nearest
    }
    return nearest
  }
}

/** Is the socket's other end one of these proxies? */
export function trustedProxyTest(trustedProxies: readonly string[]): (request: IncomingMessage) => boolean {
  const trusted = trustedProxies.length > 0 ? blockList(trustedProxies) : undefined
  return (request) => trusted !== undefined && contains(trusted, plainAddress(request.socket.remoteAddress ?? ''))
}

/** `::ffff:192.0.2.1` is how a dual-stack socket writes 192.0.2.1. */
const plainAddress = (address: string): string => (address.startsWith('::ffff:') ? address.slice(7) : address)

const contains = (list: BlockList, address: string): boolean => {
  const version = isIP(address)
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** Oldest first. `Forwarded` (RFC 7239) wins over `X-Forwarded-For`. */
function forwardedAddresses(request: IncomingMessage): string[] {
  const forwarded = request.headers.forwarded
  if (forwarded !== undefined) {
    return forwarded.split(',').map((element) => {
      const value = /(?:^|;)\s*for="?([^";,]*)"?/i.exec(element)?.[1] ?? ''
      return plainAddress(value.replace(/^\[([^\]]*)\](?::\d+)?$/, '$1').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1'))
    })
  }
  const header = request.headers['x-forwarded-for']
  const text = Array.isArray(header) ? header.join(',') : (header ?? '')
  return text === '' ? [] : text.split(',').map((part) => plainAddress(part.trim()))
}
