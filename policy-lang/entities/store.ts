import type { EntityValue, Value } from '../ir/nodes.ts'
import { actionKey, type EntityData, type Program, type Tuple } from '../ir/program.ts'
import { type Closure, createClosure, isInClosure, isSameClosure, numbersIn } from './closure.ts'
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
import { createNames, type Names } from './names.ts'
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
import { createPlainTuples, type PlainTuples } from './plain-tuples.ts'
import { createReferences, namedIn, type References } from './references.ts'
import { createSnapshots } from './snapshot.ts'
import { createSortedIds, type SortedIds } from './sorted-ids.ts'
import { addEntry, createTupleList, dropTuple, entryOf, isPlain, plainTuple, tuplesIn } from './tuple-list.ts'

/** The entity graph of one tenant for the types of `program` (SPEC 8). */
export function createEntityStore(program: Program): EntityStore {
  const plain = createPlainTuples()
  const relations = createNames()
  const holdsPlainly: Graph['holdsPlainly'] = (subject, relation, resource) => {
    const number = relations.known(relation)
    return number !== undefined && subject.at >= 0 && resource.at >= 0 && plain.has(number, resource.at, subject.at)
  }
  const state: State = {
    program,
    plain,
    relations,
    tables: createTables(program),
    byNumber: [],
    texts: new Map(),
    sets: new Map(),
    entities: 0,
    tuples: 0,
    permissions: new Map(),
    snapshots: createSnapshots(holdsPlainly),
    references: createReferences(),
    heldByAll: new Map(),
  }
  const graph = createGraph(state, holdsPlainly)
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
      return { entities: state.entities, tuples: state.tuples + state.plain.count }
    },
  }
}

type State = {
  readonly program: Program
  readonly tables: Map<string, TypeTable>
  readonly byNumber: Node[]
  readonly texts: Map<string, string>
  /** Sets of texts, by their texts. */
  readonly sets: Map<string, Value>
  readonly plain: PlainTuples
  readonly relations: Names
  entities: number
  /** Others than plain ones. */
  tuples: number
  permissions: RolePermissions
  readonly snapshots: ReturnType<typeof createSnapshots>
  readonly references: References
  /** By type; undefined: everyone. */
  readonly heldByAll: Map<string | undefined, Set<Tuple>>
}

function createGraph(state: State, holdsPlainly: Graph['holdsPlainly']): Graph {
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
    within: (node, ancestor) => sameNode(node, ancestor) || isInClosure(node.above, ancestor.at),
    isBroken: (node) => node.broken,
    current: (node) => node,
    ancestors: (node) => (node.above ? ancestorsIn(state, node.above) : []),
    holdsPlainly,
    plainHolders: (node, relation) => plainHolders(state, node, relation),
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
      return above !== undefined && isInClosure(lookUp(state, entity)?.above, above.at)
    },
    tuplesOf: (resource, relation) => tuplesOf(state, resource, relation),
    idsOf: (type) => knownIds(tables.get(type), (node) => node.known),
    idsNamed: (type, after, count = Number.POSITIVE_INFINITY) => namedIds(tables.get(type)).after(after, count),
    permittingRoles: (type, action, resourceType) =>
      permittingRoles(state.permissions, type, actionKey(action, resourceType)),
  }
}

/** Made when first asked for. */
function ancestorsIn(state: State, above: Closure): readonly Node[] {
  above.nodes ??= numbersIn(above).flatMap((at) => state.byNumber[at] ?? [])
  return above.nodes
}

function plainHolders(state: State, node: Node, relation: string): readonly Node[] {
  const number = state.relations.known(relation)
  if (number === undefined || node.at < 0) return []
  return state.plain.holders(number, node.at).flatMap((at) => state.byNumber[at] ?? [])
}

function tuplesOf(state: State, resource: EntityValue, relation: string): readonly Tuple[] {
  const node = lookUp(state, resource)
  if (!node) return []
  const plain = plainHolders(state, node, relation).map((holder) => plainTuple(holder, relation, node))
  const others = tuplesIn(node.tuples?.get(relation))
  return others.length > 0 ? [...plain, ...others] : plain
}

function tuplesHeldBy(state: State, subject: EntityValue): Iterable<Tuple> {
  const node = lookUp(state, subject)
  if (!node) return []
  const found: Tuple[] = [...(node.held ?? [])]
  state.plain.heldBy(node.at, (relation, at) => {
    const resource = state.byNumber[at]
    if (resource) found.push(plainTuple(node, state.relations.nameOf(relation), resource))
  })
  return found
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
  const above = parentsOf(node, refs).find((parent) => parent === node || isInClosure(parent.above, node.at))
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
  if (value.kind !== 'set') return value
  const shared: Value = { kind: 'set', items: value.items.map((item) => shareValue(state, item)) }
  if (!value.items.every((item) => typeof item === 'string')) return shared
  const key = JSON.stringify(value.items)
  const known = state.sets.get(key)
  if (known === undefined && state.sets.size < sharedTexts) state.sets.set(key, shared)
  return known ?? shared
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
    const parents = parentsOf(node)
    const broken = lacksLink(node) || parents.some((parent) => parent.broken)
    const above = closureOver(parents, node.above)
    if (broken === node.broken && above === node.above) continue
    state.snapshots.save(node)
    node.broken = broken
    node.above = above
    open.push(...(node.children ?? []))
  }
}

/** Everything above children of these: `before` where it is the same. */
function closureOver(parents: readonly Node[], before: Closure | undefined): Closure | undefined {
  const [first] = parents
  if (!first) return undefined
  const only = parents.length === 1 ? first : undefined
  if (only?.below && only.below.from === only.above) return only.below
  const numbers = new Set<number>()
  for (const parent of parents) {
    numbers.add(parent.at)
    for (const at of numbersIn(parent.above)) numbers.add(at)
  }
  if (!only) return isSameClosure(before, numbers) ? before : createClosure(numbers)
  only.below = createClosure(numbers, only.above)
  return only.below
}

function putTuple(state: State, tuple: Tuple): readonly StoreProblem[] {
  const { resource, subject } = tuple
  if (!state.program.entityTypes.has(resource.type)) {
    return [{ code: 'unknown-type', message: `no entity type "${resource.type}"`, entity: resource }]
  }
  removeTuple(state, tuple)
  const node = intern(state, resource)
  const holder = subject.kind === 'one' ? intern(state, subject.entity) : undefined
  const entry = entryOf(state.program, tuple, holder)
  mention(state, node, 1)
  if (holder) mention(state, holder, 1)
  if (holder && entry && isPlain(entry)) {
    state.snapshots.savePlain(holder, tuple.relation, node)
    state.plain.add(state.relations.number(tuple.relation), node.at, holder.at)
    return []
  }
  state.snapshots.saveTuples(node, tuple.relation)
  node.tuples ??= new Map()
  const list = node.tuples.get(tuple.relation) ?? createTupleList()
  node.tuples.set(tuple.relation, list)
  if (entry) addEntry(list, entry)
  else list.foreign.push(tuple)
  if (holder) {
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
  if (!node || removePlain(state, node, tuple)) return
  const list = node.tuples?.get(tuple.relation)
  if (!list) return
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

/** Is the tuple of this subject a plain one? Then it goes. */
function removePlain(state: State, node: Node, { relation, subject }: Tuple): boolean {
  const number = state.relations.known(relation)
  if (number === undefined || subject.kind !== 'one' || subject.relation !== undefined) return false
  const holder = lookUp(state, subject.entity)
  if (!holder || !state.plain.has(number, node.at, holder.at)) return false
  state.snapshots.savePlain(holder, relation, node)
  state.plain.remove(number, node.at, holder.at)
  mention(state, node, -1)
  mention(state, holder, -1)
  return true
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
