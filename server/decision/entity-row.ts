import {
  type EntityStore,
  type Json,
  type Program,
  parseStrictJson,
  readValue,
  type StoreProblem,
  type Value,
} from '../../policy-lang/index.ts'

/** A row of the table `entity`; `attributes` is JSON text, so that no digit of a number is lost. */
export type EntityRow = { readonly type: string; readonly id: string; readonly attributes: string }
export type RowReading = {
  readonly program: Program
  /** Hears why a stored entity is not used. */
  refused(problem: StoreProblem): void
}

/** Attributes that the schema does not declare, or with another type, count as missing (SPEC 5). */
export function putEntityRow(store: EntityStore, row: EntityRow, { program, refused }: RowReading): void {
  const type = program.entityTypes.get(row.type)
  const uid = { kind: 'entity', type: row.type, id: row.id } as const
  if (!type) return
  const json = parseAttributes(row.attributes)
  const attributes = new Map<string, Value>()
  for (const attribute of type.attributes.values()) {
    const value = Object.hasOwn(json, attribute.name) ? readValue(json[attribute.name], attribute.type) : undefined
    if (value !== undefined) attributes.set(attribute.name, value)
  }
  // A row that the graph refuses (a cycle of links) has no attributes rather than old ones: a rule that needs them fails closed.
  const problems = store.putEntity({ uid, attributes })
  if (problems.length > 0) store.removeEntity(uid)
  for (const problem of problems) refused(problem)
}

/** The exact reader where a number may not fit a double, the native one elsewhere: it is what loads a million rows. */
function parseAttributes(text: string): { readonly [name: string]: Json } {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as { readonly [name: string]: Json }
  const parsed = parseStrictJson(text, { allowNul: true, depth: 64 })
  return parsed.ok ? (parsed.value as { readonly [name: string]: Json }) : {}
}
