import { z } from 'zod'
import { edgeErrors, type Kernel } from '../../server/module.ts'

/** What a cursor belongs to: list, filter, subject, tenant. Every member must be the same when it comes back. */
export type CursorBinding = { readonly [name: string]: string }

const purpose = 'storage.cursor'
const shape = z.object({ after: z.string(), binding: z.record(z.string(), z.string()) })

/** Sealed rather than signed: the key at which reading stopped may be one that the caller must not see. */
export const sealCursor = (secrets: Kernel['secrets'], after: string, binding: CursorBinding): string =>
  Buffer.from(secrets.seal(purpose, Buffer.from(JSON.stringify({ after, binding })))).toString('base64url')

/** Where to go on. An altered cursor, another list's or another subject's is refused (modules.md §0, lists). */
export function openCursor(secrets: Kernel['secrets'], cursor: string, binding: CursorBinding): string {
  const opened = read(secrets, cursor)
  if (!isSame(opened.binding, binding)) throw edgeErrors.invalid_cursor({ detail: 'It was given for another list.' })
  return opened.after
}

function read(secrets: Kernel['secrets'], cursor: string): z.infer<typeof shape> {
  try {
    const sealed = Buffer.from(cursor, 'base64url').toString()
    return shape.parse(JSON.parse(Buffer.from(secrets.open(purpose, sealed)).toString()))
  } catch (cause) {
    throw edgeErrors.invalid_cursor({ cause })
  }
}

function isSame(one: CursorBinding, other: CursorBinding): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
