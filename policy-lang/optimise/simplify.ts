import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'

/** What is known of a request before it comes: one partition decides one action for one pair of types. */
export type Known = {
  /** The action that the rule sees. */
  readonly as: string
  readonly subjectType: string
  readonly resourceType: string
}

/** The same condition with everything left out that a partition already knows. Never turns an E into a value. */
export function simplify(expr: Expr, known: Known): Expr {
  switch (expr.kind) {
    case 'isType': {
      const type = typeKnown(expr.operand, known)
      return type === undefined ? expr : truth(expr, expr.types.includes(type))
    }
    case 'compare': {
      if (expr.op !== 'eq') return expr
      const [name, fixed] = isAction(expr.left) ? [expr.left, expr.right] : [expr.right, expr.left]
      return isAction(name) && fixed.kind === 'literal' ? truth(expr, fixed.value === known.as) : expr
    }
    case 'in': {
      const { left, right } = expr
      if (!isAction(left) || right.kind !== 'literal' || typeof right.value !== 'object') return expr
      return right.value.kind === 'set' ? truth(expr, right.value.items.includes(known.as)) : expr
    }
    case 'not': {
      const operand = simplify(expr.operand, known)
      return operand.kind === 'literal' ? truth(expr, operand.value !== true) : { ...expr, operand }
    }
    case 'and':
      return joined(expr, false, known)
    case 'or':
      return joined(expr, true, known)
    default:
      return expr
  }
}

/** Conjuncts of a simplified condition; undefined where it is false. */
export function conjunctsOf(expr: Expr): readonly Expr[] | undefined {
  if (expr.kind === 'literal') return expr.value === true ? [] : undefined
  return expr.kind === 'and' ? expr.operands : [expr]
}

/** `and` and `or` of Kleene: the decisive value decides whatever the others are, the neutral one adds nothing (SPEC 5). */
function joined(expr: Expr & { readonly kind: 'and' | 'or' }, decisive: boolean, known: Known): Expr {
  const operands = expr.operands
    .map((operand) => simplify(operand, known))
    .flatMap((operand) => (operand.kind === expr.kind ? operand.operands : [operand]))
    .filter((operand) => operand.kind !== 'literal' || operand.value !== !decisive)
  if (operands.some((operand) => operand.kind === 'literal' && operand.value === decisive)) return truth(expr, decisive)
  const [only] = operands
  if (only === undefined) return truth(expr, !decisive)
  return operands.length === 1 ? only : { ...expr, operands }
}

/** The one type that an expression has in this partition, if it is one. */
export function typeKnown(expr: Expr, known: Omit<Known, 'as'>): string | undefined {
  if (expr.kind !== 'variable' || expr.scope !== 'request') return undefined
  if (expr.name === 'subject') return known.subjectType
  return expr.name === 'resource' ? known.resourceType : undefined
}

const isAction = (expr: Expr): boolean => expr.kind === 'variable' && expr.scope === 'request' && expr.name === 'action'

const bool: Type = { kind: 'bool' }
const truth = (expr: Expr, value: boolean): Expr => ({ kind: 'literal', type: bool, span: expr.span, value })
