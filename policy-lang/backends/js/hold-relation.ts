import type { Graph } from '../../entities/graph.ts'
import { type Node, sameNode, TRANSIENT, type TupleEntry, type TupleList } from '../../entities/node.ts'
import type { Value } from '../../ir/nodes.ts'
import type { RelationExpr } from '../../ir/program.ts'
import type { Externs } from '../../runtime/decision.ts'
import { leave } from './bail.ts'
import type { RelationPlan, RelationPlans } from './relation-plan.ts'

/** What one decision carries along. An evaluator uses one again and again: decisions do not overlap. */
export type Run = {
  readonly plans: RelationPlans
  /** Judges the condition of a tuple. */
  readonly condition: (run: Run, graph: Graph, entry: TupleEntry) => boolean
  graph: Graph
  subject: Node
  resource: Node
  context: ReadonlyMap<string, Value>
  now: number
  externs: Externs | undefined
  /** By subject, plan and number of the resource; undefined until a relation is recursive. */
  memo: Map<Node, Map<RelationPlan, Map<number, boolean | 'open'>>> | undefined
  depth: number
  /** Of sets that quantifiers ran over. */
  members: number
  unionOnly: boolean
  metItself: boolean
}

/** Deeper chains are the interpreter's: it knows the limit. */
const depth = 200

/** The truth of a relation, where it has one; an E, a condition on a tuple or a cycle under `minus` leaves the fast path. */
export function holdsRelation(run: Run, graph: Graph, subject: Node, relation: string, resource: Node): boolean {
  return holdsPlan(run, graph, subject, run.plans.of(resource.table.name, relation), resource)
}

/** The same for `permitted of`: any role at the resource whose stored permissions hold. */
export function isPermitted(run: Run, graph: Graph, subject: Node, roles: readonly string[], resource: Node): boolean {
  for (const role of roles) {
    if (holdsPlan(run, graph, subject, run.plans.role(resource.table.name, role), resource)) return true
  }
  return false
}

/** The same for a relation whose plan is known. */
export function holdsPlan(run: Run, graph: Graph, subject: Node, plan: RelationPlan, resource: Node): boolean {
  run.unionOnly = plan.unionOnly
  run.metItself = false
  const holds = visit(run, graph, subject, plan, resource)
  // Falses found on the way assumed that the root is false.
  if (run.metItself) run.memo = undefined
  return holds
}

function visit(run: Run, graph: Graph, subject: Node, plan: RelationPlan, resource: Node): boolean {
  if (!plan.recursive) return judge(run, graph, subject, plan, resource)
  const memo = memoOf(run, subject, plan)
  const known = resource.at === TRANSIENT ? undefined : memo.get(resource.at)
  if (known === 'open') {
    if (!run.unionOnly) leave()
    run.metItself = true
    return false
  }
  if (known !== undefined) return known
  if (run.depth >= depth) leave()
  run.depth += 1
  memo.set(resource.at, 'open')
  const holds = judge(run, graph, subject, plan, resource)
  memo.set(resource.at, holds)
  run.depth -= 1
  return holds
}

function memoOf(run: Run, subject: Node, plan: RelationPlan): Map<number, boolean | 'open'> {
  run.memo ??= new Map()
  let ofSubject = run.memo.get(subject)
  if (!ofSubject) {
    ofSubject = new Map()
    run.memo.set(subject, ofSubject)
  }
  let ofPlan = ofSubject.get(plan)
  if (!ofPlan) {
    ofPlan = new Map()
    ofSubject.set(plan, ofPlan)
  }
  return ofPlan
}

function judge(run: Run, graph: Graph, subject: Node, plan: RelationPlan, resource: Node): boolean {
  const { how } = plan
  switch (how.kind) {
    case 'none':
      return false
    case 'attribute': {
      if (resource.values[how.slot] === undefined) return how.optional ? false : leave()
      if (how.many) return includesNode(graph.refs(resource, how.slot), subject)
      const value = graph.ref(resource, how.slot)
      return value !== undefined && sameNode(value, subject)
    }
    case 'stored':
      return (
        graph.holdsPlainly(subject, plan.relation, resource) ||
        inList(run, graph, subject, graph.tupleList(resource, plan.relation)) ||
        inList(run, graph, subject, graph.addedTuples(resource, plan.relation))
      )
    case 'computed':
      return judgeExpr(run, graph, subject, how.body, resource)
  }
}

export function includesNode(nodes: readonly Node[], node: Node): boolean {
  for (let index = 0; index < nodes.length; index += 1) {
    const each = nodes[index]
    if (each !== undefined && sameNode(each, node)) return true
  }
  return false
}

function inList(run: Run, graph: Graph, subject: Node, list: TupleList | undefined): boolean {
  if (list === undefined) return false
  if (list.simple) {
    return list.bySubject === undefined ? list.plain.includes(subject.at) : list.bySubject.has(subject.at)
  }
  return (
    isDirect(run, graph, subject, list) || isWild(run, graph, subject, list) || isReached(run, graph, subject, list)
  )
}

function isDirect(run: Run, graph: Graph, subject: Node, list: TupleList): boolean {
  if (subject.at === TRANSIENT) return false
  const entries = list.bySubject ? list.bySubject.get(subject.at) : list.entries
  if (entries === undefined) return false
  for (const entry of entries) {
    if (entry.node?.at === subject.at && entry.direct && isInForce(run, graph, entry)) return true
  }
  return false
}

function isWild(run: Run, graph: Graph, subject: Node, list: TupleList): boolean {
  for (const entry of list.wild) {
    const { kind } = entry.tuple.subject
    const fits = kind === 'anyone' || (kind === 'anyOf' && entry.tuple.subject.type === subject.uid.type)
    if (fits && isInForce(run, graph, entry)) return true
  }
  return false
}

function isReached(run: Run, graph: Graph, subject: Node, list: TupleList): boolean {
  for (const entry of list.expanding) {
    if (entry.node === undefined || entry.expands === undefined || !isInForce(run, graph, entry)) continue
    const plan = run.plans.of(entry.node.uid.type, entry.expands)
    if (visit(run, graph, subject, plan, graph.current(entry.node))) return true
  }
  return false
}

/** Has not ended, and its condition is true. */
const isInForce = (run: Run, graph: Graph, entry: TupleEntry): boolean =>
  (entry.tuple.until === undefined || run.now < entry.tuple.until) &&
  (entry.condition === undefined || run.condition(run, graph, entry))

function judgeExpr(run: Run, graph: Graph, subject: Node, expr: RelationExpr, resource: Node): boolean {
  switch (expr.kind) {
    case 'or':
      return judgeExpr(run, graph, subject, expr.left, resource) || judgeExpr(run, graph, subject, expr.right, resource)
    case 'and':
      return judgeExpr(run, graph, subject, expr.left, resource) && judgeExpr(run, graph, subject, expr.right, resource)
    case 'minus':
      return (
        judgeExpr(run, graph, subject, expr.left, resource) && !judgeExpr(run, graph, subject, expr.right, resource)
      )
    case 'step':
      return judgeStep(run, graph, subject, expr, resource)
  }
}

function judgeStep(run: Run, graph: Graph, subject: Node, step: RelationExpr & { kind: 'step' }, from: Node): boolean {
  if (step.path.length === 0) return visit(run, graph, subject, run.plans.of(from.table.name, step.relation), from)
  let ends: readonly Node[] = [from]
  for (const name of step.path)
    ends =
      ends.length === 1 && ends[0]
        ? follow(run, graph, ends[0], name)
        : ends.flatMap((end) => follow(run, graph, end, name))
  if (step.all && ends.length === 0) return false
  for (const end of ends) {
    const holds = visit(run, graph, subject, run.plans.of(end.table.name, step.relation), end)
    if (holds !== step.all) return holds
  }
  return step.all
}

function follow(run: Run, graph: Graph, from: Node, name: string): readonly Node[] {
  const { how } = run.plans.of(from.table.name, name)
  if (how.kind === 'attribute') {
    if (from.values[how.slot] === undefined) return how.optional ? [] : leave()
    if (how.many) return graph.refs(from, how.slot)
    const end = graph.ref(from, how.slot)
    return end ? [end] : []
  }
  if (how.kind !== 'stored') return []
  const entries = [
    ...(graph.tupleList(from, name)?.entries ?? []),
    ...(graph.addedTuples(from, name)?.entries ?? []),
  ].filter((entry) => entry.direct && isInForce(run, graph, entry))
  const others = entries.map((entry) => (entry.node ? graph.current(entry.node) : leave()))
  return [...graph.plainHolders(from, name), ...others]
}
