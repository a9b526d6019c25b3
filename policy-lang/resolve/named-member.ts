import type { FieldType } from '../ir/types.ts'

/** A member of a record or argument list: records are keyed by the name on the wire, texts say the name that was declared. */
export type NamedMember = { readonly wire: string; readonly field: FieldType }
type Fields = { readonly [wire: string]: FieldType }

/** The member that an author calls so (SPEC 2.4). */
export function namedMember(fields: Fields, name: string): NamedMember | undefined {
  const own = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (own && own.spelled === undefined) return { wire: name, field: own }
  for (const [wire, field] of Object.entries(fields)) if (field.spelled === name) return { wire, field }
  return undefined
}

/** The names that an author may write, for suggestions. */
export const memberNames = (fields: Fields): string[] =>
  Object.entries(fields).map(([wire, field]) => field.spelled ?? wire)
