import { type Builtin, isFailure } from '../../builtins/builtin.ts'
import { compareCodePoints } from '../../builtins/code-points.ts'
import { distinctValues, equalValues } from '../../builtins/equal-values.ts'
import { ipWithin } from '../../builtins/ip-range.ts'
import type { Graph } from '../../entities/graph.ts'
import { type Node, sameNode } from '../../entities/node.ts'
import type { EntityValue, IpValue, MapValue, RecordValue, SetValue, Value } from '../../ir/nodes.ts'
import type { ExternType } from '../../ir/program.ts'
import type { Type } from '../../ir/types.ts'
import { hasType } from '../../runtime/has-type.ts'
import { limits } from '../../runtime/limits.ts'
import { bail, leave } from './bail.ts'
import { holdsPlan, holdsRelation, includesNode, isPermitted, type Run } from './hold-relation.ts'
import type { RelationPlan } from './relation-plan.ts'

type Optional<T> = T | undefined

const slot = (node: Optional<Node>, name: string): number => node?.table.slots.get(name) ?? -1

/** What compiled code calls; every name here stands in `compile-expression.ts`. */
export const runtime = {
  holds: (run: Run, graph: Graph, subject: Optional<Node>, relation: string, of: Optional<Node>): boolean =>
    subject !== undefined && of !== undefined && holdsRelation(run, graph, subject, relation, of),
  holdsPlan: (run: Run, graph: Graph, subject: Optional<Node>, plan: RelationPlan, of: Optional<Node>): boolean =>
    subject !== undefined && of !== undefined && holdsPlan(run, graph, subject, plan, of),
  permitted: (run: Run, graph: Graph, subject: Node, action: string, resource: Node, at: Optional<Node>): boolean =>
    at !== undefined &&
    isPermitted(run, graph, subject, graph.permittingRoles(at.uid.type, action, resource.uid.type), at),
  refAt: (graph: Graph, node: Optional<Node>, at: number) => node && graph.ref(node, at),
  refsAt: (graph: Graph, node: Optional<Node>, at: number) =>
    node?.values[at] === undefined ? undefined : graph.refs(node, at),
  valueAt: (_: Graph, node: Optional<Node>, at: number) => node?.values[at],
  refNamed: (graph: Graph, node: Optional<Node>, name: string) => runtime.refAt(graph, node, slot(node, name)),
  refsNamed: (graph: Graph, node: Optional<Node>, name: string) => runtime.refsAt(graph, node, slot(node, name)),
  valueNamed: (graph: Graph, node: Optional<Node>, name: string) => runtime.valueAt(graph, node, slot(node, name)),
  entry: (map: Optional<MapValue>, key: Optional<string>) => (key === undefined ? undefined : map?.entries.get(key)),
  member: (record: Optional<RecordValue>, name: string) => record?.fields.get(name),
  node: (graph: Graph, value: Optional<EntityValue>) => value && graph.find(value.type, value.id),
  nodesOf: (graph: Graph, value: Optional<SetValue>) =>
    value?.items.map((item) =>
      typeof item === 'object' && item.kind === 'entity' ? graph.find(item.type, item.id) : leave(),
    ),
  uid: (node: Optional<Node>) => node?.uid,
  uids: (nodes: Optional<readonly Node[]>): SetValue | undefined =>
    nodes && { kind: 'set', items: nodes.map((node) => node.uid) },
  same: (a: Optional<Node>, b: Optional<Node>): boolean => a !== undefined && b !== undefined && sameNode(a, b),
  isEntity: (node: Optional<Node>, value: EntityValue): boolean =>
    node !== undefined && node.uid.id === value.id && node.uid.type === value.type,
  equal: (a: Optional<Value>, b: Optional<Value>): boolean => a !== undefined && b !== undefined && equalValues(a, b),
  order: compareCodePoints,
  within: (graph: Graph, node: Optional<Node>, ancestor: Optional<Node>): boolean =>
    node !== undefined && ancestor !== undefined && (graph.within(node, ancestor) || isOutside(graph, node)),
  withinAny: (graph: Graph, node: Optional<Node>, ancestors: Optional<readonly Node[]>): boolean => {
    if (node === undefined || ancestors === undefined) return false
    for (let index = 0; index < ancestors.length; index += 1) {
      const ancestor = ancestors[index]
      if (ancestor !== undefined && graph.within(node, ancestor)) return true
    }
    return ancestors.length > 0 && isOutside(graph, node)
  },
  /** Everything above the node. */
  above: (graph: Graph, node: Optional<Node>): readonly Node[] =>
    node === undefined || isOutside(graph, node) ? [] : graph.ancestors(node),
  idOf: (node: Optional<Node>): string | undefined => node?.uid.id,
  hasNode: (nodes: Optional<readonly Node[]>, node: Optional<Node>): boolean =>
    nodes !== undefined && node !== undefined && includesNode(nodes, node),
  hasScalar: (set: Optional<SetValue>, value: Optional<Value>): boolean =>
    value !== undefined && (set?.items.includes(value) ?? false),
  hasValue: (set: Optional<SetValue>, value: Optional<Value>): boolean =>
    value !== undefined && (set?.items.some((item) => equalValues(item, value)) ?? false),
  ipWithin: (inner: Optional<IpValue>, outer: Optional<IpValue>): boolean =>
    inner !== undefined && outer !== undefined && ipWithin(inner, outer),
  isType: (node: Optional<Node>, types: readonly string[]): boolean =>
    node !== undefined && types.includes(node.uid.type),
  /** SPEC 5: absent has no members. */
  items: (set: Optional<SetValue>): readonly Value[] => set?.items ?? [],
  any: <Item>(run: Run, items: Optional<readonly Item[]>, test: (item: Item) => boolean): boolean =>
    countable(run, items).some(test),
  all: <Item>(run: Run, items: Optional<readonly Item[]>, test: (item: Item) => boolean): boolean =>
    countable(run, items).every(test),
  count: <Item>(run: Run, items: Optional<readonly Item[]>, test: (item: Item) => boolean): number =>
    countable(run, items).filter(test).length,
  set: (items: readonly Optional<Value>[]): SetValue => ({
    kind: 'set',
    items: distinctValues(items.filter((item) => item !== undefined)),
  }),
  nodes: (items: readonly Optional<Node>[]): readonly Node[] => {
    const kept: Node[] = []
    for (const item of items) if (item && !includesNode(kept, item)) kept.push(item)
    return kept
  },
  record: (members: readonly (readonly [string, Optional<Value>])[]): RecordValue => ({
    kind: 'record',
    fields: new Map(members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))),
  }),
  call: (builtin: Builtin, args: readonly Optional<Value>[], type: Type): Value => {
    const values = args.filter((arg) => arg !== undefined)
    if (values.length < args.length) return leave()
    const result = builtin.evaluate(values, type)
    return isFailure(result) ? leave() : result
  },
  add: (a: Optional<Value>, b: Optional<Value>, builtin: Builtin, type: Type): Value => {
    const sum = typeof a === 'number' && typeof b === 'number' ? a + b : Number.NaN
    return Number.isSafeInteger(sum) ? sum : runtime.call(builtin, [a, b], type)
  },
  subtract: (a: Optional<Value>, b: Optional<Value>, builtin: Builtin, type: Type): Value => {
    const difference = typeof a === 'number' && typeof b === 'number' ? a - b : Number.NaN
    return Number.isSafeInteger(difference) ? difference : runtime.call(builtin, [a, b], type)
  },
  /** What a failed extern means depends on the rule's effect: the interpreter says it. */
  extern: (run: Run, declared: ExternType, args: readonly Optional<Value>[]): Value => {
    const values = args.filter((arg) => arg !== undefined)
    if (values.length < args.length) return leave()
    const value = fetched(run, declared.name, values)
    return value !== undefined && hasType(value, declared.returns) ? value : leave()
  },
  attempt: <Result>(operand: () => Result, otherwise: () => Result): Result => {
    try {
      return operand()
    } catch (error) {
      if (error !== bail) throw error
      return otherwise()
    }
  },
}

/** False: it is below nothing but what was found. SPEC 5.5: a chain that lacks a required link is E. */
const isOutside = (graph: Graph, node: Node): boolean => (graph.isBroken(node) ? leave() : false)

/** SPEC 5.13: each member is several steps. Beyond these the interpreter counts exactly, and refuses at its limit. */
function countable<Item>(run: Run, items: Optional<readonly Item[]>): readonly Item[] {
  if (items === undefined) return []
  run.members += items.length
  if (items.length > limits.setSize || run.members > limits.steps / 4) return leave()
  return items
}

function fetched(run: Run, name: string, args: readonly Value[]): Value | undefined {
  try {
    return run.externs?.(name, args)
  } catch {
    return undefined
  }
}
