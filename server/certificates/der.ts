/** One value in DER (X.690 §8.1, §10): its identifier octet, what it holds, and itself as it stands. */
export type Der = { readonly tag: number; readonly content: Uint8Array; readonly whole: Uint8Array }

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const

/** The values that stand one after the other in `bytes`; throws where they are not DER. */
export function readAll(bytes: Uint8Array): Der[] {
  const values: Der[] = []
  for (let at = 0; at < bytes.length; ) {
    const value = readOne(bytes, at)
    values.push(value)
    at += value.whole.length
  }
  return values
}

/** Exactly one value, and of this kind. */
export function readOnly(bytes: Uint8Array, tag?: number): Der {
  const value = readOne(bytes, 0)
  if (value.whole.length !== bytes.length || (tag !== undefined && value.tag !== tag))
    throw new Error('der: unexpected')
  return value
}

function readOne(bytes: Uint8Array, at: number): Der {
  const tag = bytes[at]
  const first = bytes[at + 1]
  // Identifiers of more than one octet stand in no certificate that we read.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw new Error('der: cut off')
  const more = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || more > 4) throw new Error('der: no length')
  let length = more === 0 ? first : 0
  for (const octet of bytes.subarray(at + 2, at + 2 + more)) length = length * 256 + octet
  const start = at + 2 + more
  if (start + length > bytes.length) throw new Error('der: cut off')
  return { tag, content: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) }
}

/** `2.5.4.3` (X.690 §8.19). */
export function readObjectIdentifier(content: Uint8Array): string {
  const parts: number[] = []
  let part = 0
  for (const octet of content) {
    part = part * 128 + (octet & 0x7f)
    if (part > Number.MAX_SAFE_INTEGER / 128) throw new Error('der: no identifier')
    if (octet < 0x80) {
      parts.push(part)
      part = 0
    }
  }
  const [head, ...rest] = parts
  if (head === undefined || (content.at(-1) ?? 0x80) >= 0x80) throw new Error('der: no identifier')
  const first = Math.min(2, Math.floor(head / 40))
  return [first, head - first * 40, ...rest].join('.')
}
