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
import {
  createNode,
  createTable,
  createTables,
  isNamed,
  type Node,
  sameNode,
  TRANSIENT,
  type TypeTable,
} from './node.ts'
import { createOverlay } from './overlay.ts'
import { createReferences, namedIn, type References } from './references.ts'
import { createSnapshots } from './snapshot.ts'
import { createSortedIds, type SortedIds } from './sorted-ids.ts'
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
    references: createReferences(),
    heldByAll: new Map(),
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
    tuplesHeldByAll: (type) => state.heldByAll.get(type) ?? [],
    naming: (target, type, attribute) => naming(state, target, { type, attribute }),
    childrenOf: (entity) => uidsOf(lookUp(state, entity)?.children ?? []),
    snapshot: () => {
      const view = state.snapshots.take(graph, state.permissions)
      return { ...view, overlay: (entities, tuples) => createOverlay(view, entities, tuples) }
    },
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
  readonly references: References
  /** By type; undefined: everyone. */
  readonly heldByAll: Map<string | undefined, Set<Tuple>>
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
    idsNamed: (type, after, count = Number.POSITIVE_INFINITY) => namedIds(tables.get(type)).after(after, count),
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
  setKnown(node, true)
  setValues(state, node, values)
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
  setKnown(node, false)
  setValues(state, node, [])
  relink(state, node, [])
}

function relink(state: State, node: Node, refs: Node['refs']): void {
  for (const parent of parentsOf(node)) parent.children?.delete(node)
  state.references.moved(node, refs)
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
  mention(state, node, 1)
  if (holder) {
    mention(state, holder, 1)
    holder.held ??= new Set()
    holder.held.add(tuple)
  } else if (subject.kind !== 'one') {
    const type = subject.kind === 'anyOf' ? subject.type : undefined
    const held = state.heldByAll.get(type) ?? new Set()
    state.heldByAll.set(type, held.add(tuple))
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
  mention(state, node, -1)
  const { subject } = dropped
  if (subject.kind !== 'one') {
    state.heldByAll.get(subject.kind === 'anyOf' ? subject.type : undefined)?.delete(dropped)
    return
  }
  const holder = lookUp(state, subject.entity)
  holder?.held?.delete(dropped)
  if (holder) mention(state, holder, -1)
}

/** ORDER: what is named anew is counted first, so that nothing is forgotten in between. */
function setValues(state: State, node: Node, values: readonly (Value | undefined)[]): void {
  const [before, after]: [EntityValue[], EntityValue[]] = [[], []]
  for (const value of node.values) namedIn(value, before)
  for (const value of values) namedIn(value, after)
  for (const uid of after) mention(state, intern(state, uid), 1)
  for (const uid of before) mention(state, intern(state, uid), -1)
  node.values = values
}

function mention(state: State, node: Node, by: 1 | -1): void {
  const before = isNamed(node)
  // Views ask whether it is named, not how often.
  if (!node.known && node.mentions + Math.min(by, 0) === 0) state.snapshots.save(node)
  node.mentions += by
  noteNamed(node, before)
}

function setKnown(node: Node, known: boolean): void {
  const before = isNamed(node)
  node.known = known
  noteNamed(node, before)
}

function noteNamed(node: Node, before: boolean): void {
  if (isNamed(node) === before) return
  if (before) node.table.named?.remove(node.uid.id)
  else node.table.named?.add(node.uid.id)
}

function namedIds(table: TypeTable | undefined): SortedIds {
  if (!table) return createSortedIds([])
  table.named ??= createSortedIds([...table.byId.values()].filter(isNamed).map((node) => node.uid.id))
  return table.named
}

function naming(
  state: State,
  target: EntityValue,
  { type, attribute }: { readonly type: string; readonly attribute: string },
): Iterable<EntityValue> {
  const node = lookUp(state, target)
  const table = state.tables.get(type)
  const slot = table?.slots.get(attribute)
  return node && table && slot !== undefined ? uidsOf(state.references.to(node, table, slot)) : []
}

const uidsOf = (nodes: Iterable<Node>): readonly EntityValue[] => Array.from(nodes, (node) => node.uid)

const label = (uid: EntityValue): string => `${uid.type}::${JSON.stringify(uid.id)}`
