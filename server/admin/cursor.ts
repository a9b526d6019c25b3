import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secrets } from '../../adapters/secrets/port.ts'
import { errors } from '../http/errors.ts'

/** What a cursor belongs to: list, filter, tenant, subject. */
export type CursorBinding = readonly (string | undefined)[]

/** A keyset position, signed together with what it belongs to (modules.md §0, lists). */
export function sealCursor(secrets: Secrets, key: readonly string[], binding: CursorBinding): string {
  const text = Buffer.from(JSON.stringify(key)).toString('base64url')
  return `${text}.${signatureOf(secrets, text, binding)}`
}

/** Where to go on; 400 for one that was altered, or given for another list, filter or subject. */
export function openCursor(secrets: Secrets, cursor: string, binding: CursorBinding): readonly string[] {
  const [text = '', signature = ''] = cursor.split('.')
  const expected = Buffer.from(signatureOf(secrets, text, binding))
  const given = Buffer.from(signature)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw errors.invalid_cursor()
  // Signed above, so it is what sealCursor wrote.
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as readonly string[]
}

const signatureOf = (secrets: Secrets, text: string, binding: CursorBinding): string =>
  createHmac('sha256', secrets.deriveKey('admin-cursor'))
    .update(JSON.stringify([text, binding.map((part) => part ?? null)]))
    .digest('base64url')
