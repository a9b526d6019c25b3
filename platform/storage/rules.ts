// Decisions about requests that need no input or output: keys, ranges, conditions, digests, what a browser may show.
import { limits } from './limits.ts'

export type KeyProblem = 'empty' | 'long' | 'segment' | 'character' | 'normalization'

/**
 * What is wrong with an object's key, if anything (modules.md §4). A key is a name, never a path; these rules keep it harmless
 * for whoever makes a path or a URL of it later.
 */
export function keyProblem(key: string): KeyProblem | undefined {
  if (key === '') return 'empty'
  if (Buffer.byteLength(key) > limits.keyBytes) return 'long'
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f-\u009f\\\ud800-\udfff\ufffe\uffff\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(key))
    return 'character'
  if (key.normalize('NFC') !== key) return 'normalization'
  const segments = key.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) return 'segment'
  return undefined
}

/** Buckets are named like host labels, so that a name needs no escaping anywhere. */
export const bucketName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

export type Range = { readonly start: number; readonly end: number }
export type RangeAnswer =
  | { readonly kind: 'whole' }
  | { readonly kind: 'unsatisfiable' }
  | ({ readonly kind: 'part' } & Range)

/**
 * Reads a `Range` header for an object of `size` bytes (RFC 9110 §14.2). Malformed and foreign units are ignored, as the RFC
 * demands. Several ranges are answered with the whole object, which §14.2 allows ("MAY ignore the Range header field").
 */
export function readRange(header: string | undefined, size: number): RangeAnswer {
  if (header === undefined) return { kind: 'whole' }
  const match = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header)
  if (!match) return { kind: 'whole' }
  const [, first = '', last = ''] = match
  if (first === '' && last === '') return { kind: 'whole' }
  if (first === '') {
    const suffix = Number(last)
    if (suffix === 0 || size === 0) return { kind: 'unsatisfiable' }
    return { kind: 'part', start: Math.max(0, size - suffix), end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  if (start >= size) return { kind: 'unsatisfiable' }
  return { kind: 'part', start, end }
}

/** Entity tags of `If-Match` or `If-None-Match` (RFC 9110 §8.8.3); undefined if the header cannot be read. */
export function readEntityTags(
  header: string,
): '*' | readonly { readonly tag: string; readonly weak: boolean }[] | undefined {
  const text = header.trim()
  if (text === '*') return '*'
  const form = /^(?:W\/)?"[\x21\x23-\x7e\x80-\uffff]*"$/
  const parts = text.split(',').map((part) => part.trim())
  if (parts.some((part) => !form.test(part))) return undefined
  return parts.map((part) => ({ weak: part.startsWith('W/'), tag: part.replace(/^W\//, '').slice(1, -1) }))
}

export type Conditions = { readonly ifMatch?: string | undefined; readonly ifNoneMatch?: string | undefined }
export type ConditionAnswer = 'holds' | 'fails' | 'malformed'

/** Whether a write may go on over the current content (RFC 9110 §13.1.1, §13.1.2). `current`: sha-256 in hex, if there is an object. */
export function judgeWriteConditions(conditions: Conditions, current: string | undefined): ConditionAnswer {
  if (conditions.ifMatch !== undefined) {
    const tags = readEntityTags(conditions.ifMatch)
    if (!tags) return 'malformed'
    // Strong comparison: a weak tag never matches a write.
    const matches = tags === '*' ? current !== undefined : tags.some((tag) => !tag.weak && tag.tag === current)
    if (!matches) return 'fails'
  }
  if (conditions.ifNoneMatch !== undefined) {
    const tags = readEntityTags(conditions.ifNoneMatch)
    if (!tags) return 'malformed'
    const matches = tags === '*' ? current !== undefined : tags.some((tag) => tag.tag === current)
    if (matches) return 'fails'
  }
  return 'holds'
}

/** Whether the reader has this content already (RFC 9110 §13.1.2, weak comparison). */
export function hasContent(ifNoneMatch: string | undefined, current: string): boolean {
  if (ifNoneMatch === undefined) return false
  const tags = readEntityTags(ifNoneMatch)
  return tags === '*' || (tags?.some((tag) => tag.tag === current) ?? false)
}

/** Whether a range may be answered with a part: no `If-Range`, or one that names this content strongly (RFC 9110 §13.1.5). */
export function allowsPart(ifRange: string | undefined, current: string): boolean {
  if (ifRange === undefined) return true
  const tags = readEntityTags(ifRange)
  return tags !== undefined && tags !== '*' && tags.length === 1 && tags[0]?.weak === false && tags[0].tag === current
}

export type DigestHeader =
  | { readonly kind: 'none' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'sha256'; readonly hex: string }

/** The sha-256 of a `Content-Digest` (RFC 9530 §2); other algorithms are left alone, as §2 allows. */
export function readContentDigest(header: string | undefined): DigestHeader {
  if (header === undefined) return { kind: 'none' }
  for (const member of header.split(',')) {
    const match = /^\s*([a-z0-9*-]+)=(.*)$/.exec(member)
    if (!match) return { kind: 'malformed' }
    if (match[1] !== 'sha-256') continue
    const value = /^:([A-Za-z0-9+/]{43}=):\s*$/.exec(match[2] ?? '')
    if (!value?.[1]) return { kind: 'malformed' }
    return { kind: 'sha256', hex: Buffer.from(value[1], 'base64').toString('hex') }
  }
  return { kind: 'none' }
}

/**
 * Types that a browser may show in place. HTML, SVG and XML run scripts and are not among them whatever was declared
 * (security.md row 13).
 */
const inlineTypes = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'text/plain',
  'application/pdf',
  'audio/mpeg',
  'video/mp4',
])

/** A content type as it may be stored and answered: `type/subtype` with parameters, else plain bytes. */
export function readContentType(header: string | undefined): string {
  const plain = 'application/octet-stream'
  if (header === undefined || header.length > limits.contentTypeLength) return plain
  const text = header.trim().toLowerCase()
  return /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+(?:\s*;\s*[a-z0-9!#$&^_.+-]+=(?:[a-z0-9!#$&^_.+-]+|"[^"\\\r\n]*"))*$/.test(
    text,
  )
    ? text
    : plain
}

/** `Content-Disposition` of an object (RFC 6266 §4, RFC 8187 for names beyond ASCII). */
export function dispositionOf(key: string, contentType: string): string {
  const kind = inlineTypes.has(contentType.split(';')[0]?.trim() ?? '') ? 'inline' : 'attachment'
  const name = key.split('/').at(-1) ?? key
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_')
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
