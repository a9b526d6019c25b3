import type { EntityValue, Value } from '../ir/nodes.ts'
import type { EntityType, Program, Tuple } from '../ir/program.ts'
import type { Closure } from './closure.ts'
import type { SortedIds } from './sorted-ids.ts'

/** One interned entity. INVARIANT: within one graph an entity has one node, so `===` is equality of known entities. */
export type Node = {
  readonly uid: EntityValue
  readonly table: TypeTable
  /** Number of the entity; negative in overlays, `TRANSIENT` for an entity that nothing mentions. */
  readonly at: number
  /** False for an entity that is only mentioned. */
  known: boolean
  /** How often tuples and attributes name it. */
  mentions: number
  /** Attributes and links by slot of the type. Replaced whole, never changed in place: snapshots keep the old array. */
  values: readonly (Value | undefined)[]
  /** The nodes that entity-typed values mean, by slot. */
  refs: readonly (Node | readonly Node[] | undefined)[]
  /** Direct children over links. */
  children: Set<Node> | undefined
  /** Numbers of all ancestors, itself excluded. Replaced whole, never changed in place. */
  above: Closure | undefined
  /** What children have above them that are below it alone; one for all of them. */
  below: Closure | undefined
  /** It, or something above it, lacks a required link: that it is not below an entity is then unknown (SPEC 5.5). */
  broken: boolean
  /** Tuples that are more than plain ones. */
  tuples: Map<string, TupleList> | undefined
  /** Such tuples whose subject this is. */
  held: Set<Tuple> | undefined
  /**
   * What compiled code has found out from this node alone, and for whom; of others, `further`. INVARIANT: forgotten whenever
   * values, refs, ancestors or `broken` of the node change. Numbers only: no program is kept alive.
   */
  memoOf: object | undefined
  memo: readonly number[]
  further: Memo | undefined
}
export type Memo = { readonly of: object; readonly found: readonly number[]; readonly next: Memo | undefined }

export function forget(node: Node): void {
  node.memoOf = undefined
  node.memo = nothingFound
  node.further = undefined
}

/** Does the data say anything of it: a row, a tuple, an attribute of another (SPEC 8.2)? */
export const isNamed = (node: Node): boolean => node.known || node.mentions > 0

/** Number of every entity that no data mentions. */
export const TRANSIENT = -1

/** Nodes of one entity: an overlay's node has the number of the stored one, transients have nothing but their ids. */
export const sameNode = (a: Node, b: Node): boolean =>
  a === b || (a.at === b.at && (a.at !== TRANSIENT || (a.uid.id === b.uid.id && a.uid.type === b.uid.type)))

/** Entities of one type and the slots of their attributes. */
export type TypeTable = {
  readonly name: string
  readonly type: EntityType | undefined
  readonly slots: ReadonlyMap<string, number>
  readonly links: readonly number[]
  /** Links that every entity of the type must have. */
  readonly requiredLinks: readonly number[]
  readonly byId: Map<string, Node>
  /** Ids of everything named, once somebody has listed the type. */
  named: SortedIds | undefined
}

/** The tuples of one relation of one resource. */
export type TupleList = {
  /** Tuples that a declared holder allows. */
  entries: TupleEntry[]
  /** Those of them that lead to further holders. */
  expanding: TupleEntry[]
  /** Wildcards among them. */
  wild: TupleEntry[]
  /** By number of the subject, once the list is long. */
  bySubject: Map<number, TupleEntry[]> | undefined
  /** Numbers of subjects that hold themselves, without end or condition: most lists have nothing else, and need no more. */
  plain: number[]
  /** Nothing but `plain`. */
  simple: boolean
  /** Tuples that the schema does not allow (any more): kept, never counted. */
  readonly foreign: Tuple[]
}
export type TupleEntry = {
  readonly tuple: Tuple
  /** Undefined for wildcards. */
  readonly node: Node | undefined
  /** Holders of this relation of `node` hold too. */
  readonly expands: string | undefined
  /** `node` itself holds. */
  readonly direct: boolean
  readonly condition: string | undefined
}

/** The same for every executor that was built from a program with the same types. */
export function createTables(program: Program): Map<string, TypeTable> {
  return new Map([...program.entityTypes].map(([name, type]) => [name, createTable(name, type)]))
}

export function createTable(name: string, type: EntityType | undefined): TypeTable {
  const attributes = [...(type?.attributes.values() ?? [])]
  return {
    name,
    type,
    slots: new Map(attributes.map((attribute, slot) => [attribute.name, slot])),
    links: attributes.flatMap((attribute, slot) => (attribute.link ? [slot] : [])),
    requiredLinks: attributes.flatMap((attribute, slot) => (attribute.link && !attribute.optional ? [slot] : [])),
    byId: new Map(),
    named: undefined,
  }
}

/** One for all nodes that nothing was found for. */
export const nothingFound: readonly number[] = Object.freeze([])

/** One for all entities that say nothing. */
export const nothing: readonly undefined[] = Object.freeze([])

/** ORDER: what a decision reads first stands first, so that it comes in one line of the cache. */
export const createNode = (uid: EntityValue, table: TypeTable, at: number): Node => ({
  at,
  memoOf: undefined,
  memo: nothingFound,
  tuples: undefined,
  table,
  uid,
  values: nothing,
  refs: nothing,
  above: undefined,
  broken: table.requiredLinks.length > 0,
  known: false,
  mentions: 0,
  children: undefined,
  below: undefined,
  held: undefined,
  further: undefined,
})
