import type { Expr } from '../../ir/nodes.ts'
import { orderedEnum } from '../../runtime/evaluate.ts'
import { callTruth, isMember } from './calls.ts'
import { columnIn, compareColumn } from './column-compare.ts'
import { asSet, bindLocal, hangs, memberOf } from './compile-value.ts'
import { equal } from './equal.ts'
import { isWithin } from './hierarchy.ts'
import { holdsPermitted, holdsRelation } from './relations.ts'
import {
  anyRow,
  type Compiling,
  everyRow,
  joinSql,
  type Mode,
  negated,
  type SqlScalar,
  type SqlValue,
  strictly,
  Untranslatable,
  wholeSetOf,
} from './sql-value.ts'

/** A Bool expression as a boolean of SQL: NULL is E (SPEC 5.1). */
export function compileTruth(at: Compiling, expr: Expr, mode: Mode): string {
  const settled = at.settled.get(expr)
  if (settled) return settled.kind === 'value' ? String(settled.value === true) : 'null::boolean'
  if (expr.kind === 'literal') return String(expr.value === true)
  if (at.isOpaque && !hangs(at, expr)) return at.bindings.bind(null, 'boolean')
  switch (expr.kind) {
    case 'not':
      return mode === 'true' ? whereFalse(at, expr.operand) : negated(at.truth(at, expr.operand, 'exact'))
    case 'and':
    case 'or':
      return joinSql(
        expr.kind,
        expr.operands.map((operand) => at.truth(at, operand, mode)),
      )
    case 'if': {
      const [then, otherwise] = [at.truth(at, expr.then, mode), at.truth(at, expr.otherwise, mode)]
      return `(case ${at.truth(at, expr.test, 'exact')} when true then ${then} when false then ${otherwise} end)`
    }
    case 'attempt':
      return `coalesce(${at.truth(at, expr.operand, 'exact')}, ${at.truth(at, expr.otherwise, mode)})`
    case 'let': {
      const { local, wrap } = bindLocal(at, at.value(at, expr.value))
      return wrap(at.truth({ ...at, locals: new Map(at.locals).set(expr.name, local) }, expr.body, mode))
    }
    case 'has': {
      const of = at.value(at, expr.of)
      const present = of.missing === undefined ? 'true' : negated(of.missing)
      return of.fails === undefined ? present : `(case when not ${of.fails} then ${present} end)`
    }
    case 'compare':
      return compare(at, expr, mode)
    case 'in':
      return isIn(at, expr, mode)
    case 'isType':
      return isOfType(at, expr, mode)
    case 'holds':
      return holdsRelation(at, expr, mode)
    case 'permitted':
      return holdsPermitted(at, expr, mode)
    case 'call': {
      if (!expr.safe) return callTruth(at, expr, mode)
      const value = at.value(at, expr)
      if (value.shape !== 'scalar') throw new Untranslatable('this is no truth value in SQL', expr.span)
      return value.sql
    }
    case 'quantifier':
      return quantifier(at, expr, mode)
    default: {
      const value = at.value(at, expr)
      if (value.shape !== 'scalar') throw new Untranslatable('this is no truth value in SQL', expr.span)
      return value.sql
    }
  }
}

/** TRUE exactly where the expression is FALSE, and written so that an index may serve: `not (not a or b)` is `a and not b`. */
export function whereFalse(at: Compiling, expr: Expr): string {
  const isKnown = at.settled.has(expr) || (at.isOpaque && !hangs(at, expr))
  if (!isKnown && expr.kind === 'not') return at.truth(at, expr.operand, 'true')
  if (!isKnown && (expr.kind === 'and' || expr.kind === 'or')) {
    const parts = expr.operands.map((operand) => whereFalse(at, operand))
    return joinSql(expr.kind === 'and' ? 'or' : 'and', parts)
  }
  return negated(at.truth(at, expr, 'exact'))
}

type Node<Kind extends Expr['kind']> = Expr & { readonly kind: Kind }

function compare(at: Compiling, expr: Node<'compare'>, mode: Mode): string {
  const [left, right] = [at.value(at, expr.left), at.value(at, expr.right)]
  if (expr.op === 'eq') return equal(at, expr, [left, right], mode)
  const [low, high] = [scalar(left, expr), scalar(right, expr)]
  if (low.isAlien || high.isAlien)
    throw new Untranslatable('the order of a text that PostgreSQL cannot hold', expr.span)
  const byColumn = orderedEnum(expr) ? undefined : compareColumn(at, expr.op, [low, high], mode)
  if (byColumn !== undefined) return byColumn
  const sign = expr.op === 'lt' ? '<' : '<='
  const members = orderedEnum(expr)
  if (members) {
    const order = at.bindings.bind(members, 'text[]')
    const position = ({ sql }: SqlScalar) => `array_position(${order}, ${sql})`
    return `(${position(low)} ${sign} ${position(high)})`
  }
  const isText = ['string', 'enum'].includes(expr.left.type.kind)
  return `(${low.sql}${isText ? ' collate "C"' : ''} ${sign} ${high.sql})`
}

function scalar(value: SqlValue, expr: Expr): SqlScalar {
  if (value.shape !== 'scalar') throw new Untranslatable('an order of what has none in SQL', expr.span)
  return value
}

function isIn(at: Compiling, expr: Node<'in'>, mode: Mode): string {
  if (expr.mode === 'hierarchy') return isWithin(at, expr, mode)
  const left = at.value(at, expr.left)
  if (expr.mode === 'set') {
    const constants = constantsOf(at, expr)
    const byColumn = left.shape === 'scalar' ? columnIn(at, left, expr.right, mode) : undefined
    if (byColumn !== undefined) return byColumn
    if (constants !== undefined && mode === 'true' && left.shape === 'scalar')
      return `(${left.sql} = any(${constants}))`
    return isMember(at, left, asSet(at, expr.right), mode)
  }
  const [inner, outer] = [scalar(left, expr), scalar(at.value(at, expr.right), expr)]
  return strictly([inner, outer], `(${inner.sql} <<= ${outer.sql})`, mode, true)
}

/** Texts that are known: one array, which an index can serve. */
function constantsOf(at: Compiling, { right }: Node<'in'>): string | undefined {
  if (right.kind !== 'literal' || typeof right.value !== 'object' || right.value.kind !== 'set') return undefined
  const texts = right.value.items.flatMap((item) =>
    typeof item === 'string' && !item.includes('\0') && item.isWellFormed() ? [item] : [],
  )
  // `[]` has no type, so no operator of SQL fits it.
  const isAllText = right.value.items.length > 0 && right.value.items.every((item) => typeof item === 'string')
  return isAllText ? at.bindings.bind(texts, 'text[]') : undefined
}

function isOfType(at: Compiling, expr: Node<'isType'>, mode: Mode): string {
  const operand = at.value(at, expr.operand)
  if (operand.shape !== 'entity') throw new Untranslatable('the type of what is no entity', expr.span)
  if (operand.only !== undefined) {
    const is = String(expr.types.includes(operand.only))
    return strictly([operand], operand.missing === undefined ? is : `(not ${operand.missing} and ${is})`, mode, false)
  }
  return strictly([operand], `(${operand.typeSql} = any(${at.bindings.bind(expr.types, 'text[]')}))`, mode, true)
}

function quantifier(at: Compiling, expr: Node<'quantifier'>, mode: Mode): string {
  if (expr.quantifier === 'count') throw new Untranslatable('a count is no truth value', expr.span)
  const over = wholeSetOf(asSet(at, expr.over), expr.span)
  if (over.isVoid) return String(expr.quantifier === 'all')
  const row = at.bindings.alias()
  const inside = { ...at, locals: new Map(at.locals).set(expr.variable, memberOf(over, row)) }
  const guarded = (sql: string) => (over.fails === undefined ? sql : `(case when not ${over.fails} then ${sql} end)`)
  if (expr.quantifier === 'any' && mode === 'true') {
    return `exists (select 1 from (${over.rows}) ${row} where ${at.truth(inside, expr.body, 'true')})`
  }
  const rows = `select ${at.truth(inside, expr.body, 'exact')} as b from (${over.rows}) ${row}`
  return guarded(expr.quantifier === 'any' ? anyRow(rows) : everyRow(rows))
}
