import { earliestTime, latestTime } from '../../builtins/integer.ts'
import type { Expr, Value } from '../../ir/nodes.ts'
import { type Bindings, type Compiling, joinSql, type Mode, type SqlEntity, type SqlScalar } from './sql-value.ts'

// Comparisons of a column with a constant, written so that the column stands alone and its index serves. Each says exactly what
// the comparison of the value read from it says; undefined where no such form is at hand.

type Known = Exclude<Value, object>
type Op = 'eq' | 'lt' | 'le'

export function compareColumn(
  at: Compiling,
  op: Op,
  sides: readonly [SqlScalar, SqlScalar],
  mode: Mode,
): string | undefined {
  const [left, right] = sides
  if (left.column && right.known !== undefined)
    return ofColumn(at.bindings, op, { column: left.column, known: right.known, mode })
  if (right.column && left.known !== undefined) {
    return ofColumn(at.bindings, mirrored[op], { column: right.column, known: left.known, mode })
  }
  return undefined
}

/** `column in [ … ]` of constants: one array. */
export function columnIn(at: Compiling, left: SqlScalar, set: Expr, mode: Mode): string | undefined {
  if (!left.column || mode !== 'true') return undefined
  if (set.kind !== 'literal' || typeof set.value !== 'object' || set.value.kind !== 'set') return undefined
  const items = set.value.items
  const { sql, kind, members } = left.column
  if (kind === 'integer' && items.every((item) => typeof item === 'number' || typeof item === 'bigint')) {
    return `(${sql} = any(${at.bindings.bind(items.map(String), 'bigint[]')}))`
  }
  if (kind !== 'text' || !members) return undefined
  return `(${sql} = any(${at.bindings.bind(
    items.filter((item) => members.includes(String(item))),
    'text[]',
  )}))`
}

/** A link or attribute is this entity: id and type each stand alone. Only where absent, missing and another are all the same. */
export function isEntityOfColumn(at: Compiling, column: SqlEntity, other: SqlEntity, mode: Mode): string | undefined {
  if (!column.columns || other.only === undefined || !other.isBound || other.isAlien || mode !== 'true')
    return undefined
  const { id, type, types } = column.columns
  if (!types.includes(other.only)) return 'false'
  const isType = `${type} = ${at.bindings.bind(other.only, 'text')}`
  return `(${id} = ${other.sql} and ${types.length === 1 ? `(${isType} or ${type} is null)` : isType})`
}

type WithMirror = 'eq' | 'lt' | 'le' | 'gt' | 'ge'
const mirrored = { eq: 'eq', lt: 'gt', le: 'ge' } as const

function ofColumn(
  bindings: Bindings,
  op: WithMirror,
  of: { readonly column: NonNullable<SqlScalar['column']>; readonly known: Known; readonly mode: Mode },
): string | undefined {
  const { sql, kind, members } = of.column
  if (kind === 'integer') return `(${sql} ${sign[op]} ${bindings.bind(String(of.known), 'bigint')})`
  // A value that does not fit is E there and FALSE here.
  if (of.mode !== 'true') return undefined
  if (kind === 'text') {
    if (op !== 'eq' || !members) return undefined
    return members.includes(String(of.known)) ? `(${sql} = ${bindings.bind(of.known, 'text')})` : 'false'
  }
  return typeof of.known === 'number' ? sameMillisecond(bindings, sql, op, of.known) : undefined
}
const sign = { eq: '=', lt: '<', le: '<=', gt: '>', ge: '>=' } as const

/** The column is finer than a millisecond: what it is cut to lies between two instants, and within the years of SPEC 4.4. */
function sameMillisecond(bindings: Bindings, sql: string, op: WithMirror, known: number): string {
  const from = `${sql} >= ${bindings.bind(instant(op === 'eq' || op === 'ge' ? known : op === 'gt' ? known + 1 : earliestTime), 'timestamptz')}`
  const to = `${sql} < ${bindings.bind(instant(op === 'lt' ? known : op === 'eq' || op === 'le' ? known + 1 : latestTime + 1), 'timestamptz')}`
  return joinSql('and', [from, to])
}

/** PostgreSQL writes the year 10000 without JavaScript's sign. */
const instant = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/^\+0+/, '')
