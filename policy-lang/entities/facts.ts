import type { EntityValue, Value } from '../ir/nodes.ts'
import type { EntityData, Tuple } from '../ir/program.ts'

/**
 * What an executor may ask of the world: synchronous, side-effect free, one consistent view for a whole decision.
 * An unknown entity has no attributes, no parents and no tuples.
 */
export type Facts = {
  attribute(entity: EntityValue, name: string): Value | undefined
  /** `entity` is `ancestor` or below it over all links. */
  isWithin(entity: EntityValue, ancestor: EntityValue): boolean
  /** Tuples of one relation of one resource. */
  tuplesOf(resource: EntityValue, relation: string): Iterable<Tuple>
  /** Ids of every known entity of a type, sorted by code point (listing in tests and `writ list`). */
  idsOf(type: string): readonly string[]
  /** Permissions (action, resource type) of stored roles that `subject` holds at `at`, for `permitted of`. */
  isPermitted(subject: EntityValue, at: EntityValue, action: string, resourceType: string, now: number): boolean
}

/**
 * The in-memory graph of one tenant: interned, closed transitively, kept incrementally. `snapshot` is a consistent view that
 * readers keep while writers go on; `overlay` puts per-request rows (module tables, request tuples) over it without copying.
 */
export type EntityStore = Facts & {
  putEntity(entity: EntityData): void
  removeEntity(uid: EntityValue): void
  putTuple(tuple: Tuple): void
  removeTuple(tuple: Tuple): void
  /** Replaces what stored roles permit: `role` of `type` permits (action, resource type). */
  putRolePermissions(type: string, role: string, permissions: readonly { action: string; resourceType: string }[]): void
  snapshot(): Facts
  overlay(entities: readonly EntityData[], tuples: readonly Tuple[]): Facts
  readonly size: { readonly entities: number; readonly tuples: number }
}
