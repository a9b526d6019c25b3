import type { EntityValue } from '../ir/nodes.ts'
import { actionKey, type Tuple } from '../ir/program.ts'
import { type Closure, isInClosure, numbersIn } from './closure.ts'
import { type Graph, knownIds, permittingRoles } from './graph.ts'
import { type GraphState, lookUp, uidsOf } from './graph-state.ts'
import { createNode, createTable, isNamed, type Node, sameNode, TRANSIENT, type TypeTable } from './node.ts'
import { createSortedIds, type SortedIds } from './sorted-ids.ts'
import { plainTuple, tuplesIn } from './tuple-list.ts'
import { weightOfTuple } from './weigh.ts'

/** The store as it is now, for whoever reads it. */
export function createGraph(state: GraphState): Graph {
  const { tables, program, holdsPlainly } = state
  const unknown = createTable('', undefined)
  const find = (type: string, id: string): Node => {
    const table = tables.get(type)
    return table?.byId.get(id) ?? createNode({ kind: 'entity', type, id }, table ?? unknown, TRANSIENT)
  }
  return {
    isGraph: true,
    isStore: true,
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
function ancestorsIn(state: GraphState, above: Closure): readonly Node[] {
  above.nodes ??= numbersIn(above).flatMap((at) => state.byNumber[at] ?? [])
  return above.nodes
}

function plainHolders(state: GraphState, node: Node, relation: string): readonly Node[] {
  const number = state.relations.known(relation)
  if (number === undefined || node.at < 0) return []
  return state.plain.holders(number, node.at).flatMap((at) => state.byNumber[at] ?? [])
}

function tuplesOf(state: GraphState, resource: EntityValue, relation: string): readonly Tuple[] {
  const node = lookUp(state, resource)
  if (!node) return []
  const plain = plainHolders(state, node, relation).map((holder) => plainTuple(holder, relation, node))
  const others = tuplesIn(node.tuples?.get(relation))
  return others.length > 0 ? [...plain, ...others] : plain
}

export function tuplesHeldBy(state: GraphState, subject: EntityValue): Iterable<Tuple> {
  const node = lookUp(state, subject)
  if (!node) return []
  const found: Tuple[] = [...(node.held ?? [])]
  state.plain.heldBy(node.at, (relation, at) => {
    const resource = state.byNumber[at]
    if (resource) found.push(plainTuple(node, state.relations.nameOf(relation), resource))
  })
  return found
}

function namedIds(table: TypeTable | undefined): SortedIds {
  if (!table) return createSortedIds([])
  table.named ??= createSortedIds([...table.byId.values()].filter(isNamed).map((node) => node.uid.id))
  return table.named
}

export function naming(
  state: GraphState,
  target: EntityValue,
  { type, attribute }: { readonly type: string; readonly attribute: string },
): Iterable<EntityValue> {
  const node = lookUp(state, target)
  const table = state.tables.get(type)
  const slot = table?.slots.get(attribute)
  return node && table && slot !== undefined ? uidsOf(state.references.to(node, table, slot)) : []
}

/** About what the store takes in memory. */
export const bytesOf = (state: GraphState): number => state.bytes + state.plain.bytes + state.tuples * weightOfTuple
