import { splitPattern } from '../../builtins/wildcards.ts'
import type { Expr } from '../../ir/nodes.ts'
import {
  type Compiling,
  eitherOf,
  evenly,
  isHoldable,
  isNull,
  type Mode,
  type SqlScalar,
  type SqlSet,
  type SqlValue,
  strictly,
  Untranslatable,
  unholdable,
  wholeSetOf,
} from './sql-value.ts'

type Call = Expr & { readonly kind: 'call' }

/** Built-ins that yield no truth value; undefined for those that do. */
export function callValue(at: Compiling, expr: Call): SqlValue | undefined {
  const scalars = (): readonly SqlScalar[] => expr.args.map((arg) => scalarOf(at, arg))
  switch (expr.name) {
    case 'add':
      return arithmetic(expr, scalars(), ([a = '', b = '']) => `${a} + ${b}`)
    case 'subtract':
      return arithmetic(expr, scalars(), ([a = '', b = '']) => `${a} - ${b}`)
    case 'multiply':
      return arithmetic(expr, scalars(), ([a = '', b = '']) => `${a} * ${b}`)
    case 'negate':
      return arithmetic(expr, scalars(), ([a = '']) => `- ${a}`)
    // A to Z only, whatever the collation: tables of locales differ.
    case 'lower':
      return mapped(scalars(), ([x = '']) => `translate(${x}, '${capitals}', '${capitals.toLowerCase()}')`)
    case 'upper':
      return mapped(scalars(), ([x = '']) => `translate(${x}, '${capitals.toLowerCase()}', '${capitals}')`)
    case 'length':
      return mapped(scalars(), ([x = '']) => `char_length(${x})::numeric`)
    case 'size': {
      const set = wholeSetOf(countable(setOf(at, expr.args[0]), expr), expr.span)
      return mapped([], () => `(select count(*)::numeric from (${set.rows}) s)`, [set])
    }
    case 'union':
    case 'intersect':
    case 'minus':
      return combined(at, expr, { union: 'union', intersect: 'intersect', minus: 'except' }[expr.name])
    case 'hour':
    case 'minute':
    case 'weekday':
    case 'timeOfDay':
    case 'date':
      return clock(at, expr)
    default:
      return undefined
  }
}

const day = 86_400_000

/** In UTC a clock is arithmetic; any other zone would be read from a second table of zones. */
function clock(at: Compiling, expr: Call): SqlScalar {
  const zone = expr.args[1]
  if (zone?.kind !== 'literal' || zone.value !== 'UTC') {
    throw new Untranslatable(
      `\`${expr.name}\` of a stored time: the database has time zones of its own, which may differ`,
      expr.span,
    )
  }
  return mapped([scalarOf(at, expr.args[0])], ([instant = '']) => {
    const days = `floor(${instant} / ${day})`
    const inDay = `(${instant} - ${days} * ${day})`
    switch (expr.name) {
      case 'hour':
        return `trunc(${inDay} / 3600000)`
      case 'minute':
        return `trunc(mod(${inDay}, 3600000) / 60000)`
      case 'weekday':
        // 1970 began on a Thursday.
        return `(mod(mod(${days} + 3, 7) + 7, 7) + 1)`
      case 'date':
        return `to_char(date '1970-01-01' + (${days})::int, 'YYYY-MM-DD')`
      default:
        return inDay
    }
  })
}

const capitals = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** Built-ins that are true or false. */
export function callTruth(at: Compiling, expr: Call, mode: Mode): string {
  const [first, second] = expr.args
  switch (expr.name) {
    case 'startsWith':
      return overTexts(at, expr, mode, (x, part) => `starts_with(${x}, ${part})`)
    case 'containsText':
      return overTexts(at, expr, mode, (x, part) => `(strpos(${x} collate "C", ${part}) > 0)`)
    case 'endsWith':
      return overTexts(at, expr, mode, (x, part) => `(right(${x}, char_length(${part})) = ${part})`)
    case 'like':
      return like(at, expr, mode)
    case 'isLoopback':
    case 'isPrivate': {
      const address = scalarOf(at, first)
      const blocks = at.bindings.bind(expr.name === 'isPrivate' ? privateBlocks : loopbackBlocks, 'inet[]')
      return strictly([address], `(${address.sql} <<= any(${blocks}))`, mode, true)
    }
    case 'isEmpty': {
      const set = wholeSetOf(setOf(at, first), expr.span)
      const sql = `(not exists (${set.rows}))`
      return strictly(
        [set],
        set.missing === undefined ? sql : `(case when not ${set.missing} then ${sql} end)`,
        mode,
        true,
      )
    }
    case 'containsElement':
      return isMember(at, at.value(at, orThrow(second, expr)), setOf(at, first), mode)
    case 'containsAll':
    case 'containsAny': {
      const [set, other] = [setOf(at, first), setOf(at, second)]
      const whole = isAll(expr.name) ? hasAll(set, other, expr) : hasAny(set, other, expr)
      const missing = eitherOf(set.missing, other.missing)
      // A set that is not there has no rows, and nothing is said of it.
      return strictly(
        [set, other],
        missing === undefined ? whole : `(case when not ${missing} then ${whole} end)`,
        mode,
        true,
      )
    }
    default:
      throw new Untranslatable(`\`${expr.name}\` has no form in SQL`, expr.span)
  }
}

const isAll = (name: string): boolean => name === 'containsAll'
const privateBlocks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']
const loopbackBlocks = ['127.0.0.0/8', '::1']

const orThrow = (expr: Expr | undefined, of: Call): Expr => {
  if (!expr) throw new Untranslatable(`\`${of.name}\` lacks an argument`, of.span)
  return expr
}

function scalarOf(at: Compiling, expr: Expr | undefined): SqlScalar {
  const value = expr && at.value(at, expr)
  if (value?.shape !== 'scalar') throw new Untranslatable('this is no plain value in SQL', expr?.span)
  if (value.isAlien) throw new Untranslatable(unholdable, expr?.span)
  return value
}

function setOf(at: Compiling, expr: Expr | undefined): SqlSet {
  const value = expr && at.value(at, expr)
  if (value?.shape !== 'set') throw new Untranslatable('this is no set in SQL', expr?.span)
  return value
}

/** In numeric, which does not overflow; what 64 bits or the years of FBAC cannot hold is NULL (SPEC 4.1, 4.4). */
function arithmetic(
  expr: Call,
  operands: readonly SqlScalar[],
  write: (operands: readonly string[]) => string,
): SqlScalar {
  const bound = expr.type.kind === 'time' ? 'writ_in_years' : 'writ_int64'
  const sql = `${bound}(${write(operands.map((operand) => operand.sql))})`
  const value = mapped(operands, () => sql)
  // NULL is E, whether an operand was or the result has left its range.
  return { ...value, missing: isNull(sql), fails: isNull(sql) }
}

/** A function that is NULL exactly where an operand is. */
function mapped(
  operands: readonly SqlScalar[],
  write: (operands: readonly string[]) => string,
  sets: readonly SqlSet[] = [],
): SqlScalar {
  const all = [...operands, ...sets]
  const missing = eitherOf(...all.map((operand) => operand.missing))
  const plain = write(operands.map(evenly))
  const sql = sets.length > 0 && missing !== undefined ? `(case when not ${missing} then ${plain} end)` : plain
  return { shape: 'scalar', sql, missing, fails: missing }
}

function overTexts(at: Compiling, expr: Call, mode: Mode, write: (x: string, part: string) => string): string {
  const [text, part] = expr.args.map((arg) => at.value(at, arg))
  if (text?.shape !== 'scalar' || part?.shape !== 'scalar')
    throw new Untranslatable('this is no text in SQL', expr.span)
  // Nothing stored contains what cannot be stored; the other way round is not asked of SQL.
  if (part.isAlien && !text.isAlien) return strictly([text], `(${isNull(text.sql)} and null)`, mode, true)
  if (text.isAlien) throw new Untranslatable(unholdable, expr.span)
  // A constant leaves the column as it is.
  return strictly([text, part], write(text.sql, part.isBound ? part.sql : evenly(part)), mode, true)
}

/** Escaped for SQL's LIKE: its wildcards in a pattern are plain letters there (SPEC 4.3). */
function like(at: Compiling, expr: Call, mode: Mode): string {
  const text = scalarOf(at, expr.args[0])
  const pattern = expr.args[1]
  if (pattern?.kind !== 'literal' || typeof pattern.value !== 'string') {
    throw new Untranslatable('a pattern that is no literal', expr.span)
  }
  if (!isHoldable(pattern.value)) return strictly([text], `(${isNull(text.sql)} and null)`, mode, true)
  const escaped = splitPattern(pattern.value).map((part) => part.replace(/[\\%_]/g, (letter) => `\\${letter}`))
  return strictly([text], `(${text.sql} collate "C" like ${at.bindings.bind(escaped.join('%'), 'text')})`, mode, true)
}

/** Is the value a member? `in` of sets, and `contains`. */
export function isMember(at: Compiling, element: SqlValue, set: SqlSet, mode: Mode): string {
  if (set.isVoid) return strictly([element, set], 'false', mode, false)
  if ((element.shape === 'entity' || element.shape === 'scalar') && element.isAlien) wholeSetOf(set)
  const row = at.bindings.alias()
  const sql = `exists (select 1 from (${set.rows}) ${row} where ${sameAsRow(element, row)})`
  return strictly([element, set], sql, mode, false)
}

function sameAsRow(element: SqlValue, row: string): string {
  if (element.shape === 'entity') {
    return element.isAlien ? 'false' : `${row}.v = ${element.sql} and ${row}.k = ${element.typeSql}`
  }
  if (element.shape !== 'scalar') throw new Untranslatable('a member that is a set or record')
  return element.isAlien ? 'false' : `${row}.v = ${element.sql}`
}

function combined(at: Compiling, expr: Call, word: string): SqlSet {
  const [left, right] = expr.args.map((arg) => countable(setOf(at, arg), expr))
  if (!left || !right) throw new Untranslatable('sets are missing', expr.span)
  const missing = eitherOf(left.missing, right.missing)
  const rows = rowsOf(left, right, word)
  const guarded = missing === undefined ? rows : `select * from (${rows}) s where not ${missing}`
  // What cannot be stored is a member of nothing stored, so it only ever stays or goes with the left side.
  if (left.isLossy && right.isLossy) wholeSetOf(left, expr.span)
  const isLossy = word === 'union' ? left.isLossy || right.isLossy : word === 'except' && left.isLossy
  const isVoid = left.isVoid && (right.isVoid || word !== 'union')
  return {
    shape: 'set',
    rows: guarded,
    of: left.isVoid ? right.of : left.of,
    missing,
    fails: missing,
    isVoid: isVoid ?? false,
    isLossy: isLossy ?? false,
  }
}

function rowsOf(left: SqlSet, right: SqlSet, word: string): string {
  if (right.isVoid) return word === 'intersect' ? `select * from (${left.rows}) l where false` : left.rows
  if (left.isVoid) return word === 'union' ? right.rows : left.rows
  return `select * from (${left.rows}) l ${word} select * from (${right.rows}) r`
}

/** Members whose equality in SQL is that of the language. */
function countable(set: SqlSet, expr: Expr): SqlSet {
  if (['record', 'map', 'set'].includes(set.of.kind)) {
    throw new Untranslatable('members that are sets or records cannot be told apart in SQL', expr.span)
  }
  return set
}

/** A constant with a text that cannot be stored is in no stored set as a whole. */
function hasAll(set: SqlSet, other: SqlSet, expr: Call): string {
  countable(set, expr)
  countable(other, expr)
  if (other.isLossy && !set.isLossy && expr.args[1]?.kind === 'literal') return 'false'
  wholeSetOf(other, expr.span)
  if (other.isVoid) return 'true'
  if (set.isVoid) return `(not exists (${other.rows}))`
  return `(not exists (select * from (${other.rows}) l except select * from (${set.rows}) r))`
}

function hasAny(set: SqlSet, other: SqlSet, expr: Call): string {
  if (set.isLossy && other.isLossy) wholeSetOf(set, expr.span)
  if (set.isVoid || other.isVoid) return 'false'
  return `exists (select * from (${countable(other, expr).rows}) l intersect select * from (${countable(set, expr).rows}) r)`
}
