import type { Expr } from '../../ir/nodes.ts'
import type { Type } from '../../ir/types.ts'
import { compareColumn, isEntityOfColumn } from './column-compare.ts'
import { decodeValue, distinctOf } from './decode.ts'
import {
  type Compiling,
  eitherOf,
  evenly,
  joinSql,
  type Mode,
  negated,
  type SqlEntity,
  type SqlJson,
  type SqlScalar,
  type SqlSet,
  type SqlValue,
  strictly,
  Untranslatable,
  wholeSetOf,
} from './sql-value.ts'

/** `==` (SPEC 4.7, 4.9, 4.10): false where a side is absent, E where one is. */
export function equal(
  at: Compiling,
  expr: Expr & { readonly kind: 'compare' },
  sides: readonly [SqlValue, SqlValue],
  mode: Mode,
): string {
  const [left, right] = sides
  if (left.shape === 'entity' && right.shape === 'entity') {
    const byColumn = isEntityOfColumn(at, left, right, mode) ?? isEntityOfColumn(at, right, left, mode)
    if (byColumn !== undefined) return byColumn
    const isPlain = !left.isAlien && !right.isAlien && left.only !== undefined && left.only === right.only
    return strictly(sides, sameEntity(left, right), mode, isPlain)
  }
  if (left.shape === 'scalar' && right.shape === 'scalar') {
    if (left.isAlien || right.isAlien) return strictly(sides, 'false', mode, false)
    const byColumn = compareColumn(at, 'eq', [left, right], mode)
    return strictly(sides, byColumn ?? sameScalar(left, right, expr.left.type), mode, true)
  }
  const isThere = joinSql(
    'and',
    sides.flatMap(({ missing }) => (missing === undefined ? [] : [negated(missing)])),
  )
  return strictly(sides, joinSql('and', [isThere, sameWhole(at, left, right, expr)]), mode, false)
}

/** Of two values that are there. */
function sameWhole(at: Compiling, left: SqlValue, right: SqlValue, expr: Expr): string {
  if (left.shape === 'set' && right.shape === 'set') return sameSet(left, right, expr)
  if (left.shape === 'json' && right.shape === 'json') return sameRecord(at, [left, right], expr)
  throw new Untranslatable('equality of these values cannot be said in SQL', expr.span)
}

function sameEntity(left: SqlEntity, right: SqlEntity): string {
  if (left.isAlien || right.isAlien) return 'false'
  const isSameType = left.only !== undefined && left.only === right.only
  if (left.only !== undefined && right.only !== undefined && !isSameType) return 'false'
  const ids = `(${left.isOfColumn && right.isOfColumn ? evenly(left) : left.sql} = ${right.sql})`
  return isSameType ? ids : `(${ids} and ${left.typeSql} = ${right.typeSql})`
}

/** A constant leaves the column as it is, so that its index serves; two columns may have two collations. */
function sameScalar(left: SqlScalar, right: SqlScalar, type: Type): string {
  const isPlain = left.isBound || right.isBound || !['string', 'enum'].includes(type.kind)
  return `(${left.sql}${isPlain ? '' : ' collate "C"'} = ${right.sql})`
}

function sameSet(left: SqlSet, right: SqlSet, expr: Expr): string {
  for (const side of [left, right]) {
    wholeSetOf(side, expr.span)
    if (distinctOf(side.of) === '') throw new Untranslatable('equality of sets of records or maps', expr.span)
  }
  if (left.isVoid || right.isVoid) return left.isVoid && right.isVoid ? 'true' : isEmpty(left.isVoid ? right : left)
  const without = (a: string, b: string) => `not exists (select * from (${a}) l except select * from (${b}) r)`
  return `(${without(left.rows, right.rows)} and ${without(right.rows, left.rows)})`
}
const isEmpty = ({ rows }: SqlSet): string => `(not exists (${rows}))`

/** Member by member, as declared: absent on both sides, or there and equal. */
function sameRecord(at: Compiling, sides: readonly [SqlJson, SqlJson], expr: Expr): string {
  const fields = sides.map(({ type }) => {
    if (type.kind !== 'record') throw new Untranslatable('equality of maps cannot be said in SQL', expr.span)
    return type.fields
  })
  const names = new Set(fields.flatMap((each) => Object.keys(each)))
  const parts = [...names].map((name) => {
    const members = sides.map((side, index) => {
      const field = fields[index]?.[name]
      const sql = `(${side.sql} -> ${at.bindings.bind(name, 'text')})`
      return field && decodeValue({ sql, kind: 'jsonb', isColumn: false }, field.type, at.bindings)
    })
    const [left, right] = members
    const missing = members.map((member) => member?.missing ?? 'true')
    const isGone = joinSql('and', missing)
    if (!left || !right) return isGone
    const same = left.shape === 'entity' && right.shape === 'entity' ? sameEntity(left, right) : undefined
    const scalar =
      left.shape === 'scalar' && right.shape === 'scalar'
        ? sameScalar({ ...left, isBound: true }, right, expr.type)
        : undefined
    const isSame = same ?? scalar ?? sameWhole(at, left, right, expr)
    return joinSql('or', [isGone, `(not ${eitherOf(...missing)} and ${isSame})`])
  })
  return joinSql('and', parts)
}
