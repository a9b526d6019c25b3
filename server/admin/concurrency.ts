import { createHash } from 'node:crypto'
import type { JsonValue } from '../decision/decision-point.ts'
import { errors } from '../http/errors.ts'
import { jsonText } from '../http/write-reply.ts'

/** A strong validator (RFC 9110 §8.8.3): the row's version, or its content where it counts none. */
export const etagOf = (version: number | JsonValue): string =>
  typeof version === 'number'
    ? `"${version}"`
    : `"${createHash('sha256').update(jsonText(version)).digest('base64url').slice(0, 22)}"`

/** modules.md §0, concurrency: absent 428, stale 412. `*` means whatever stands there. */
export function requireMatch(headers: { readonly [name: string]: string | undefined }, etag: string): void {
  const given = headers['if-match']
  if (given === undefined) throw errors.precondition_required()
  const tags = given.split(',').map((tag) => tag.trim())
  if (!tags.includes(etag) && !tags.includes('*')) throw errors.version_conflict()
}

/** For the first PUT, which needs none: checked only where it stands. */
export function requireMatchIfGiven(headers: { readonly [name: string]: string | undefined }, etag: string): void {
  if (headers['if-match'] !== undefined) requireMatch(headers, etag)
}
