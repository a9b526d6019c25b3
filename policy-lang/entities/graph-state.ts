import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Program, Tuple } from '../ir/program.ts'
import type { Graph, RolePermissions } from './graph.ts'
import { createNames, type Names } from './names.ts'
import { createNode, createTable, createTables, type Node, type TypeTable } from './node.ts'
import { createPlainTuples, type PlainTuples } from './plain-tuples.ts'
import { createReferences, type References } from './references.ts'
import { createSnapshots, type Snapshots } from './snapshot.ts'
import { weightOfNode } from './weigh.ts'

/** What a store holds. Only `put-entity.ts`, `put-tuple.ts` and `mentions.ts` write to it. */
export type GraphState = {
  readonly program: Program
  readonly tables: Map<string, TypeTable>
  readonly byNumber: Node[]
  readonly texts: Map<string, string>
  /** Sets of texts, by their texts. */
  readonly sets: Map<string, Value>
  readonly plain: PlainTuples
  readonly relations: Names
  readonly holdsPlainly: Graph['holdsPlainly']
  entities: number
  /** Others than plain ones. */
  tuples: number
  /** Of nodes and what they hold: an estimate, see `weigh.ts`. */
  bytes: number
  permissions: RolePermissions
  readonly snapshots: Snapshots
  readonly references: References
  /** By type; undefined: everyone. */
  readonly heldByAll: Map<string | undefined, Set<Tuple>>
}

export function createState(program: Program): GraphState {
  const plain = createPlainTuples()
  const relations = createNames()
  const holdsPlainly: Graph['holdsPlainly'] = (subject, relation, resource) => {
    const number = relations.known(relation)
    return number !== undefined && subject.at >= 0 && resource.at >= 0 && plain.has(number, resource.at, subject.at)
  }
  return {
    program,
    plain,
    relations,
    holdsPlainly,
    tables: createTables(program),
    byNumber: [],
    texts: new Map(),
    sets: new Map(),
    entities: 0,
    tuples: 0,
    bytes: 0,
    permissions: new Map(),
    snapshots: createSnapshots(holdsPlainly),
    references: createReferences(),
    heldByAll: new Map(),
  }
}

export const lookUp = (state: GraphState, uid: EntityValue): Node | undefined =>
  state.tables.get(uid.type)?.byId.get(uid.id)

/** The node of an entity, made where nothing has mentioned it yet. A type that the schema lacks gets a table of its own. */
export function intern(state: GraphState, uid: EntityValue): Node {
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
  state.bytes += weightOfNode(uid.id)
  state.snapshots.born(node)
  return node
}

export const uidsOf = (nodes: Iterable<Node>): readonly EntityValue[] => Array.from(nodes, (node) => node.uid)

export const label = (uid: EntityValue): string => `${uid.type}::${JSON.stringify(uid.id)}`
