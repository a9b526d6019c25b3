import type { Expr } from '../ir/nodes.ts'
import { childrenOf, mapChildren, walk } from '../ir/walk.ts'
import { type Environment, evaluate, pathOf } from '../runtime/evaluate.ts'
import { isTrue, type Outcome } from '../runtime/outcome.ts'

/** What is left of an expression; `outcome` where nothing unknown can change it any more. */
export type Reduced = { readonly expr: Expr; readonly outcome?: Outcome }

export type Reducing = {
  /** What stands in it for something unknown is never read. */
  readonly env: Environment
  readonly unknown: Unknown
  /** Parts of the residual whose outcome is known and no plain value: E, absent, or made by a failed extern. */
  readonly settled: Map<Expr, Outcome>
}
export type Unknown = {
  readonly subject: boolean
  readonly resource: boolean
  /** This attribute of the unknown resource. */
  readonly attribute: (name: string) => boolean
  readonly context: (name: string) => boolean
  /** Anything of the context at all. */
  readonly someContext: boolean
  readonly locals: ReadonlySet<string>
}

/**
 * SPEC 7.6: the expression with everything worked out that does not hang on the unknown. Filling the unknown in later gives
 * the same value, E and cause as evaluating it whole. `has` of something unknown is never folded.
 */
export function reduce(expr: Expr, at: Reducing): Reduced {
  if (isKnown(expr, at)) return known(expr, evaluate(expr, at.env), at)
  switch (expr.kind) {
    case 'and':
      return joined(expr, false, at)
    case 'or':
      return joined(expr, true, at)
    case 'if':
      return reduceIf(expr, at)
    case 'coalesce':
      return reduceCoalesce(expr, at)
    case 'attempt':
      return reduceAttempt(expr, at)
    case 'let':
      return reduceLet(expr, at)
    case 'quantifier': {
      const inside = withUnknown(at, expr.variable)
      return { expr: { ...expr, over: reduce(expr.over, at).expr, body: reduce(expr.body, inside).expr } }
    }
    case 'attribute': {
      const reduced = mapChildren(expr, (child) => reduce(child, at).expr)
      return { expr: reduced.kind === 'attribute' ? { ...reduced, of: asTold(expr.of, reduced.of) } : reduced }
    }
    default:
      return { expr: mapChildren(expr, (child) => reduce(child, at).expr) }
  }
}

/** The path of an E says what the author wrote (SPEC 5.1), also where only one branch of it is left. */
function asTold(written: Expr, left: Expr): Expr {
  if (pathOf(written) === pathOf(left)) return left
  const { type, span } = written
  const yes: Expr = { kind: 'literal', type: { kind: 'bool' }, span, value: true }
  switch (written.kind) {
    case 'coalesce':
      return { kind: 'coalesce', type, span, left, right: left }
    case 'attempt':
      return { kind: 'attempt', type, span, operand: left, otherwise: left }
    case 'if':
      // biome-ignore lint/suspicious/noThenProperty: the IR's own name; nothing awaits a node
      return { kind: 'if', type, span, test: yes, then: left, otherwise: left }
    case 'let':
      return { kind: 'let', type, span, name: '', value: yes, body: left, optional: false }
    default:
      return left
  }
}

/** Can nothing unknown change it? */
function isKnown(expr: Expr, at: Reducing): boolean {
  const { unknown } = at
  switch (expr.kind) {
    case 'variable':
      return isKnownVariable(expr, unknown)
    case 'attribute':
      if (isContext(expr.of)) return !unknown.context(expr.name)
      if (isResource(expr.of) && unknown.resource && !expr.key) return !unknown.attribute(expr.name)
      break
    case 'isType':
      // The type of subject and resource is known wherever a branch is.
      if (expr.operand.kind === 'variable' && expr.operand.scope === 'request') return true
      break
    case 'holds':
      // Tuples may carry conditions over the context.
      if (readsConditions(at)) return false
      break
    case 'permitted':
      if (unknown.subject || readsConditions(at)) return false
      break
    case 'let':
      return isKnown(expr.value, at) && isKnown(expr.body, at)
    case 'quantifier':
      return isKnown(expr.over, at) && isKnown(expr.body, at)
  }
  return childrenOf(expr).every((child) => isKnown(child, at))
}

function isKnownVariable({ scope, name }: Expr & { readonly kind: 'variable' }, unknown: Unknown): boolean {
  if (scope === 'local') return !unknown.locals.has(name)
  if (name === 'subject') return !unknown.subject
  if (name === 'resource') return !unknown.resource
  return name !== 'context' || !unknown.someContext
}

const readsConditions = ({ unknown, env }: Reducing): boolean =>
  unknown.someContext && env.program.tupleConditions.size > 0

const isContext = (expr: Expr): boolean =>
  expr.kind === 'variable' && expr.scope === 'request' && expr.name === 'context'

const isResource = (expr: Expr): boolean =>
  expr.kind === 'variable' && expr.scope === 'request' && expr.name === 'resource'

/** A plain value becomes a literal; what no literal can say stays as it is, its outcome noted. */
function known(expr: Expr, outcome: Outcome, at: Reducing): Reduced {
  if (outcome.kind === 'value' && !outcome.degraded) {
    return { expr: { kind: 'literal', type: expr.type, span: expr.span, value: outcome.value }, outcome }
  }
  at.settled.set(expr, outcome)
  return { expr, outcome }
}

/** Kleene: a healthy decisive operand decides alone, a healthy neutral one adds nothing (SPEC 5.1). */
function joined(expr: Expr & { readonly kind: 'and' | 'or' }, decisive: boolean, at: Reducing): Reduced {
  const operands: Expr[] = []
  for (const operand of expr.operands) {
    const reduced = reduce(operand, at)
    const { outcome } = reduced
    if (outcome?.kind === 'value' && !outcome.degraded) {
      if (isTrue(outcome) === decisive) return reduced
      continue
    }
    operands.push(reduced.expr)
  }
  const [only] = operands
  if (operands.length === 1 && only) return { expr: only, ...outcomeOf(only, at) }
  return { expr: { ...expr, operands } }
}

const outcomeOf = (expr: Expr, at: Reducing): { readonly outcome?: Outcome } => {
  const outcome = at.settled.get(expr)
  return outcome ? { outcome } : {}
}

function reduceIf(expr: Expr & { readonly kind: 'if' }, at: Reducing): Reduced {
  const test = reduce(expr.test, at)
  if (test.outcome?.kind === 'error') return known(expr, test.outcome, at)
  if (test.outcome && !test.outcome.degraded) {
    return reduce(isTrue(test.outcome) ? expr.then : expr.otherwise, at)
  }
  const [then, otherwise] = [reduce(expr.then, at).expr, reduce(expr.otherwise, at).expr]
  return { expr: { ...expr, test: test.expr, then, otherwise } }
}

function reduceCoalesce(expr: Expr & { readonly kind: 'coalesce' }, at: Reducing): Reduced {
  const left = reduce(expr.left, at)
  if (left.outcome && left.outcome.kind !== 'absent') return known(expr, left.outcome, at)
  const right = reduce(expr.right, at)
  if (left.outcome && !left.outcome.degraded) return right
  return { expr: { ...expr, left: left.expr, right: right.expr } }
}

function reduceAttempt(expr: Expr & { readonly kind: 'attempt' }, at: Reducing): Reduced {
  const operand = reduce(expr.operand, at)
  if (operand.outcome && operand.outcome.kind !== 'error') return known(expr, operand.outcome, at)
  const otherwise = reduce(expr.otherwise, at)
  if (operand.outcome && !operand.outcome.degraded) return otherwise
  return { expr: { ...expr, operand: operand.expr, otherwise: otherwise.expr } }
}

function reduceLet(expr: Expr & { readonly kind: 'let' }, at: Reducing): Reduced {
  const value = reduce(expr.value, at)
  if (value.outcome?.kind === 'error') return known(expr, value.outcome, at)
  const inside = value.outcome ? withLocal(at, expr.name, value.outcome) : withUnknown(at, expr.name)
  const body = reduce(expr.body, inside)
  // A value that is never read does not count, but E of it would (SPEC 5.1, `let` is strict).
  if (value.outcome && !mentions(body.expr, expr.name)) return body
  return { expr: { ...expr, value: value.expr, body: body.expr } }
}

const withLocal = (at: Reducing, name: string, outcome: Outcome): Reducing => ({
  ...at,
  env: { ...at.env, locals: new Map(at.env.locals).set(name, outcome) },
})
const withUnknown = (at: Reducing, name: string): Reducing => ({
  ...at,
  unknown: { ...at.unknown, locals: new Set(at.unknown.locals).add(name) },
})

function mentions(expr: Expr, local: string): boolean {
  let found = false
  walk(expr, (each) => {
    if (each.kind === 'variable' && each.scope === 'local' && each.name === local) found = true
  })
  return found
}
