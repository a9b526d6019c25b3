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
  /** Ids of every entity of a type that has a row, sorted by code point. */
  idsOf(type: string): readonly string[]
  /**
   * Ids of every entity of a type that the data names: by a row, a tuple, or an attribute (SPEC 8.2); sorted by code point. At
   * most `count` that follow `after`, where given.
   */
  idsNamed(type: string, after?: string, count?: number): readonly string[]
  /** Roles, declared or invented at run time, whose stored permissions at entities of `type` hold (action, resource type): `permitted of`. */
  permittingRoles(type: string, action: string, resourceType: string): readonly string[]
}

/** Facts that rows and tuples of one request may be laid over. */
export type FactsView = Facts & {
  /** Tuples are added to the stored ones; an entity replaces the stored one of its id. */
  overlay(entities: readonly EntityData[], tuples: readonly Tuple[]): Facts
}

/**
 * The in-memory graph of one tenant: interned, closed transitively, kept incrementally. `snapshot` is a consistent view that
 * readers keep while writers go on; `overlay` puts per-request rows (module tables, request tuples) over it without copying.
 */
export type EntityStore = FactsView & {
  /** Puts or replaces. Answers why not, and then nothing of it is kept: a cycle in links, an unknown type. */
  putEntity(entity: EntityData): readonly StoreProblem[]
  removeEntity(uid: EntityValue): void
  /** Puts, or replaces the tuple of the same subject. Answers why not. */
  putTuple(tuple: Tuple): readonly StoreProblem[]
  /** Puts many: `putTuple` for each, quicker. */
  putHolders(holders: Holders): readonly StoreProblem[]
  removeTuple(tuple: Tuple): void
  /** Replaces what stored roles permit: `role` of `type` permits (action, resource type). */
  putRolePermissions(type: string, role: string, permissions: readonly { action: string; resourceType: string }[]): void
  /** Tuples that name the entity as their subject. */
  tuplesHeldBy(subject: EntityValue): Iterable<Tuple>
  /** Tuples held by everyone of a type, by everyone where it is undefined. */
  tuplesHeldByAll(type: string | undefined): Iterable<Tuple>
  /** Entities of `type` whose attribute is `target`, or a set with it. */
  naming(target: EntityValue, type: string, attribute: string): Iterable<EntityValue>
  /** Entities one link below. */
  childrenOf(entity: EntityValue): Iterable<EntityValue>
  snapshot(): FactsView
  /** `bytes`: about what it takes in memory, for telling tenants apart and seeing them grow. */
  readonly size: { readonly entities: number; readonly tuples: number; readonly bytes: number }
}

/** Entities of one type that hold a relation of a resource, without end or condition. */
export type Holders = {
  readonly resource: EntityValue
  readonly relation: string
  readonly subjectType: string
  readonly subjectIds: readonly string[]
}

/** Why the store refused a write; the store is as it was before. */
export type StoreProblem = {
  readonly code: 'link-cycle' | 'unknown-type' | 'unknown-relation' | 'holder-not-allowed'
  readonly message: string
  readonly entity: EntityValue
}
