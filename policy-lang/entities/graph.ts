import { compareCodePoints } from '../builtins/code-points.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type { EntityData, Program } from '../ir/program.ts'
import { hasType } from '../runtime/has-type.ts'
import type { Facts } from './facts.ts'
import { type Node, nothing, type TupleList, type TypeTable } from './node.ts'

/** What compiled code reads: nodes and slots instead of names. Facts of this package are graphs too. */
export type Graph = Facts & {
  readonly isGraph: true
  /** The store itself, and no view of it: what a node says here is all that there is to it. */
  readonly isStore: boolean
  /** Whoever compiled against this program knows the slots. */
  readonly program: Program
  readonly tables: ReadonlyMap<string, TypeTable>
  /** The entity's node; a transient one where no data mentions it. */
  find(type: string, id: string): Node
  /** The entity that an entity-typed attribute means. */
  ref(node: Node, slot: number): Node | undefined
  refs(node: Node, slot: number): readonly Node[]
  within(node: Node, ancestor: Node): boolean
  /** A required link of the node or of one above it is missing: a false of `within` is E (SPEC 5.5). */
  isBroken(node: Node): boolean
  /** Everything above the node. */
  ancestors(node: Node): readonly Node[]
  /** The node that stands for this one here: an overlay's own in place of a stored one. */
  current(node: Node): Node
  /** Is there a tuple that says no more than that the subject holds the relation, without end or condition? */
  holdsPlainly(subject: Node, relation: string, resource: Node): boolean
  /** Subjects of such tuples. */
  plainHolders(resource: Node, relation: string): readonly Node[]
  /** All other tuples of one relation, and all those of an overlay. */
  tupleList(node: Node, relation: string): TupleList | undefined
  addedTuples(node: Node, relation: string): TupleList | undefined
}

export const isGraph = (facts: Facts): facts is Graph => (facts as Partial<Graph>).isGraph === true // a brand that only this package writes

/** Values by slot; one of another type than declared counts as missing (SPEC 5), an undeclared one is never read (SPEC 8). */
export function slotValues(table: TypeTable, entity: EntityData): (Value | undefined)[] {
  const attributes = [...(table.type?.attributes.values() ?? [])]
  return attributes.map((attribute) => {
    const value = entity.attributes.get(attribute.name)
    return value !== undefined && hasType(value, attribute.type) ? value : undefined
  })
}

/** Nodes that entity-typed values mean, by slot. One for all entities that name nobody. */
export function slotRefs(
  values: readonly (Value | undefined)[],
  intern: (uid: EntityValue) => Node,
): readonly (Node | readonly Node[] | undefined)[] {
  const refs = values.map((value) => {
    if (typeof value !== 'object') return undefined
    if (value.kind === 'entity') return intern(value)
    if (value.kind !== 'set') return undefined
    const entities = value.items.filter((item) => typeof item === 'object' && item.kind === 'entity')
    return value.items.length > 0 && entities.length === 0 ? undefined : entities.map(intern)
  })
  return refs.some((ref) => ref !== undefined) ? refs : nothing
}

/** Direct parents of a node over links. */
export function parentsOf(node: Node, refs: Node['refs'] = node.refs): readonly Node[] {
  const parents: Node[] = []
  for (const slot of node.table.links) {
    const ref = refs[slot]
    if (ref === undefined) continue
    if ('uid' in ref) parents.push(ref)
    else parents.push(...ref)
  }
  return parents
}

/** Is a required link of the node itself missing? */
export const lacksLink = (node: Node): boolean =>
  node.table.requiredLinks.some((slot) => node.values[slot] === undefined)

/** Ids of a type's entities, sorted by code point. */
export const knownIds = (table: TypeTable | undefined, isKnown: (node: Node) => boolean): readonly string[] =>
  [...(table?.byId.values() ?? [])]
    .filter(isKnown)
    .map((node) => node.uid.id)
    .sort(compareCodePoints)

export type RolePermissions = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>

/** Roles of a type that permit (action, resource type). */
export function permittingRoles(permissions: RolePermissions, type: string, key: string): readonly string[] {
  const roles = permissions.get(type)
  return roles ? [...roles].filter(([, permitted]) => permitted.has(key)).map(([role]) => role) : []
}
