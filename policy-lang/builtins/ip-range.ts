import type { IpValue } from '../ir/nodes.ts'

/** Reads an address or a CIDR range; undefined if it is neither. Bits beyond the prefix must be zero. */
export function parseIp(text: string): IpValue | undefined {
  const [address = '', length, ...rest] = text.split('/')
  if (rest.length > 0) return undefined
  const version = address.includes(':') ? 6 : 4
  const bits = version === 4 ? parseVersion4(address) : parseVersion6(address)
  const width = version === 4 ? 32 : 128
  if (bits === undefined) return undefined
  if (length === undefined) return { kind: 'ip', version, bits, prefix: width }
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > width) return undefined
  const prefix = Number(length)
  const host = (1n << BigInt(width - prefix)) - 1n
  return (bits & host) === 0n ? { kind: 'ip', version, bits, prefix } : undefined
}

/** Is an address or range wholly inside a range? A v4-mapped v6 address is not v4 (SPEC 4). */
export function ipWithin(inner: IpValue, outer: IpValue): boolean {
  if (inner.version !== outer.version || inner.prefix < outer.prefix) return false
  const shift = BigInt((outer.version === 4 ? 32 : 128) - outer.prefix)
  return inner.bits >> shift === outer.bits >> shift
}

/** The text that `parseIp` reads back: dotted for v4, eight groups for v6, a prefix only for ranges. */
export function formatIp(value: IpValue): string {
  const width = value.version === 4 ? 32 : 128
  const step = value.version === 4 ? 8n : 16n
  const groups: string[] = []
  for (let shift = BigInt(width) - step; shift >= 0n; shift -= step) {
    const group = (value.bits >> shift) & ((1n << step) - 1n)
    groups.push(group.toString(value.version === 4 ? 10 : 16))
  }
  const address = groups.join(value.version === 4 ? '.' : ':')
  return value.prefix === width ? address : `${address}/${value.prefix}`
}

function parseVersion4(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4) return undefined
  let bits = 0n
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined
    bits = (bits << 8n) | BigInt(part)
  }
  return bits
}

function parseVersion6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = groupsOf(halves[0] ?? '', halves.length === 1)
  const tail = groupsOf(halves[1] ?? '', true)
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  let bits = 0n
  for (const group of [...head, ...Array<bigint>(missing).fill(0n), ...tail]) bits = (bits << 16n) | group
  return bits
}

/** Groups of 16 bits; the last two of the whole address may be written as a v4 address (RFC 4291 §2.2). */
function groupsOf(text: string, isEnd: boolean): bigint[] | undefined {
  if (text === '') return []
  const groups: bigint[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(BigInt(`0x${part}`))
      continue
    }
    const last = isEnd && index === parts.length - 1 ? parseVersion4(part) : undefined
    if (last === undefined) return undefined
    groups.push(last >> 16n, last & 0xffffn)
  }
  return groups
}
