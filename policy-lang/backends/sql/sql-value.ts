import type { EntityValue, Expr, Value } from '../../ir/nodes.ts'
import type { Program } from '../../ir/program.ts'
import type { Type } from '../../ir/types.ts'
import type { Outcome } from '../../runtime/outcome.ts'
import type { Span } from '../../source/span.ts'
import type { ColumnKind, SqlSource } from './sql-source.ts'

/**
 * An expression in SQL. A boolean is SQL's own three values, NULL being E (SPEC 5.1). Any other value is NULL where it is absent
 * or E; `fails` tells the two apart.
 */
export type SqlValue = SqlScalar | SqlEntity | SqlSet | SqlJson
type Base = {
  /** A boolean that is never NULL: is there no value? `undefined`: there always is one. */
  readonly missing: string | undefined
  /** Never NULL: is it E? `undefined`: never. Equal to `missing`: it is never absent. */
  readonly fails: string | undefined
}
/** boolean; numeric for Int, Decimal, Duration (ms) and Time (ms); text; inet. */
export type SqlScalar = Base & {
  readonly shape: 'scalar'
  readonly sql: string
  /** Bound from the request or the policy: an index on the other side may be used as it is. */
  readonly isBound?: boolean
  /** A text whose collation is that of its column. */
  readonly isOfColumn?: boolean
  /** It is read from this column of the listed row, whose index may serve; `members` of an enum. */
  readonly column?:
    | { readonly sql: string; readonly kind: ColumnKind; readonly members?: readonly string[] }
    | undefined
  /** What is bound. */
  readonly known?: Exclude<Value, object>
  /** A text that PostgreSQL cannot hold: equal to nothing. */
  readonly isAlien?: boolean
}
export type SqlEntity = Base & {
  readonly shape: 'entity'
  /** Its id. */
  readonly sql: string
  /** Its type, in SQL; a text constant where `only` is known. */
  readonly typeSql: string
  readonly only?: string
  /** Alias of the row, where the row itself is at hand. */
  readonly row?: string
  /** Columns of the listed row that say id and type, whose indexes may serve. */
  readonly columns?: { readonly id: string; readonly type: string; readonly types: readonly string[] } | undefined
  readonly isBound?: boolean
  readonly isOfColumn?: boolean
  readonly isAlien?: boolean
}
/** `rows`: a query of its members, each once, as column `v`, and `k` for the type of entities; no rows where it is missing. */
export type SqlSet = Base & {
  readonly shape: 'set'
  readonly rows: string
  readonly of: Type
  /** It is `[]`, whose members have no type: `rows` is not to be set beside others. */
  readonly isVoid?: boolean
  /** A member that PostgreSQL cannot hold is not among the rows. Nothing stored equals it, but it counts. */
  readonly isLossy?: boolean
}
/** A record or map, as jsonb. */
export type SqlJson = Base & { readonly shape: 'json'; readonly sql: string; readonly type: Type }

/** `true`: all that matters is whether it is TRUE; NULL and FALSE may stand for each other. */
export type Mode = 'true' | 'exact'

/** Everything that the compilation of one condition needs. */
export type Compiling = {
  readonly program: Program
  readonly source: SqlSource
  readonly now: number
  readonly bindings: Bindings
  readonly settled: ReadonlyMap<Expr, Outcome>
  /** For the check at load time: whatever does not hang on the resource stands for itself, unknown. */
  readonly isOpaque: boolean
  readonly locals: ReadonlyMap<string, SqlValue>
  readonly resource: SqlEntity
  /** The condition of a tuple, its context worked out. */
  readonly condition: (name: string) => SqlCondition | undefined
  /** Ids that were found in memory; undefined where they cannot be known from there. */
  readonly held: ((relation: string, type: string) => HeldIds | undefined) | undefined
  readonly permitted: ((type: string) => HeldIds | undefined) | undefined
  /** The request's subject, where it is known. */
  readonly subject: EntityValue | undefined
  readonly value: (at: Compiling, expr: Expr) => SqlValue
  readonly truth: (at: Compiling, expr: Expr, mode: Mode) => string
}

export type SqlCondition = {
  readonly expr: Expr
  readonly settled: ReadonlyMap<Expr, Outcome>
  readonly params: readonly {
    readonly name: string
    readonly type: Type
    readonly isOptional: boolean
    /** What the request's context says, where it fits. */
    readonly context?: Value
  }[]
}

/** Entities of one type of which something is true, or E; of all others it is false. */
export type HeldIds = { readonly holds: readonly string[]; readonly fails: readonly string[] }

export type Bindings = {
  readonly values: readonly unknown[]
  /** A parameter with its type: `$3::text`. */
  bind(value: unknown, type: string): string
  /** A name that no other row has. */
  alias(): string
}

export function createBindings(first: number): Bindings {
  const values: unknown[] = []
  const known = new Map<string, string>()
  let aliases = 0
  return {
    values,
    bind(value, type) {
      const key = value === null ? undefined : `${type} ${JSON.stringify(value)}`
      const same = key === undefined ? undefined : known.get(key)
      if (same !== undefined) return same
      values.push(value)
      const parameter = `$${first + values.length - 1}::${type}`
      if (key !== undefined) known.set(key, parameter)
      return parameter
    },
    alias() {
      aliases += 1
      return `x${aliases}`
    },
  }
}

/** Parts that were written and not used leave gaps, which PostgreSQL does not take: only what `sql` names is bound. */
export function usedBindings(
  sql: string,
  values: readonly unknown[],
  first: number,
): { readonly sql: string; readonly bindings: readonly unknown[] } {
  const numbers = new Map<string, number>()
  const bindings: unknown[] = []
  // No text of a policy or of data stands in the SQL, so `$` is always a parameter's.
  const renumbered = sql.replace(/\$(\d+)/g, (_, name: string) => {
    const known = numbers.get(name) ?? first + bindings.length
    if (!numbers.has(name)) bindings.push(values[Number(name) - first])
    numbers.set(name, known)
    return `$${known}`
  })
  return { sql: renumbered, bindings }
}

/** What SQL cannot say: caught at the door, told as a diagnostic at `span`. */
export class Untranslatable extends Error {
  readonly span: Span | undefined
  constructor(message: string, span?: Span) {
    super(message)
    this.span = span
  }
}

/**
 * The collation of the database, which equality does not ask for: a recursive query refuses columns of two collations, and a
 * comparison two that are not its own.
 */
export const collated = (sql: string): string => `(${sql}) collate "default"`
/**
 * Where texts of several columns meet in one value. Elsewhere a column stays as it is, so that its index serves. A query of its
 * own, because what a collation was said for may not meet what another was said for.
 */
export const evenly = ({ sql, isOfColumn }: Pick<SqlScalar, 'sql' | 'isOfColumn'>): string =>
  isOfColumn ? `(select ${collated(sql)})` : sql

export const isNull = (sql: string): string => `(${sql}) is null`
/** Booleans that are never NULL, or undefined for false. */
export const eitherOf = (...parts: readonly (string | undefined)[]): string | undefined => {
  const distinct = [...new Set(parts.filter((part) => part !== undefined))]
  return distinct.length === 0 ? undefined : distinct.length === 1 ? distinct[0] : `(${distinct.join(' or ')})`
}

/** A value that is never absent: NULL is E. */
export const requiredScalar = (sql: string): SqlScalar => ({
  shape: 'scalar',
  sql,
  missing: isNull(sql),
  fails: isNull(sql),
})
export const sureScalar = (sql: string): SqlScalar => ({ shape: 'scalar', sql, missing: undefined, fails: undefined })

/** Can the value be absent without being E? */
export const mayBeAbsent = ({ missing, fails }: SqlValue): boolean => missing !== undefined && missing !== fails

/**
 * A boolean over operands (SPEC 5.1): E where one is E, false where one is absent, else `sql`. `isStrict`: `sql` is NULL where an
 * operand is NULL by itself. INVARIANT: `sql` is never TRUE where an operand is NULL.
 */
export function strictly(operands: readonly SqlValue[], sql: string, mode: Mode, isStrict: boolean): string {
  if (mode === 'true') return sql
  const fails = eitherOf(...operands.map((operand) => operand.fails))
  const isAbsent = operands.some(mayBeAbsent)
  if (!isAbsent && (isStrict || fails === undefined)) return sql
  // `sql` may be E by itself: absence is told from what is missing, never from NULL.
  const missing = isAbsent ? eitherOf(...operands.map((operand) => operand.missing)) : undefined
  const cases = [...(fails ? [`when ${fails} then null`] : []), ...(missing ? [`when ${missing} then false`] : [])]
  return `(case ${cases.join(' ')} else ${sql} end)`
}

/** Kleene's `any` over rows with a boolean column `b` (SPEC 5.1): one TRUE decides, else one NULL is E. */
export const anyRow = (rows: string): string =>
  `(select case when bool_or(y.b) then true when bool_or(y.b is null) then null else false end from (${rows}) y)`
/** Kleene's `all`. */
export const everyRow = (rows: string): string =>
  `(select case when bool_or(not y.b) then false when bool_or(y.b is null) then null else true end from (${rows}) y)`

export const joinSql = (word: 'and' | 'or', parts: readonly string[]): string => {
  const neutral = word === 'and' ? 'true' : 'false'
  const decisive = word === 'and' ? 'false' : 'true'
  const kept = parts.filter((part) => part !== neutral)
  if (kept.includes(decisive)) return decisive
  return kept.length === 0 ? neutral : kept.length === 1 ? (kept[0] ?? neutral) : `(${kept.join(` ${word} `)})`
}
export const negated = (sql: string): string => (sql === 'true' ? 'false' : sql === 'false' ? 'true' : `(not ${sql})`)

/** PostgreSQL's text has no NUL and no half of a surrogate pair. */
export const isHoldable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

export const unholdable = 'a text that PostgreSQL cannot hold'
/** Every member counts where the set is unfolded, compared or counted. */
export function wholeSetOf(set: SqlSet, span?: Span): SqlSet {
  if (set.isLossy) throw new Untranslatable(`a set with ${unholdable}`, span)
  return set
}

export type EntityLike = Pick<SqlEntity, 'sql' | 'typeSql' | 'only' | 'row' | 'isAlien'>
