import type { Expr, Value } from '../ir/nodes.ts'
import { type Known, typeKnown } from './simplify.ts'

/**
 * One look-up that rules share: `of` is read once, and rules whose constants are not found are false whatever else they say.
 *
 * | kind | a rule says | what is looked up |
 * |---|---|---|
 * | equal | `of == constant`, `of in [constants]`, several joined by `or` | the value, or the id of an entity |
 * | label | `constant in of` | each member of the set |
 * | above | `of in entity` | ids of `of` and of everything above it |
 * | greater, atLeast, less, atMost | `constant < of`, `constant <= of`, `of < constant`, `of <= constant` | all constants on that side of the value |
 * | same | the very same condition | whether it is true |
 */
export type IndexKey = {
  readonly kind: 'equal' | 'label' | 'above' | Bound | 'same'
  readonly of: Expr
  /** The type of entity constants. */
  readonly type?: string
}
export type Bound = 'greater' | 'atLeast' | 'less' | 'atMost'
export type Candidate = {
  readonly key: IndexKey
  readonly values: readonly (string | number)[]
}

/** What look-ups depend on: the action that a rule sees is no part of any. */
export type Types = Pick<Known, 'subjectType' | 'resourceType'>

/** The look-up that a conjunct allows, if any. */
export function candidateOf(expr: Expr, known: Types): Candidate | undefined {
  if (expr.kind === 'compare') return expr.op === 'eq' ? equality(expr, known) : order(expr)
  if (expr.kind === 'in') return membership(expr, known)
  return expr.kind === 'or' ? alternatives(expr.operands, known) : undefined
}

/** Words for conjuncts that no look-up can take over. */
export function reasonOf(expr: Expr): string {
  switch (expr.kind) {
    case 'holds':
    case 'permitted':
      return 'a relation depends on who asks and on data, not on a constant'
    case 'in':
    case 'compare':
      return 'no constant stands on one side and a path on the other'
    case 'not':
      return 'a negation matches everything but a constant'
    case 'or':
      return 'its alternatives test different things'
    case 'has':
      return 'it only asks whether something is there'
    default:
      return 'it is computed, not compared with a constant'
  }
}

function equality(expr: Expr & { readonly kind: 'compare' }, known: Types): Candidate | undefined {
  const [of, fixed] = expr.left.kind === 'literal' ? [expr.right, expr.left] : [expr.left, expr.right]
  if (fixed.kind !== 'literal' || !isPath(of)) return undefined
  if (isScalar(fixed.value)) return { key: { kind: 'equal', of }, values: [fixed.value] }
  if (typeof fixed.value !== 'object' || fixed.value.kind !== 'entity') return undefined
  // By its id, where the path can be of no other type.
  if (onlyType(of, known) !== fixed.value.type) return undefined
  return { key: { kind: 'equal', of, type: fixed.value.type }, values: [fixed.value.id] }
}

/** A path between numbers that are doubles. */
function order({ op, left, right }: Expr & { readonly kind: 'compare' }): Candidate | undefined {
  const [of, fixed] = left.kind === 'literal' ? [right, left] : [left, right]
  if (fixed.kind !== 'literal' || typeof fixed.value !== 'number') return undefined
  if (!isPath(of) || (of.kind === 'attribute' && (of.optional || of.safe))) return undefined
  const strict = op === 'lt'
  const kind: Bound = fixed === left ? (strict ? 'greater' : 'atLeast') : strict ? 'less' : 'atMost'
  return { key: { kind, of }, values: [fixed.value] }
}

function membership({ left, right, mode }: Expr & { readonly kind: 'in' }, known: Types): Candidate | undefined {
  if (mode === 'set') {
    if (left.kind === 'literal' && isScalar(left.value) && isPath(right)) {
      return { key: { kind: 'label', of: right }, values: [left.value] }
    }
    if (right.kind !== 'literal' || typeof right.value !== 'object' || right.value.kind !== 'set') return undefined
    return isPath(left) ? oneOf(left, right.value.items, known) : undefined
  }
  if (mode !== 'hierarchy' || right.kind !== 'literal' || !isPath(left)) return undefined
  const ancestor = right.value
  if (typeof ancestor !== 'object' || ancestor.kind !== 'entity') return undefined
  return { key: { kind: 'above', of: left, type: ancestor.type }, values: [ancestor.id] }
}

function oneOf(of: Expr, items: readonly Value[], known: Types): Candidate | undefined {
  const scalars = items.filter(isScalar)
  if (scalars.length === items.length) return { key: { kind: 'equal', of }, values: scalars }
  const type = onlyType(of, known)
  const ids = items.flatMap((item) =>
    typeof item === 'object' && item.kind === 'entity' && item.type === type ? item.id : [],
  )
  return type !== undefined && ids.length === items.length
    ? { key: { kind: 'equal', of, type }, values: ids }
    : undefined
}

/** `a == 1 or a == 2`: found by either, and only once, for a value is equal to one constant at most. */
function alternatives(operands: readonly Expr[], known: Types): Candidate | undefined {
  const found = operands.map((operand) => candidateOf(operand, known))
  const [first] = found
  if (first?.key.kind !== 'equal') return undefined
  const text = keyText(first.key)
  const values: (string | number)[] = []
  for (const each of found) {
    if (!each || keyText(each.key) !== text) return undefined
    values.push(...each.values)
  }
  return { key: first.key, values: [...new Set(values)] }
}

/** Equal for look-ups that rules share. */
export const keyText = ({ kind, of, type }: IndexKey): string => `${kind} ${pathText(of)} ${type ?? ''}`

/** A path as a person writes it. */
export function pathText(expr: Expr): string {
  if (expr.kind === 'attribute') return `${pathText(expr.of)}${expr.safe ? '?.' : '.'}${expr.name}`
  return expr.kind === 'variable' ? expr.name : expr.kind
}

function onlyType(expr: Expr, known: Types): string | undefined {
  const asked = typeKnown(expr, known)
  if (asked !== undefined) return asked
  return expr.type.kind === 'entity' && expr.type.types.length === 1 ? expr.type.types[0] : undefined
}

const isScalar = (value: Value): value is string | number => typeof value === 'string' || typeof value === 'number'

const isPath = (expr: Expr): boolean =>
  expr.kind === 'attribute'
    ? expr.key === undefined && isPath(expr.of)
    : expr.kind === 'variable' && expr.scope === 'request' && expr.name !== 'action'
