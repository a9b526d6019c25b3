import { keyOfValue } from '../../builtins/equal-values.ts'
import type { EntityValue, Value } from '../../ir/nodes.ts'
import type { RelationExpr, Tuple, TupleSubject } from '../../ir/program.ts'
import { type Environment, evaluateCondition } from '../../runtime/evaluate.ts'
import { matchingHolder } from '../../runtime/hold-relation.ts'
import { isTrue } from '../../runtime/outcome.ts'
import { entityText } from './condition-text.ts'
import type { RelationEdge, RelationTrace } from './explanation.ts'
import { isMarked, masked } from './show-values.ts'

/** Edges looked at for one trace; beyond them the path is left out, never the decision. */
const edgeLimit = 10_000

/** How `subject` holds `relation` of `resource` (SPEC 3.3, 3.4): one path of edges, or the tuples that no longer give it. */
export function traceRelation(
  env: Environment,
  subject: EntityValue,
  relation: string,
  resource: EntityValue,
): RelationTrace {
  const search: Search = {
    env,
    subject,
    open: new Set(),
    seen: new Set(),
    lapsed: new Map(),
    left: { edges: edgeLimit },
  }
  const path = pathTo(search, relation, resource)
  if (!path) collectLapsed(search, relation, resource)
  return { path: path ?? [], lapsed: path ? [] : [...search.lapsed.values()] }
}

type Search = {
  readonly env: Environment
  readonly subject: EntityValue
  /** What is being proved: a relation is not proved by itself. */
  readonly open: Set<string>
  readonly seen: Set<string>
  readonly lapsed: Map<string, RelationEdge>
  readonly left: { edges: number }
}
type Path = readonly RelationEdge[]

/** A least fixpoint always has a proof without circles, so going back where one closes loses nothing. */
function pathTo(search: Search, relation: string, resource: EntityValue): Path | undefined {
  search.left.edges -= 1
  const key = `${relation} ${keyOfValue(resource)}`
  if (search.left.edges < 0 || search.open.has(key)) return undefined
  if (!isTrue(search.env.relations.holds(search.subject, relation, resource))) return undefined
  search.open.add(key)
  const path = proofOf(search, relation, resource)
  search.open.delete(key)
  return path
}

function proofOf(search: Search, relation: string, resource: EntityValue): Path | undefined {
  const type = search.env.program.entityTypes.get(resource.type)
  const attribute = type?.attributes.get(relation)
  if (attribute) {
    const subject = isMarked(attribute) ? masked : entityText(search.subject)
    return [{ resource: entityText(resource), relation, subject, kind: 'attribute' }]
  }
  const declared = type?.relations.get(relation)
  if (declared?.kind !== 'computed')
    return firstOf(tuplesAt(search, relation, resource), (tuple) => viaTuple(search, tuple))
  const inner = viaExpr(search, declared.body, resource)
  if (!inner) return undefined
  return [{ resource: entityText(resource), relation, subject: entityText(search.subject), kind: 'computed' }, ...inner]
}

function viaTuple(search: Search, tuple: Tuple): Path | undefined {
  if (!isCounting(search.env, tuple)) return undefined
  const edge = edgeOf(tuple)
  const { subject } = tuple
  if (subject.kind === 'anyone') return [edge]
  if (subject.kind === 'anyOf') return subject.type === search.subject.type ? [edge] : undefined
  if (subject.relation === undefined && isSame(subject.entity, search.subject)) return [edge]
  const inner = pathTo(search, subject.relation ?? 'member', subject.entity)
  return inner && [edge, ...inner]
}

function viaExpr(search: Search, expr: RelationExpr, resource: EntityValue): Path | undefined {
  switch (expr.kind) {
    case 'or':
      return viaExpr(search, expr.left, resource) ?? viaExpr(search, expr.right, resource)
    case 'and': {
      const [left, right] = [viaExpr(search, expr.left, resource), viaExpr(search, expr.right, resource)]
      return left && right && [...left, ...right]
    }
    case 'minus': {
      const left = viaExpr(search, expr.left, resource)
      const without = relationText(expr.right)
      const absent = { resource: entityText(resource), relation: without, subject: entityText(search.subject) }
      return left && [...left, { ...absent, kind: 'absent' }]
    }
    case 'step': {
      if (expr.path.length === 0) return pathTo(search, expr.relation, resource)
      const ends = endsOf(search, resource, expr.path)
      const way = ({ entity, edges, isHidden }: End) => {
        const inner = pathTo(search, expr.relation, entity)
        return inner && [...edges, ...(isHidden ? [] : inner)]
      }
      if (!expr.all) return firstOf(ends, way)
      const ways = ends.map(way)
      return ways.length > 0 && ways.every((each) => each !== undefined) ? ways.flat() : undefined
    }
  }
}

/** Hidden: reached over a marked attribute, so that neither it nor what lies behind it is told. */
type End = { readonly entity: EntityValue; readonly edges: Path; readonly isHidden: boolean }

function endsOf(search: Search, from: EntityValue, path: readonly string[]): readonly End[] {
  let ends: readonly End[] = [{ entity: from, edges: [], isHidden: false }]
  for (const name of path) {
    ends = ends.flatMap((end) =>
      stepFrom(search, end.entity, name).map(({ entity, edges, isHidden }) => ({
        entity,
        edges: end.isHidden ? end.edges : [...end.edges, ...edges],
        isHidden: end.isHidden || isHidden,
      })),
    )
    if (ends.length > search.left.edges) return []
  }
  return ends
}

function stepFrom(search: Search, from: EntityValue, name: string): readonly End[] {
  const { env } = search
  const attribute = env.program.entityTypes.get(from.type)?.attributes.get(name)
  if (attribute) {
    const isHidden = isMarked(attribute)
    return entitiesIn(env.facts.attribute(from, name)).map((entity) => {
      const subject = isHidden ? masked : entityText(entity)
      return { entity, isHidden, edges: [{ resource: entityText(from), relation: name, subject, kind: 'attribute' }] }
    })
  }
  return tuplesAt(search, name, from).flatMap((tuple): readonly End[] => {
    if (tuple.subject.kind !== 'one' || tuple.subject.relation !== undefined || !isCounting(env, tuple)) return []
    return [{ entity: tuple.subject.entity, edges: [edgeOf(tuple)], isHidden: false }]
  })
}

/** Tuples anywhere on the way that name the subject itself and do not count now. */
function collectLapsed(search: Search, relation: string, resource: EntityValue): void {
  search.left.edges -= 1
  const key = `${relation} ${keyOfValue(resource)}`
  if (search.left.edges < 0 || search.seen.has(key)) return
  search.seen.add(key)
  const declared = search.env.program.entityTypes.get(resource.type)?.relations.get(relation)
  if (declared?.kind === 'computed') collectInside(search, declared.body, resource)
  else
    for (const tuple of tuplesAt(search, relation, resource)) {
      const { subject } = tuple
      if (subject.kind === 'one' && subject.relation === undefined && isSame(subject.entity, search.subject)) {
        const edge = edgeOf(tuple)
        if (!isCounting(search.env, tuple)) search.lapsed.set(JSON.stringify(edge), edge)
      } else if (subject.kind === 'one') collectLapsed(search, subject.relation ?? 'member', subject.entity)
    }
}

function collectInside(search: Search, expr: RelationExpr, resource: EntityValue): void {
  if (expr.kind !== 'step') {
    collectInside(search, expr.left, resource)
    if (expr.kind !== 'minus') collectInside(search, expr.right, resource)
    return
  }
  for (const { entity, isHidden } of endsOf(search, resource, expr.path)) {
    if (!isHidden) collectLapsed(search, expr.relation, entity)
  }
}

function isCounting(env: Environment, tuple: Tuple): boolean {
  if (tuple.until !== undefined && env.options.now >= tuple.until) return false
  const declared = env.program.entityTypes.get(tuple.resource.type)?.relations.get(tuple.relation)
  if (declared?.kind === 'stored' && !matchingHolder(env.program, declared.holders, tuple)) return false
  return !tuple.condition || isTrue(evaluateCondition(tuple.condition.name, tuple.condition.context, env))
}

const tuplesAt = ({ env }: Search, relation: string, resource: EntityValue): readonly Tuple[] => [
  ...env.facts.tuplesOf(resource, relation),
]

const edgeOf = (tuple: Tuple): RelationEdge => ({
  resource: entityText(tuple.resource),
  relation: tuple.relation,
  subject: holderText(tuple.subject),
  kind: 'tuple',
  ...(tuple.until === undefined ? {} : { until: new Date(tuple.until).toISOString() }),
  ...(tuple.condition ? { condition: tuple.condition.name } : {}),
})

function holderText(subject: TupleSubject): string {
  if (subject.kind === 'anyone') return 'anyone'
  if (subject.kind === 'anyOf') return `any ${subject.type}`
  return `${entityText(subject.entity)}${subject.relation === undefined ? '' : `.${subject.relation}`}`
}

function relationText(expr: RelationExpr): string {
  if (expr.kind === 'step') return `${expr.all ? 'all ' : ''}${[...expr.path, expr.relation].join('.')}`
  return `(${relationText(expr.left)} ${expr.kind} ${relationText(expr.right)})`
}

function firstOf<Item>(items: readonly Item[], find: (item: Item) => Path | undefined): Path | undefined {
  for (const item of items) {
    const path = find(item)
    if (path) return path
  }
  return undefined
}

function entitiesIn(value: Value | undefined): readonly EntityValue[] {
  if (typeof value !== 'object') return []
  if (value.kind === 'entity') return [value]
  return value.kind === 'set' ? value.items.flatMap(entitiesIn) : []
}

const isSame = (one: EntityValue, other: EntityValue): boolean => one.type === other.type && one.id === other.id
