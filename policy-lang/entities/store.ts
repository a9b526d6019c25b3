import { actionKey, type Program } from '../ir/program.ts'
import type { EntityStore } from './facts.ts'
import { createState, lookUp, uidsOf } from './graph-state.ts'
import { createOverlay } from './overlay.ts'
import { putEntity, removeEntity } from './put-entity.ts'
import { putHolders, putTuple, removeTuple } from './put-tuple.ts'
import { bytesOf, createGraph, naming, tuplesHeldBy } from './store-graph.ts'

/** The entity graph of one tenant for the types of `program` (SPEC 8). */
export function createEntityStore(program: Program): EntityStore {
  const state = createState(program)
  const graph = createGraph(state)
  return {
    ...graph,
    putEntity: (entity) => putEntity(state, entity),
    removeEntity: (uid) => removeEntity(state, uid),
    putTuple: (tuple) => putTuple(state, tuple),
    putHolders: (holders) => putHolders(state, holders),
    removeTuple: (tuple) => removeTuple(state, tuple),
    putRolePermissions: (type, role, permissions) => {
      // Replaced, not changed: snapshots keep the map that they have seen.
      const roles = new Map(state.permissions.get(type))
      roles.set(role, new Set(permissions.map((permission) => actionKey(permission.action, permission.resourceType))))
      state.permissions = new Map(state.permissions).set(type, roles)
    },
    tuplesHeldBy: (subject) => tuplesHeldBy(state, subject),
    tuplesHeldByAll: (type) => state.heldByAll.get(type) ?? [],
    naming: (target, type, attribute) => naming(state, target, { type, attribute }),
    childrenOf: (entity) => uidsOf(lookUp(state, entity)?.children ?? []),
    snapshot: () => {
      const view = state.snapshots.take(graph, state.permissions)
      return { ...view, overlay: (entities, tuples) => createOverlay(view, entities, tuples) }
    },
    overlay: (entities, tuples) => createOverlay(graph, entities, tuples),
    get size() {
      return { entities: state.entities, tuples: state.tuples + state.plain.count, bytes: bytesOf(state) }
    },
  }
}
