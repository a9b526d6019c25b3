import type { Program, Tuple, TupleSubject } from '../ir/program.ts'
import { matchingHolder } from '../runtime/hold-relation.ts'
import type { Node, TupleEntry, TupleList } from './node.ts'

/** A list longer than this finds its subjects by number. */
const scanned = 8

export const createTupleList = (): TupleList => ({
  entries: [],
  expanding: [],
  wild: [],
  bySubject: undefined,
  plain: [],
  simple: true,
  foreign: [],
})

export function addTuple(program: Program, list: TupleList, tuple: Tuple, subject: Node | undefined): void {
  const entry = entryOf(program, tuple, subject)
  if (entry) addEntry(list, entry)
  else list.foreign.push(tuple)
}

export function addEntry(list: TupleList, entry: TupleEntry): void {
  list.entries.push(entry)
  if (isPlain(entry)) list.plain.push(entry.node.at)
  else list.simple = false
  if (entry.expands !== undefined) list.expanding.push(entry)
  if (!entry.node) list.wild.push(entry)
  if (list.bySubject) indexEntry(list.bySubject, entry)
  else if (list.entries.length > scanned) {
    list.bySubject = new Map()
    for (const each of list.entries) indexEntry(list.bySubject, each)
  }
}

/** Says no more than who holds: no end, no condition, nobody behind the holder. */
export const isPlain = (entry: TupleEntry): entry is TupleEntry & { readonly node: Node } =>
  entry.node !== undefined &&
  entry.direct &&
  entry.expands === undefined &&
  entry.condition === undefined &&
  entry.tuple.until === undefined

/** Removes the tuple of this subject; answers it, or undefined if there was none. */
export function dropTuple(list: TupleList, subject: TupleSubject): Tuple | undefined {
  const foreign = list.foreign.findIndex((tuple) => sameSubject(tuple.subject, subject))
  if (foreign >= 0) return list.foreign.splice(foreign, 1)[0]
  const entry = list.entries.find(({ tuple }) => sameSubject(tuple.subject, subject))
  if (!entry) return undefined
  list.entries = list.entries.filter((each) => each !== entry)
  list.plain = list.entries.filter(isPlain).map((each) => each.node.at)
  list.simple = list.plain.length === list.entries.length
  list.expanding = list.expanding.filter((each) => each !== entry)
  list.wild = list.wild.filter((each) => each !== entry)
  if (entry.node && list.bySubject) {
    const left = (list.bySubject.get(entry.node.at) ?? []).filter((each) => each !== entry)
    if (left.length > 0) list.bySubject.set(entry.node.at, left)
    else list.bySubject.delete(entry.node.at)
  }
  return entry.tuple
}

export const plainTuple = (holder: Node, relation: string, resource: Node): Tuple => ({
  resource: resource.uid,
  relation,
  subject: { kind: 'one', entity: holder.uid },
})

export const tuplesIn = (list: TupleList | undefined): readonly Tuple[] =>
  list ? [...list.entries.map((entry) => entry.tuple), ...list.foreign] : []

export function sameSubject(a: TupleSubject, b: TupleSubject): boolean {
  if (a.kind === 'anyone' || b.kind === 'anyone') return a.kind === b.kind
  if (a.kind === 'anyOf' || b.kind === 'anyOf') return a.kind === 'anyOf' && b.kind === 'anyOf' && a.type === b.type
  return a.entity.id === b.entity.id && a.entity.type === b.entity.type && a.relation === b.relation
}

/** Undefined where the schema does not allow it. */
export function entryOf(program: Program, tuple: Tuple, node: Node | undefined): TupleEntry | undefined {
  const { subject } = tuple
  const relation = program.entityTypes.get(tuple.resource.type)?.relations.get(tuple.relation)
  const holder = relation?.kind === 'stored' ? matchingHolder(program, relation.holders, tuple) : undefined
  // A role that exists only as data has no holders; `permitted of` reaches it, no rule does.
  if (relation && !holder) return undefined
  const condition = tuple.condition?.name
  if (subject.kind !== 'one' || !node) return { tuple, node: undefined, expands: undefined, direct: false, condition }
  const isGroup = program.entityTypes.get(subject.entity.type)?.relations.has('member')
  const expands = subject.relation ?? (isGroup ? 'member' : undefined)
  return { tuple, node, expands, direct: subject.relation === undefined, condition }
}

function indexEntry(index: Map<number, TupleEntry[]>, entry: TupleEntry): void {
  if (!entry.node) return
  const same = index.get(entry.node.at)
  if (same) same.push(entry)
  else index.set(entry.node.at, [entry])
}

/** The list as it is now; later changes of the original do not show. */
export function copyTupleList(list: TupleList): TupleList {
  const copy: TupleList = {
    entries: [...list.entries],
    expanding: [...list.expanding],
    wild: [...list.wild],
    bySubject: list.bySubject && new Map(),
    plain: [...list.plain],
    simple: list.simple,
    foreign: [...list.foreign],
  }
  if (copy.bySubject) for (const entry of copy.entries) indexEntry(copy.bySubject, entry)
  return copy
}
