import type { EntityValue, Value } from '../ir/nodes.ts'
import { actionKey, type EntityData, type Program, type Tuple } from '../ir/program.ts'
import type { EntityStore, StoreProblem } from './facts.ts'
import {
  type Graph,
  knownIds,
  lacksLink,
  parentsOf,
  permittingRoles,
  type RolePermissions,
  slotRefs,
  slotValues,
} from './graph.ts'
import { createNode, createTable, createTables, type Node, sameNode, TRANSIENT, type TypeTable } from './node.ts'
import { createOverlay } from './overlay.ts'
import { createSnapshots } from './snapshot.ts'
import { addTuple, createTupleList, dropTuple, tuplesIn } from './tuple-list.ts'

/** The entity graph of one tenant for the types of `program` (SPEC 8). */
export function createEntityStore(program: Program): EntityStore {
  const state: State = {
    program,
    tables: createTables(program),
    byNumber: [],
    texts: new Map(),
    entities: 0,
    tuples: 0,
    permissions: new Map(),
    snapshots: createSnapshots(),
  }
  const graph = createGraph(state)
  return {
    ...graph,
    putEntity: (entity) => putEntity(state, entity),
    removeEntity: (uid) => removeEntity(state, uid),
    putTuple: (tuple) => putTuple(state, tuple),
    removeTuple: (tuple) => removeTuple(state, tuple),
    putRolePermissions: (type, role, permissions) => {
      // Replaced, not changed: snapshots keep the map that they have seen.
      const roles = new Map(state.permissions.get(type))
      roles.set(role, new Set(permissions.map((permission) => actionKey(permission.action, permission.resourceType))))
      state.permissions = new Map(state.permissions).set(type, roles)
    },
    tuplesHeldBy: (subject) => lookUp(state, subject)?.held ?? [],
    snapshot: () => state.snapshots.take(graph, state.permissions),
    overlay: (entities, tuples) => createOverlay(graph, entities, tuples),
    get size() {
      return { entities: state.entities, tuples: state.tuples }
    },
  }
}

type State = {
  readonly program: Program
  readonly tables: Map<string, TypeTable>
  readonly byNumber: Node[]
  readonly texts: Map<string, string>
  entities: number
  tuples: number
  permissions: RolePermissions
  readonly snapshots: ReturnType<typeof createSnapshots>
}

function createGraph(state: State): Graph {
  const { tables, program } = state
  const unknown = createTable('', undefined)
  const find = (type: string, id: string): Node => {
    const table = tables.get(type)
    return table?.byId.get(id) ?? createNode({ kind: 'entity', type, id }, table ?? unknown, TRANSIENT)
  }
  return {
    isGraph: true,
    program,
    tables,
    find,
    ref: (node, slot) => node.refs[slot] as Node | undefined, // the slot's type says that it is one entity
    refs: (node, slot) => (node.refs[slot] as readonly Node[] | undefined) ?? [], // … or a set of them
    within: (node, ancestor) => sameNode(node, ancestor) || (node.above?.has(ancestor.at) ?? false),
    isBroken: (node) => node.broken,
    current: (node) => node,
    ancestors: (node) => {
      node.line ??= lineOf(state, node)
      return node.line
    },
    tupleList: (node, relation) => node.tuples?.get(relation),
    addedTuples: () => undefined,
    attribute: (entity, name) => {
      const node = lookUp(state, entity)
      const slot = node?.table.slots.get(name)
      return slot === undefined ? undefined : node?.values[slot]
    },
    isWithin: (entity, ancestor) => {
      if (entity.id === ancestor.id && entity.type === ancestor.type) return true
      const above = lookUp(state, ancestor)
      return above !== undefined && (lookUp(state, entity)?.above?.has(above.at) ?? false)
    },
    tuplesOf: (resource, relation) => tuplesIn(lookUp(state, resource)?.tuples?.get(relation)),
    idsOf: (type) => knownIds(tables.get(type), (node) => node.known),
    permittingRoles: (type, action, resourceType) =>
      permittingRoles(state.permissions, type, actionKey(action, resourceType)),
  }
}

function lineOf(state: State, node: Node): readonly Node[] {
  const line = [node]
  for (const at of node.above ?? []) {
    const above = state.byNumber[at]
    if (above) line.push(above)
  }
  return line
}

const lookUp = (state: State, uid: EntityValue): Node | undefined => state.tables.get(uid.type)?.byId.get(uid.id)

/** The node of an entity, made where nothing has mentioned it yet. A type that the schema lacks gets a table of its own. */
function intern(state: State, uid: EntityValue): Node {
  let table = state.tables.get(uid.type)
  if (!table) {
    table = createTable(uid.type, undefined)
    state.tables.set(uid.type, table)
  }
  const known = table.byId.get(uid.id)
  if (known) return known
  const node = createNode({ kind: 'entity', type: uid.type, id: uid.id }, table, state.byNumber.length)
  state.byNumber.push(node)
  table.byId.set(uid.id, node)
  state.snapshots.born(node)
  return node
}

function putEntity(state: State, entity: EntityData): readonly StoreProblem[] {
  const { uid } = entity
  if (!state.program.entityTypes.has(uid.type)) {
    return [{ code: 'unknown-type', message: `no entity type "${uid.type}"`, entity: uid }]
  }
  const node = intern(state, uid)
  const values = slotValues(node.table, entity).map((value) =>
    value === undefined ? undefined : shareValue(state, value),
  )
  const refs = slotRefs(values, (other) => intern(state, other))
  const above = parentsOf(node, refs).find((parent) => parent === node || parent.above?.has(node.at))
  if (above) {
    const message = `${label(uid)} would lie below itself through ${label(above.uid)}`
    return [{ code: 'link-cycle', message, entity: uid }]
  }
  state.snapshots.save(node)
  if (!node.known) state.entities += 1
  node.known = true
  node.values = values
  relink(state, node, refs)
  return []
}

/** One text and one id for all entities that have it: less memory, and decisions touch less of it. */
function shareValue(state: State, value: Value): Value {
  if (typeof value === 'string') {
    const known = state.texts.get(value)
    if (known !== undefined) return known
    if (state.texts.size < sharedTexts) state.texts.set(value, value)
    return value
  }
  if (typeof value !== 'object') return value
  if (value.kind === 'entity') return intern(state, value).uid
  return value.kind === 'set' ? { kind: 'set', items: value.items.map((item) => shareValue(state, item)) } : value
}

/** Texts beyond this are mostly of one entity each. */
const sharedTexts = 10_000

function removeEntity(state: State, uid: EntityValue): void {
  const node = lookUp(state, uid)
  if (!node?.known) return
  state.snapshots.save(node)
  state.entities -= 1
  node.known = false
  node.values = []
  relink(state, node, [])
}

function relink(state: State, node: Node, refs: Node['refs']): void {
  for (const parent of parentsOf(node)) parent.children?.delete(node)
  node.refs = refs
  for (const parent of parentsOf(node)) {
    parent.children ??= new Set()
    parent.children.add(node)
  }
  closeUpwards(state, node)
}

/** Ancestors, and whether their chain is whole, of the node and of whatever lies below it; links have no cycles, so this ends. */
function closeUpwards(state: State, changed: Node): void {
  const open = [changed]
  for (let node = open.pop(); node; node = open.pop()) {
    const above = new Set<number>()
    let broken = lacksLink(node)
    for (const parent of parentsOf(node)) {
      broken ||= parent.broken
      above.add(parent.at)
      for (const at of parent.above ?? []) above.add(at)
    }
    if (broken === node.broken && isSameSet(above, node.above)) continue
    state.snapshots.save(node)
    node.broken = broken
    node.above = above.size > 0 ? above : undefined
    node.line = undefined
    open.push(...(node.children ?? []))
  }
}

function isSameSet(numbers: ReadonlySet<number>, others: ReadonlySet<number> | undefined): boolean {
  if (numbers.size !== (others?.size ?? 0)) return false
  for (const number of numbers) if (!others?.has(number)) return false
  return true
}

function putTuple(state: State, tuple: Tuple): readonly StoreProblem[] {
  const { resource, subject } = tuple
  if (!state.program.entityTypes.has(resource.type)) {
    return [{ code: 'unknown-type', message: `no entity type "${resource.type}"`, entity: resource }]
  }
  removeTuple(state, tuple)
  const node = intern(state, resource)
  const holder = subject.kind === 'one' ? intern(state, subject.entity) : undefined
  state.snapshots.saveTuples(node, tuple.relation)
  node.tuples ??= new Map()
  const list = node.tuples.get(tuple.relation) ?? createTupleList()
  node.tuples.set(tuple.relation, list)
  addTuple(state.program, list, tuple, holder)
  if (holder) {
    holder.held ??= new Set()
    holder.held.add(tuple)
  }
  state.tuples += 1
  return []
}

function removeTuple(state: State, tuple: Tuple): void {
  const node = lookUp(state, tuple.resource)
  const list = node?.tuples?.get(tuple.relation)
  if (!node || !list) return
  state.snapshots.saveTuples(node, tuple.relation)
  const dropped = dropTuple(list, tuple.subject)
  if (!dropped) return
  state.tuples -= 1
  if (dropped.subject.kind === 'one') lookUp(state, dropped.subject.entity)?.held?.delete(dropped)
}

const label = (uid: EntityValue): string => `${uid.type}::${JSON.stringify(uid.id)}`
