import type { EntityValue } from '../ir/nodes.ts'

/** Entities, each once. */
export type EntitySet = Map<string, EntityValue>

export const keyOfEntity = ({ type, id }: EntityValue): string => `${type}\u0000${id}`

export function entitySet(entities: Iterable<EntityValue> = []): EntitySet {
  const set: EntitySet = new Map()
  for (const entity of entities) set.set(keyOfEntity(entity), entity)
  return set
}
