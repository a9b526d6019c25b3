import { z } from 'zod'
import type { Secrets } from '../../adapters/secrets/port.ts'
import { errors } from '../http/errors.ts'

/** What a cursor belongs to: list, filters, subject, tenant. Every member must be the same when it comes back. */
export type CursorBinding = { readonly [name: string]: string }

/** Where a page ended. */
export type ListPlace = z.infer<typeof placeShape>

const placeShape = z.object({
  /** Rows whose order is shown come first, by it; then those whose order is hidden, by id (SPEC 5.15). */
  part: z.enum(['shown', 'hidden']),
  key: z.string(),
  id: z.string(),
  /** Of the first page: no later one is of an older state. */
  position: z.string().regex(/^\d{1,19}$/),
})
const shape = z.object({ place: placeShape, binding: z.record(z.string(), z.string()) })
const purpose = 'list.cursor'

type Sealer = Pick<Secrets, 'seal' | 'open'>

/** Sealed rather than signed: the key at which reading stopped may be one that the caller must not see. */
export const sealCursor = (secrets: Sealer, place: ListPlace, binding: CursorBinding): string =>
  Buffer.from(secrets.seal(purpose, Buffer.from(JSON.stringify({ place, binding })))).toString('base64url')

/** Where to go on. An altered cursor, another list's or another subject's is refused (modules.md §0, lists). */
export function openCursor(secrets: Sealer, cursor: string, binding: CursorBinding): ListPlace {
  const opened = read(secrets, cursor)
  if (!isSame(opened.binding, binding)) throw errors.invalid_cursor({ detail: 'It was given for another list.' })
  return opened.place
}

function read(secrets: Sealer, cursor: string): z.infer<typeof shape> {
  try {
    const sealed = Buffer.from(cursor, 'base64url').toString()
    return shape.parse(JSON.parse(Buffer.from(secrets.open(purpose, sealed)).toString()))
  } catch (cause) {
    throw errors.invalid_cursor({ cause })
  }
}

function isSame(one: CursorBinding, other: CursorBinding): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
