import { isFailure } from '../builtins/builtin.ts'
import { compareCodePoints } from '../builtins/code-points.ts'
import { distinctValues, equalValues } from '../builtins/equal-values.ts'
import { ipWithin } from '../builtins/ip-range.ts'
import { builtinByName } from '../builtins/table.ts'
import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Expr, Value } from '../ir/nodes.ts'
import type { Program, StoredParameters } from '../ir/program.ts'
import type { Cause, EvaluateOptions, Request } from './decision.ts'
import { hasType } from './has-type.ts'
import type { RelationSolver } from './hold-relation.ts'
import { LimitReached, limits } from './limits.ts'
import { missingLink } from './missing-link.ts'
import { absent, allOf, anyOf, errorOf, isTrue, type Outcome, present, strict, valued } from './outcome.ts'

/** Everything an expression may read. */
export type Environment = {
  readonly program: Program
  readonly facts: Facts
  readonly request: Request
  readonly options: EvaluateOptions
  readonly relations: RelationSolver
  /** The context record as the action declares it: `now`, `scopes` and `priorActors` filled in. */
  readonly context: ReadonlyMap<string, Value>
  /** The action that the rule sees; its own, where it came by `implies`. */
  readonly action: string
  /** In a deny a failed extern is E whatever its default says (SPEC 5). */
  readonly effect: 'allow' | 'deny'
  readonly locals: ReadonlyMap<string, Outcome>
  readonly budget: { steps: number }
}

/** The meaning of an expression (SPEC 5): every operand is evaluated, nothing is stopped early, so no order can be seen. */
export function evaluate(expr: Expr, env: Environment): Outcome {
  env.budget.steps -= 1
  if (env.budget.steps < 0) throw new LimitReached('steps')
  switch (expr.kind) {
    case 'literal':
      return valued(expr.value)
    case 'variable':
      return readVariable(expr, env)
    case 'let':
      return evaluateLet(expr, env)
    case 'attribute':
      return readAttribute(expr, env)
    case 'has': {
      const of = evaluate(expr.of, env)
      return strict([of], () => valued(of.kind === 'value'))
    }
    case 'coalesce': {
      const left = evaluate(expr.left, env)
      if (left.kind !== 'absent') return left
      const right = evaluate(expr.right, env)
      return strict([left, right], () => right)
    }
    case 'not': {
      const operand = evaluate(expr.operand, env)
      return strict([operand], () => valued(!isTrue(operand)))
    }
    case 'and':
      return allOf(expr.operands.map((operand) => evaluate(operand, env)))
    case 'or':
      return anyOf(expr.operands.map((operand) => evaluate(operand, env)))
    case 'if': {
      const test = evaluate(expr.test, env)
      if (test.kind === 'error') return test
      const branch = evaluate(isTrue(test) ? expr.then : expr.otherwise, env)
      return test.degraded ? { ...branch, degraded: true } : branch
    }
    case 'compare': {
      const [left, right] = [evaluate(expr.left, env), evaluate(expr.right, env)]
      return strict([left, right], () => compare(expr, left, right))
    }
    case 'in': {
      const [left, right] = [evaluate(expr.left, env), evaluate(expr.right, env)]
      return strict([left, right], () =>
        left.kind === 'value' && right.kind === 'value' ? isIn(expr.mode, left.value, right.value, env) : valued(false),
      )
    }
    case 'holds': {
      const [subject, of] = [evaluate(expr.subject, env), evaluate(expr.of, env)]
      return strict([subject, of], () => holds(subject, of, env, expr.relation))
    }
    case 'permitted': {
      const of = evaluate(expr.of, env)
      return strict([of], () => {
        const at = entityIn(of)
        if (!at) return valued(false)
        return env.relations.isPermitted(env.request.subject, at, env.action, env.request.resource.type)
      })
    }
    case 'isType': {
      const operand = evaluate(expr.operand, env)
      return strict([operand], () => valued(expr.types.includes(entityIn(operand)?.type ?? '')))
    }
    case 'call':
      return callBuiltin(expr, env)
    case 'extern':
      return callExtern(expr, env)
    case 'quantifier':
      return quantify(expr, env)
    case 'construct':
      return construct(expr, env)
    case 'attempt': {
      const operand = evaluate(expr.operand, env)
      if (operand.kind !== 'error') return operand
      const otherwise = evaluate(expr.otherwise, env)
      return operand.degraded ? { ...otherwise, degraded: true } : otherwise
    }
  }
}

type Node<Kind extends Expr['kind']> = Expr & { readonly kind: Kind }

function readVariable(expr: Node<'variable'>, env: Environment): Outcome {
  if (expr.scope === 'local') return env.locals.get(expr.name) ?? absent
  switch (expr.name) {
    case 'subject':
      return valued(env.request.subject)
    case 'resource':
      return valued(env.request.resource)
    case 'action':
      return valued(env.action)
    default:
      return valued({ kind: 'record', fields: env.context })
  }
}

function evaluateLet(expr: Node<'let'>, env: Environment): Outcome {
  const value = evaluate(expr.value, env)
  if (value.kind === 'error') return value
  return evaluate(expr.body, { ...env, locals: new Map(env.locals).set(expr.name, value) })
}

function readAttribute(expr: Node<'attribute'>, env: Environment): Outcome {
  const of = evaluate(expr.of, env)
  const key = expr.key && evaluate(expr.key, env)
  return strict(key ? [of, key] : [of], () => {
    const value = of.kind === 'value' ? memberOf(of.value, expr.name, key, env) : undefined
    if (value !== undefined || expr.optional || (of.kind === 'absent' && expr.safe)) return present(value)
    return errorOf({ code: 'missing', path: pathOf(expr) })
  })
}

function memberOf(of: Value, name: string, key: Outcome | undefined, env: Environment): Value | undefined {
  if (typeof of !== 'object') return undefined
  if (of.kind === 'entity') return env.facts.attribute(of, name)
  if (of.kind === 'record') return of.fields.get(name)
  if (of.kind !== 'map' || key?.kind !== 'value' || typeof key.value !== 'string') return undefined
  return of.entries.get(key.value)
}

/** `resource.store.organization`, `context.amount`: the same in every executor, whatever the author called the variable. */
export function pathOf(expr: Expr): string {
  // What inlining put behind the author's name of a local is no news to anybody.
  if (expr.kind === 'variable') return expr.name.replace(/\$\d+$/, '')
  if (expr.kind === 'attribute') return `${pathOf(expr.of)}.${expr.name}`
  return expr.kind
}

function compare(expr: Node<'compare'>, left: Outcome, right: Outcome): Outcome {
  if (left.kind !== 'value' || right.kind !== 'value') return valued(false)
  if (expr.op === 'eq') return valued(equalValues(left.value, right.value))
  const order = orderOf(expr, left.value, right.value)
  return order === undefined ? errorOf({ code: 'wrong-type' }) : valued(expr.op === 'lt' ? order < 0 : order <= 0)
}

function orderOf(expr: Node<'compare'>, left: Value, right: Value): number | undefined {
  if (typeof left === 'string' && typeof right === 'string') {
    const order = orderedEnum(expr)
    if (!order) return compareCodePoints(left, right)
    const [a, b] = [order.indexOf(left), order.indexOf(right)]
    return a < 0 || b < 0 ? undefined : a - b
  }
  const numeric = (value: Value): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'
  if (!numeric(left) || !numeric(right)) return undefined
  return left < right ? -1 : left > right ? 1 : 0
}

/** The values of the ordered enum that a comparison is about: a literal's own type may be plain text. */
export function orderedEnum(expr: Node<'compare'>): readonly string[] | undefined {
  const type = [expr.left.type, expr.right.type].find((side) => side.kind === 'enum' && side.ordered)
  return type?.kind === 'enum' ? type.values : undefined
}

function isIn(mode: Node<'in'>['mode'], left: Value, right: Value, env: Environment): Outcome {
  if (mode === 'set') return valued(isSet(right) && right.items.some((item) => equalValues(item, left)))
  if (typeof left !== 'object' || typeof right !== 'object') return valued(false)
  if (mode === 'ip') return valued(left.kind === 'ip' && right.kind === 'ip' && ipWithin(left, right))
  return left.kind === 'entity' ? isBelow(left, right.kind === 'set' ? right.items : [right], env) : valued(false)
}

/** Kleene's `any` over ancestors: one that is reached decides, else a missing required link is E (SPEC 5.5). */
function isBelow(entity: EntityValue, ancestors: readonly Value[], env: Environment): Outcome {
  if (ancestors.length === 0) return valued(false)
  const isReached = (item: Value): boolean =>
    typeof item === 'object' && item.kind === 'entity' && env.facts.isWithin(entity, item)
  if (ancestors.some(isReached)) return valued(true)
  const missing = missingLink(env.program, env.facts, entity)
  return missing === undefined ? valued(false) : errorOf({ code: 'missing', path: missing })
}

function holds(subject: Outcome, of: Outcome, env: Environment, relation: string): Outcome {
  const who = entityIn(subject)
  const what = entityIn(of)
  return who && what ? env.relations.holds(who, relation, what) : valued(false)
}

function callBuiltin(expr: Node<'call'>, env: Environment): Outcome {
  const args = expr.args.map((arg) => evaluate(arg, env))
  return strict(args, () => {
    if (expr.safe && args[0]?.kind === 'absent') return absent
    const values = args.flatMap((arg) => (arg.kind === 'value' ? [arg.value] : []))
    const builtin = builtinByName.get(expr.name)
    if (!builtin || values.length !== args.length) return errorOf({ code: 'wrong-type', path: expr.name })
    const result = builtin.evaluate(values, expr.type)
    return isFailure(result) ? errorOf(result.cause) : valued(result)
  })
}

function callExtern(expr: Node<'extern'>, env: Environment): Outcome {
  const args = expr.args.map((arg) => evaluate(arg, env))
  return strict(args, () => {
    const declared = env.program.externs.get(expr.name)
    const values = args.flatMap((arg) => (arg.kind === 'value' ? [arg.value] : []))
    const value = fetched(env, expr.name, values)
    if (value !== undefined && declared && hasType(value, declared.returns)) return valued(value)
    // A default must not make a deny vanish (SPEC 5).
    if (env.effect === 'deny' || declared?.otherwise === undefined) {
      return errorOf({ code: 'extern-failed', path: expr.name }, true)
    }
    return valued(declared.otherwise, true)
  })
}

function fetched(env: Environment, name: string, args: readonly Value[]): Value | undefined {
  try {
    return env.options.externs?.(name, args)
  } catch {
    return undefined
  }
}

function quantify(expr: Node<'quantifier'>, env: Environment): Outcome {
  const over = evaluate(expr.over, env)
  return strict([over], () => {
    const items = over.kind === 'value' && isSet(over.value) ? over.value.items : []
    if (items.length > limits.setSize) throw new LimitReached('setSize')
    const bodies = items.map((item) =>
      evaluate(expr.body, { ...env, locals: new Map(env.locals).set(expr.variable, valued(item)) }),
    )
    if (expr.quantifier === 'any') return anyOf(bodies)
    if (expr.quantifier === 'all') return allOf(bodies)
    return strict(bodies, () => valued(bodies.filter(isTrue).length))
  })
}

function construct(expr: Node<'construct'>, env: Environment): Outcome {
  if (expr.fields) {
    const members = expr.fields.map(({ name, value }) => ({ name, outcome: evaluate(value, env) }))
    return strict(
      members.map((member) => member.outcome),
      () => {
        const present = members.flatMap(({ name, outcome }) =>
          outcome.kind === 'value' ? [[name, outcome.value] as const] : [],
        )
        return valued({ kind: 'record', fields: new Map(present) })
      },
    )
  }
  const items = (expr.items ?? []).map((item) => evaluate(item, env))
  return strict(items, () => {
    const values = items.flatMap((item) => (item.kind === 'value' ? [item.value] : []))
    return valued({ kind: 'set', items: distinctValues(values) })
  })
}

const isSet = (value: Value): value is Extract<Value, { kind: 'set' }> =>
  typeof value === 'object' && value.kind === 'set'

const entityIn = (outcome: Outcome): EntityValue | undefined =>
  outcome.kind === 'value' && typeof outcome.value === 'object' && outcome.value.kind === 'entity'
    ? outcome.value
    : undefined

/** Parameters of a tuple's condition: from the tuple, else from context; in neither and not optional: `missing-context`. */
export function evaluateCondition(name: string, stored: StoredParameters, env: Environment): Outcome {
  const condition = env.program.tupleConditions.get(name)
  if (!condition) return errorOf({ code: 'missing-context', path: name })
  const locals = new Map<string, Outcome>()
  for (const param of condition.params) {
    const value = (stored.has(param.name) ? stored : env.context).get(param.name)
    const fits = value !== undefined && hasType(value, param.field.type)
    const cause: Cause = { code: 'missing-context', path: param.name }
    locals.set(param.name, fits ? valued(value) : param.field.optional ? absent : errorOf(cause))
  }
  return evaluate(condition.body, { ...env, locals })
}
