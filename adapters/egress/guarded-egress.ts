import { lookup } from 'node:dns/promises'
import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { BlockList, isIP } from 'node:net'
import { type Egress, EgressError, type EgressRequest } from './port.ts'

const timeoutMilliseconds = 5_000
const longestBody = 64 * 1024

export type GuardedEgressOptions = {
  /** Development and tests: this machine itself may be asked too, and over plain http. Nothing else that is not public. */
  readonly allowLoopback: boolean
}

/** Resolves the name once, refuses unless every address of it is public, and connects to just that address. */
export function guardedEgress({ allowLoopback }: GuardedEgressOptions): Egress {
  const isAllowed = createAddressCheck(allowLoopback)
  return async (address, init) => {
    const url = URL.parse(address)
    if (url?.username !== '' || url.password !== '') throw new EgressError('refused')
    if (url.protocol !== 'https:' && !(allowLoopback && url.protocol === 'http:')) throw new EgressError('refused')
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolve(host)
    const [first] = found
    // Plain http only to where it cannot be listened to.
    const isFit = found.every(
      (entry) => isAllowed(entry.address) && (url.protocol === 'https:' || isLoopback(entry.address)),
    )
    if (!first || !isFit) throw new EgressError('refused')
    return send(url, init, first)
  }
}

type Address = { readonly address: string; readonly family: number }

async function resolve(host: string): Promise<readonly Address[]> {
  try {
    return await lookup(host, { all: true })
  } catch (cause) {
    throw new EgressError('unavailable', cause)
  }
}

/** The socket goes to the address that was judged, whatever the name says by now. */
function send(
  url: URL,
  { method = 'GET', headers, body }: EgressRequest,
  { address, family }: Address,
): Promise<Response> {
  return new Promise((done, fail) => {
    const signal = AbortSignal.timeout(timeoutMilliseconds)
    const options: RequestOptions = {
      method,
      headers: Object.fromEntries(new Headers(headers)),
      agent: false,
      signal,
      lookup: (_host, asked, answer) =>
        asked.all ? answer(null, [{ address, family }]) : answer(null, address, family),
    }
    const refuse = (cause: unknown) =>
      fail(cause instanceof EgressError ? cause : new EgressError(signal.aborted ? 'timeout' : 'unavailable', cause))
    const outgoing = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (incoming) => {
      const chunks: Buffer[] = []
      let length = 0
      incoming.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > longestBody) incoming.destroy(new EgressError('too_large'))
        else chunks.push(chunk)
      })
      incoming.on('error', refuse)
      incoming.on('end', () => done(responseOf(incoming, Buffer.concat(chunks))))
    })
    outgoing.on('error', refuse)
    outgoing.end(body === undefined || body === null ? undefined : String(body))
  })
}

/** What an answer says about itself; nothing else of its head is anybody's business. */
const passedHeaders = ['content-type', 'cache-control', 'expires'] as const

function responseOf({ statusCode: status = 502, headers }: IncomingMessage, body: Buffer): Response {
  const passed = passedHeaders.flatMap((name): [string, string][] => {
    const value = headers[name]
    return value === undefined ? [] : [[name, value]]
  })
  // These have no body by definition, and Response refuses one.
  const content = [101, 204, 205, 304].includes(status) ? null : new Uint8Array(body)
  return new Response(content, { status: Math.max(200, status), headers: passed })
}

/** RFC 6890 and the registries behind it: what is no ordinary address of the internet. */
const special4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const
const special6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const

function createAddressCheck(allowLoopback: boolean): (address: string) => boolean {
  const special = new BlockList()
  for (const [net, prefix] of special4) special.addSubnet(net, prefix, 'ipv4')
  for (const [net, prefix] of special6) special.addSubnet(net, prefix, 'ipv6')
  // Whatever lies outside of it is local, mapped, translated or unassigned.
  const global6 = new BlockList()
  global6.addSubnet('2000::', 3, 'ipv6')
  return (address) => {
    if (allowLoopback && isLoopback(address)) return true
    if (isIP(address) === 4) return !special.check(address, 'ipv4')
    return isIP(address) === 6 && global6.check(address, 'ipv6') && !special.check(address, 'ipv6')
  }
}

const isLoopback = (address: string): boolean =>
  address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
