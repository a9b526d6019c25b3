import { compareCodePoints } from '../builtins/code-points.ts'
import type { EntityValue } from '../ir/nodes.ts'
import type { EntityData, Tuple } from '../ir/program.ts'
import { isInClosure } from './closure.ts'
import { type Graph, lacksLink, parentsOf, slotRefs, slotValues } from './graph.ts'
import { createNode, createTable, type Node, sameNode, TRANSIENT, type TupleList } from './node.ts'
import { mergeIds } from './sorted-ids.ts'
import { addTuple, createTupleList, tuplesIn } from './tuple-list.ts'

/** Rows of one request over a shared graph: nothing of the base is copied or changed. */
export function createOverlay(base: Graph, entities: readonly EntityData[], tuples: readonly Tuple[]): Graph {
  const own: Own = {
    base,
    byUid: new Map(),
    byNumber: new Map(),
    tuples: new Map(),
    next: TRANSIENT - 1,
    reshaped: false,
  }
  for (const { uid } of entities) shadow(own, uid)
  for (const entity of entities) fill(own, entity)
  for (const tuple of tuples) addOwnTuple(own, tuple)
  const find = (type: string, id: string): Node => own.byUid.get(type)?.get(id) ?? base.find(type, id)
  const current = (node: Node): Node => own.byNumber.get(node.at) ?? base.current(node)
  const within = (node: Node, ancestor: Node): boolean =>
    sameNode(node, ancestor) ||
    (needsWalk(own, node) ? walksTo(own, node, ancestor) : isInClosure(node.above, ancestor.at))
  return {
    isGraph: true,
    isStore: false,
    program: base.program,
    tables: base.tables,
    find,
    ref: (node, slot) => {
      const ref = base.ref(node, slot)
      return ref && current(ref)
    },
    refs: (node, slot) => base.refs(node, slot).map(current),
    within,
    isBroken: (node) => (needsWalk(own, node) ? [...reachedFrom(own, node)].some(lacksLink) : base.isBroken(node)),
    current,
    ancestors: (node) =>
      needsWalk(own, node) ? [...reachedFrom(own, node)].slice(1) : base.ancestors(node).map(current),
    holdsPlainly: base.holdsPlainly,
    plainHolders: (node, relation) => base.plainHolders(baseOf(base, node), relation).map(current),
    tupleList: (node, relation) => base.tupleList(baseOf(base, node), relation),
    addedTuples: (node, relation) => own.tuples.get(node)?.get(relation),
    attribute: (entity, name) => {
      const node = find(entity.type, entity.id)
      const slot = node.table.slots.get(name)
      return slot === undefined ? undefined : node.values[slot]
    },
    isWithin: (entity, ancestor) =>
      (entity.id === ancestor.id && entity.type === ancestor.type) ||
      within(find(entity.type, entity.id), find(ancestor.type, ancestor.id)),
    tuplesOf: (resource, relation) => [
      ...base.tuplesOf(resource, relation),
      ...tuplesIn(own.tuples.get(find(resource.type, resource.id))?.get(relation)),
    ],
    idsOf: (type) => {
      const added = [...(own.byUid.get(type)?.values() ?? [])].filter((node) => node.known).map((node) => node.uid.id)
      return [...new Set([...base.idsOf(type), ...added])].sort(compareCodePoints)
    },
    idsNamed: (type, after, count = Number.POSITIVE_INFINITY) =>
      mergeIds(base.idsNamed(type, after, count), own.byUid.get(type)?.keys() ?? [], { after, count }),
    permittingRoles: base.permittingRoles,
  }
}

type Own = {
  readonly base: Graph
  readonly byUid: Map<string, Map<string, Node>>
  /** Own nodes by number: a base entity that is shadowed keeps its number. */
  readonly byNumber: Map<number, Node>
  readonly tuples: Map<Node, Map<string, TupleList>>
  next: number
  /** An entity that has others below it in the base is shadowed: stored closures no longer tell the truth. */
  reshaped: boolean
}

/** An own node for the entity, with the number that base nodes know it by. */
function shadow(own: Own, uid: EntityValue): Node {
  const ids = own.byUid.get(uid.type) ?? new Map<string, Node>()
  own.byUid.set(uid.type, ids)
  const known = ids.get(uid.id)
  if (known) return known
  const stored = own.base.find(uid.type, uid.id)
  const table = own.base.tables.get(uid.type) ?? createTable(uid.type, undefined)
  const isNew = stored.at === TRANSIENT
  const node = createNode(stored.uid, table, isNew ? own.next : stored.at)
  if (isNew) own.next -= 1
  else if (stored.children && stored.children.size > 0) own.reshaped = true
  ids.set(uid.id, node)
  own.byNumber.set(node.at, node)
  return node
}

/** The entity's node here: own, or stored, or a new own one that is only mentioned. */
function mention(own: Own, uid: EntityValue): Node {
  const mine = own.byUid.get(uid.type)?.get(uid.id)
  if (mine) return mine
  const stored = own.base.find(uid.type, uid.id)
  return stored.at === TRANSIENT ? shadow(own, uid) : stored
}

function fill(own: Own, entity: EntityData): void {
  const node = shadow(own, entity.uid)
  node.known = node.table.type !== undefined
  node.values = slotValues(node.table, entity)
  node.refs = slotRefs(node.values, (uid) => mention(own, uid))
}

function addOwnTuple(own: Own, tuple: Tuple): void {
  const node = mention(own, tuple.resource)
  const lists = own.tuples.get(node) ?? new Map<string, TupleList>()
  own.tuples.set(node, lists)
  const list = lists.get(tuple.relation) ?? createTupleList()
  lists.set(tuple.relation, list)
  addTuple(own.base.program, list, tuple, tuple.subject.kind === 'one' ? mention(own, tuple.subject.entity) : undefined)
}

const baseOf = (base: Graph, node: Node): Node => base.find(node.uid.type, node.uid.id)

const needsWalk = (own: Own, node: Node): boolean => own.reshaped || own.byNumber.get(node.at) === node

const walksTo = (own: Own, from: Node, ancestor: Node): boolean =>
  [...reachedFrom(own, from)].some((node) => node.at === ancestor.at)

/** Cycles between stored and own links are possible here: each node is visited once. */
function reachedFrom(own: Own, from: Node): ReadonlySet<Node> {
  const seen = new Set<Node>([from])
  for (const node of seen) {
    for (const parent of parentsOf(node)) seen.add(own.byNumber.get(parent.at) ?? own.base.current(parent))
  }
  return seen
}
