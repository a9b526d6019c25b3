import { keyOfValue } from '../builtins/equal-values.ts'
import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Holder, Program, RelationExpr, StoredParameters, Tuple } from '../ir/program.ts'
import { LimitReached, limits } from './limits.ts'
import { allOf, anyOf, causeKey, errorOf, type Outcome, valued } from './outcome.ts'

/** Does a subject hold a relation of a resource: relations, roles, entity-typed attributes, in three values (SPEC 3). */
export type RelationSolver = {
  holds(subject: EntityValue, relation: string, resource: EntityValue): Outcome
  /** `permitted of`: any role at `at` whose stored permissions hold. */
  isPermitted(subject: EntityValue, at: EntityValue, action: string, resourceType: string): Outcome
}
export type SolverOptions = {
  readonly program: Program
  readonly facts: Facts
  readonly now: number
  /** Judges the condition of a tuple (SPEC 3). */
  readonly condition: (name: string, context: StoredParameters) => Outcome
}

/** One solver serves one decision: it remembers what it has found. */
export function createRelationSolver(options: SolverOptions): RelationSolver {
  const found = new Map<string, Outcome>()
  return {
    holds: (subject, relation, resource) => solve({ options, found, subject }, relation, resource),
    isPermitted: (subject, at, action, resourceType) => {
      const roles = options.facts.permittingRoles(at.type, action, resourceType)
      return anyOf(roles.map((role) => solveRole({ options, found, subject }, role, at)))
    },
  }
}

type Search = { readonly options: SolverOptions; readonly found: Map<string, Outcome>; readonly subject: EntityValue }
/** One pass over everything that the root depends on; `assumed` is the approximation of the pass before. */
type Pass = Search & {
  readonly assumed: Map<string, Outcome>
  readonly seen: Set<string>
  changed: boolean
  depth: number
}

/**
 * The least fixpoint: start from false everywhere and repeat until nothing changes. The checker guarantees that no relation
 * depends on itself through `minus` or `all`; those are solved on their own, so values only grow (false < E < true).
 */
function solve(search: Search, relation: string, resource: EntityValue, depth = 0): Outcome {
  const key = keyOf(search.subject, relation, resource)
  const known = search.found.get(key)
  if (known) return known
  const assumed = new Map<string, Outcome>()
  for (;;) {
    const pass: Pass = { ...search, assumed, seen: new Set(), changed: false, depth }
    visit(pass, relation, resource)
    if (pass.changed) continue
    for (const seen of pass.seen) search.found.set(seen, assumed.get(seen) ?? no)
    return search.found.get(key) ?? no
  }
}

function visit(pass: Pass, relation: string, resource: EntityValue): Outcome {
  const key = keyOf(pass.subject, relation, resource)
  const known = pass.found.get(key)
  if (known) return known
  if (pass.seen.has(key)) return pass.assumed.get(key) ?? no
  if (pass.depth >= limits.relationDepth) throw new LimitReached('relationDepth')
  pass.seen.add(key)
  pass.depth += 1
  const before = pass.assumed.get(key) ?? no
  const now = judge(pass, relation, resource)
  pass.depth -= 1
  if (!sameTruth(before, now)) pass.changed = true
  pass.assumed.set(key, now)
  return now
}

function judge(pass: Pass, relation: string, resource: EntityValue): Outcome {
  const type = pass.options.program.entityTypes.get(resource.type)
  if (!type) return no
  const attribute = type.attributes.get(relation)
  if (attribute) return anyOf(follow(pass, resource, relation).map((end) => end.edgeTo(pass.subject)))
  const declared = type.relations.get(relation)
  // A role that exists only as data never matches a rule by accident (SPEC 3).
  if (!declared) return no
  if (declared.kind === 'computed') return judgeExpr(pass, declared.body, resource)
  const tuples = [...pass.options.facts.tuplesOf(resource, relation)]
  return anyOf(tuples.map((tuple) => judgeTuple(pass, tuple, declared.holders)))
}

function judgeTuple(pass: Pass, tuple: Tuple, holders: readonly Holder[] | undefined): Outcome {
  const edge = judgeEdge(pass, tuple, holders)
  if (edge === no) return no
  return allOf([edge, reaches(pass, tuple)])
}

/** A role invented at run time has no declaration: any subject may have it. */
function solveRole(search: Search, role: string, at: EntityValue): Outcome {
  if (search.options.program.entityTypes.get(at.type)?.relations.has(role)) return solve(search, role, at)
  const tuples = [...search.options.facts.tuplesOf(at, role)]
  return fixpoint({ ...search, assumed: new Map(), seen: new Set(), changed: false, depth: 0 }, (pass) =>
    anyOf(tuples.map((tuple) => judgeTuple(pass, tuple, undefined))),
  )
}

/** Does the tuple itself hold: declared, not ended, its condition true? */
function judgeEdge(pass: Pass, tuple: Tuple, holders: readonly Holder[] | undefined): Outcome {
  // Half-open: it holds while now < until (SPEC 3).
  if (tuple.until !== undefined && pass.options.now >= tuple.until) return no
  const holder = holders ? matchingHolder(pass.options.program, holders, tuple) : undefined
  if (holders && !holder) return no
  return tuple.condition ? pass.options.condition(tuple.condition.name, tuple.condition.context) : yes
}

/**
 * The declared holder that allows this tuple: of its subject, and with the very condition that the tuple carries. A stored
 * tuple that no holder allows does not count.
 */
export function matchingHolder(program: Program, holders: readonly Holder[], tuple: Tuple): Holder | undefined {
  const { subject } = tuple
  const fitting = holders.filter((holder) => {
    if (subject.kind === 'anyone') return holder.kind === 'anyone'
    if (subject.kind === 'anyOf') return holder.kind === 'anyOf' && holder.type === subject.type
    if (holder.type !== subject.entity.type) return false
    if (subject.relation === undefined) return holder.kind === 'one'
    if (holder.kind === 'userset') return holder.relation === subject.relation
    return holder.kind === 'one' && subject.relation === 'member' && isGroup(program, holder.type)
  })
  return fitting.find((holder) => holder.condition === tuple.condition?.name)
}

/** A bare G that declares `member` means the object and its members (SPEC 3). */
const isGroup = (program: Program, type: string): boolean =>
  program.entityTypes.get(type)?.relations.has('member') ?? false

function reaches(pass: Pass, tuple: Tuple): Outcome {
  const { subject } = tuple
  if (subject.kind === 'anyone') return yes
  if (subject.kind === 'anyOf') return truth(pass.subject.type === subject.type)
  if (subject.relation !== undefined) return visit(pass, subject.relation, subject.entity)
  if (isSame(pass.subject, subject.entity)) return yes
  return isGroup(pass.options.program, subject.entity.type) ? visit(pass, 'member', subject.entity) : no
}

function judgeExpr(pass: Pass, expr: RelationExpr, resource: EntityValue): Outcome {
  switch (expr.kind) {
    case 'or':
      return anyOf([judgeExpr(pass, expr.left, resource), judgeExpr(pass, expr.right, resource)])
    case 'and':
      return allOf([judgeExpr(pass, expr.left, resource), judgeExpr(pass, expr.right, resource)])
    case 'minus': {
      const without = judgeApart(pass, expr.right, resource)
      return allOf([judgeExpr(pass, expr.left, resource), opposite(without)])
    }
    case 'step': {
      if (expr.path.length === 0) return visit(pass, expr.relation, resource)
      const ends = followPath(pass, resource, expr.path)
      if (!expr.all) return anyOf(ends.map((end) => end.reach((entity) => visit(pass, expr.relation, entity))))
      const some = anyOf(ends.map((end) => end.reach(() => yes)))
      const every = ends.map((end) => end.refuse((entity) => solve(pass, expr.relation, entity, pass.depth)))
      return allOf([some, ...every])
    }
  }
}

/** ORDER: the right side of `minus` is solved to its own fixpoint before it is negated. */
const judgeApart = (pass: Pass, expr: RelationExpr, resource: EntityValue): Outcome =>
  fixpoint(pass, (apart) => judgeExpr(apart, expr, resource))

/** Repeats a judgement, apart from the pass that needs it, until nothing below it changes. */
function fixpoint(pass: Pass, judgeOnce: (apart: Pass) => Outcome): Outcome {
  const assumed = new Map<string, Outcome>()
  for (;;) {
    const apart: Pass = { ...pass, assumed, seen: new Set(), changed: false }
    const result = judgeOnce(apart)
    if (apart.changed) continue
    for (const seen of apart.seen) pass.found.set(seen, assumed.get(seen) ?? no)
    return result
  }
}

/** One end of a path, with the truth of the edges that led to it; without `entity` an E stands in its place. */
type End = {
  readonly entity: EntityValue | undefined
  readonly edge: Outcome
  edgeTo(subject: EntityValue): Outcome
  reach(then: (entity: EntityValue) => Outcome): Outcome
  refuse(then: (entity: EntityValue) => Outcome): Outcome
}
const endOf = (entity: EntityValue | undefined, edge: Outcome): End => ({
  entity,
  edge,
  edgeTo: (subject) => (entity ? allOf([edge, truth(isSame(entity, subject))]) : edge),
  reach: (then) => (entity && edge !== no ? allOf([edge, then(entity)]) : edge),
  refuse: (then) => (entity ? anyOf([opposite(edge), then(entity)]) : edge),
})

function followPath(pass: Pass, from: EntityValue, path: readonly string[]): readonly End[] {
  let ends: readonly End[] = [endOf(from, yes)]
  for (const name of path) {
    ends = ends.flatMap((end) => {
      if (!end.entity) return [end]
      return follow(pass, end.entity, name).map((next) => endOf(next.entity, allOf([end.edge, next.edge])))
    })
  }
  return ends
}

/** One step over a link, an attribute or a stored relation. An absent optional link adds nothing; a required one is E. */
function follow(pass: Pass, from: EntityValue, name: string): readonly End[] {
  const type = pass.options.program.entityTypes.get(from.type)
  const attribute = type?.attributes.get(name)
  if (attribute) {
    const value = pass.options.facts.attribute(from, name)
    if (value === undefined) {
      return attribute.optional ? [] : [endOf(undefined, errorOf({ code: 'missing', path: `${from.type}.${name}` }))]
    }
    return entitiesIn(value).map((entity) => endOf(entity, yes))
  }
  const relation = type?.relations.get(name)
  if (relation?.kind !== 'stored') return []
  return [...pass.options.facts.tuplesOf(from, name)].flatMap((tuple) => {
    if (tuple.subject.kind !== 'one' || tuple.subject.relation !== undefined) return []
    return [endOf(tuple.subject.entity, judgeEdge(pass, tuple, relation.holders))]
  })
}

function entitiesIn(value: Value): readonly EntityValue[] {
  if (typeof value !== 'object') return []
  if (value.kind === 'entity') return [value]
  return value.kind === 'set' ? value.items.flatMap(entitiesIn) : []
}

const yes = valued(true)
const no = valued(false)
const truth = (holds: boolean): Outcome => (holds ? yes : no)
const opposite = (outcome: Outcome): Outcome => (outcome.kind === 'value' ? truth(outcome.value !== true) : outcome)
const isSame = (a: EntityValue, b: EntityValue): boolean => a.id === b.id && a.type === b.type
const sameTruth = (a: Outcome, b: Outcome): boolean =>
  a.kind === 'value' ? b.kind === 'value' && a.value === b.value : sameCause(a, b)
const sameCause = (a: Outcome, b: Outcome): boolean =>
  a.kind === 'error' && b.kind === 'error' && causeKey(a.cause) === causeKey(b.cause)
const keyOf = (subject: EntityValue, relation: string, resource: EntityValue): string =>
  `${keyOfValue(subject)} ${relation} ${keyOfValue(resource)}`
