import type { EntityValue } from '../ir/nodes.ts'
import type { Tuple } from '../ir/program.ts'
import type { Holders, StoreProblem } from './facts.ts'
import { type GraphState, intern, lookUp } from './graph-state.ts'
import { mention } from './mentions.ts'
import type { Node } from './node.ts'
import { addEntry, createTupleList, dropTuple, entryOf, isPlain } from './tuple-list.ts'

export function putTuple(state: GraphState, tuple: Tuple): readonly StoreProblem[] {
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

/** `putTuple` for each subject of one type, where a tuple says no more than who holds: what loads millions of them. */
export function putHolders(state: GraphState, holders: Holders): readonly StoreProblem[] {
  const { resource, relation, subjectType, subjectIds } = holders
  const [first] = subjectIds
  if (first === undefined) return []
  const tuple = (id: string): Tuple => ({
    resource,
    relation,
    subject: { kind: 'one', entity: { kind: 'entity', type: subjectType, id } },
  })
  const refused = putTuple(state, tuple(first))
  if (refused.length > 0) return refused
  const node = intern(state, resource)
  const number = state.relations.known(relation)
  // Whether a tuple is plain is told by its types: as the first is, so are the others.
  const isPlainHere =
    number !== undefined && state.plain.has(number, node.at, intern(state, entityAt(subjectType, first)).at)
  for (let at = 1; at < subjectIds.length; at += 1) {
    const id = subjectIds[at] ?? ''
    if (!isPlainHere || node.tuples?.has(relation)) putTuple(state, tuple(id))
    else putPlain(state, { node, relation, number }, intern(state, entityAt(subjectType, id)))
  }
  return []
}

const entityAt = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })

function putPlain(
  state: GraphState,
  { node, relation, number }: { readonly node: Node; readonly relation: string; readonly number: number },
  holder: Node,
): void {
  state.snapshots.savePlain(holder, relation, node)
  if (!state.plain.add(number, node.at, holder.at)) return
  mention(state, node, 1)
  mention(state, holder, 1)
}

export function removeTuple(state: GraphState, tuple: Tuple): void {
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
function removePlain(state: GraphState, node: Node, { relation, subject }: Tuple): boolean {
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
