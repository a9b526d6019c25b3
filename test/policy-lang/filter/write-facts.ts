import { isHoldable } from '../../../policy-lang/backends/sql/sql-value.ts'
import type { EntityValue, Facts, Program, Tuple, Value } from '../../../policy-lang/index.ts'
import type { Rows } from './filter-rows.ts'

/** Everything that facts say, as rows of a tenant; undefined where an id cannot be stored in PostgreSQL. */
export function rowsOfFacts(
  program: Program,
  facts: Facts,
  place: { readonly tenantId: string; readonly also: readonly EntityValue[] },
): Rows | undefined {
  const named = new Map<string, EntityValue>()
  const add = (entity: EntityValue) => named.set(`${entity.type} ${entity.id}`, entity)
  for (const type of program.entityTypes.keys()) {
    for (const id of [...facts.idsOf(type), ...facts.idsNamed(type)]) add({ kind: 'entity', type, id })
  }
  for (const entity of place.also) if (program.entityTypes.has(entity.type)) add(entity)
  const tuples: Tuple[] = []
  const entities = [...named.values()].map((uid) => {
    const declared = program.entityTypes.get(uid.type)
    const attributes = [...(declared?.attributes.keys() ?? [])].flatMap((name): [string, Value][] => {
      const value = facts.attribute(uid, name)
      return value === undefined ? [] : [[name, value]]
    })
    for (const name of declared?.relations.keys() ?? []) tuples.push(...facts.tuplesOf(uid, name))
    return { uid, attributes: new Map(attributes) }
  })
  const ids = [...named.values()].map(({ id }) => id)
  return ids.every(isHoldable) ? { tenantId: place.tenantId, entities, tuples } : undefined
}
