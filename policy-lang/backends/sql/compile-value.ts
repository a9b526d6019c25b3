import type { Expr } from '../../ir/nodes.ts'
import type { Type } from '../../ir/types.ts'
import { childrenOf } from '../../ir/walk.ts'
import { bindValue, opaqueValue } from './bind-value.ts'
import { callValue } from './calls.ts'
import { decodeValue, distinctOf } from './decode.ts'
import { attributeOfType, emptyRows, nothing } from './read-attribute.ts'
import {
  type Compiling,
  eitherOf,
  evenly,
  isNull,
  mayBeAbsent,
  negated,
  requiredScalar,
  type SqlEntity,
  type SqlScalar,
  type SqlSet,
  type SqlValue,
  sureScalar,
  Untranslatable,
  unholdable,
  wholeSetOf,
} from './sql-value.ts'

/** An expression that yields a value, absent, or E. */
export function compileValue(at: Compiling, expr: Expr): SqlValue {
  const settled = at.settled.get(expr)
  if (settled?.kind === 'value') return bindValue(at, settled.value, expr.type)
  if (settled?.kind === 'absent') return nothing(expr.type)
  if (settled?.kind === 'error') return { ...nothing(expr.type), fails: 'true' }
  if (expr.kind === 'literal') return bindValue(at, expr.value, expr.type)
  if (at.isOpaque && !hangs(at, expr)) return opaqueValue(at, expr.type)
  switch (expr.kind) {
    case 'variable':
      return variable(at, expr)
    case 'attribute':
      return attribute(at, expr)
    case 'coalesce':
      if (expr.left === expr.right) return at.value(at, expr.left)
      return coalesced(at.value(at, expr.left), at.value(at, expr.right))
    case 'if': {
      if (expr.then === expr.otherwise && expr.test.kind === 'literal') return at.value(at, expr.then)
      const test = at.truth(at, expr.test, 'exact')
      return whenTrue(test, at.value(at, expr.then), at.value(at, expr.otherwise))
    }
    case 'attempt': {
      if (expr.operand === expr.otherwise) return at.value(at, expr.operand)
      const [operand, otherwise] = [at.value(at, expr.operand), at.value(at, expr.otherwise)]
      if (operand.fails === undefined) return operand
      if (operand.shape === 'scalar' && otherwise.shape === 'scalar' && !mayBeAbsent(operand))
        return firstOf(operand, otherwise)
      return choice(negated(operand.fails), operand, otherwise)
    }
    case 'let':
      return letValue(at, expr)
    case 'call':
      return expr.safe ? safeCall(at, expr) : (callValue(at, expr) ?? requiredScalar(at.truth(at, expr, 'exact')))
    case 'quantifier':
      return expr.quantifier === 'count' ? count(at, expr) : requiredScalar(at.truth(at, expr, 'exact'))
    case 'construct':
      return construct(at, expr)
    case 'extern':
      throw new Untranslatable(
        `the extern "${expr.name}" is asked about what is listed, which is not fetched`,
        expr.span,
      )
    default:
      return requiredScalar(at.truth(at, expr, 'exact'))
  }
}

/** Does its value depend on what is listed, or on a local that does? */
export function hangs(at: Compiling, expr: Expr): boolean {
  if (expr.kind === 'variable') return expr.scope === 'local' ? at.locals.has(expr.name) : expr.name === 'resource'
  return childrenOf(expr).some((child) => hangs(at, child))
}

type Node<Kind extends Expr['kind']> = Expr & { readonly kind: Kind }

function variable(at: Compiling, expr: Node<'variable'>): SqlValue {
  if (expr.scope === 'request' && expr.name === 'resource') return at.resource
  const local = expr.scope === 'local' ? at.locals.get(expr.name) : undefined
  if (!local) throw new Untranslatable(`"${expr.name}" is not known when the list is made`, expr.span)
  return local
}

function attribute(at: Compiling, expr: Node<'attribute'>): SqlValue {
  const of = at.value(at, expr.of)
  const key = expr.key && at.value(at, expr.key)
  const read = member(at, expr, of, key)
  const fails = eitherOf(of.fails, key?.fails)
  if (expr.optional) return { ...read, missing: eitherOf(read.missing, of.missing, fails), fails }
  if (!expr.safe || of.missing === undefined || of.missing === of.fails) {
    // Absent and required: E, whatever was missing on the way.
    return { ...read, fails: read.missing }
  }
  // `?.`: an absent owner is absence, a present one without the member is E.
  const own = read.missing === undefined ? undefined : `(${negated(of.missing)} and ${read.missing})`
  return { ...read, missing: eitherOf(read.missing, of.missing), fails: eitherOf(fails, own) }
}

function member(at: Compiling, expr: Node<'attribute'>, of: SqlValue, key: SqlValue | undefined): SqlValue {
  if (of.shape === 'entity') return entityMember(at, of, expr)
  if (of.shape !== 'json')
    throw new Untranslatable(`"${expr.name}" is read from something that SQL does not keep`, expr.span)
  if (of.type.kind === 'map') {
    if (key?.shape !== 'scalar') throw new Untranslatable('a map is read by something that is no text', expr.span)
    const sql = key.isAlien ? 'null::jsonb' : `(${of.sql} -> ${key.sql})`
    return decodeValue({ sql, kind: 'jsonb', isColumn: false }, of.type.of, at.bindings)
  }
  const field = of.type.kind === 'record' ? of.type.fields[expr.name] : undefined
  if (!field) return nothing(expr.type)
  const sql = `(${of.sql} -> ${at.bindings.bind(expr.name, 'text')})`
  return decodeValue({ sql, kind: 'jsonb', isColumn: false }, field.type, at.bindings)
}

function entityMember(at: Compiling, of: SqlEntity, expr: Node<'attribute'>): SqlValue {
  const { name, type } = expr
  if (of.isAlien) return nothing(type)
  const types = of.only === undefined ? typesIn(at, expr.of) : [of.only]
  const branches = types.flatMap((each) => {
    const declared = at.program.entityTypes.get(each)?.attributes.get(name)
    return declared ? [{ type: each, value: attributeOfType(at, of, each, declared) }] : []
  })
  const [first, ...rest] = branches
  if (!first) return nothing(type)
  if (of.only !== undefined) return first.value
  return rest.reduceRight<SqlValue>(
    (otherwise, branch) => choice(`${of.typeSql} = ${at.bindings.bind(branch.type, 'text')}`, branch.value, otherwise),
    choice(`${of.typeSql} = ${at.bindings.bind(first.type, 'text')}`, first.value, nothing(type)),
  )
}

const typesIn = (at: Compiling, { type }: Expr): readonly string[] =>
  type.kind === 'entity' && type.types.length > 0 ? type.types : [...at.program.entityTypes.keys()]

/** `x.tags?.size`: absent where the receiver is, E where it or another argument is (SPEC 4.11). */
function safeCall(at: Compiling, expr: Node<'call'>): SqlValue {
  const { safe: _, ...plain } = expr
  const [first, ...rest] = expr.args
  const receiver = first && at.value(at, first)
  if (!first || !receiver || !mayBeAbsent(receiver)) return at.value(at, plain)
  // Where it is absent nothing is said of it: inside the call that is E, outside it is told apart again.
  const name = at.bindings.alias()
  const local: Expr = { kind: 'variable', scope: 'local', name, type: first.type, span: first.span }
  const inside = { ...at, locals: new Map(at.locals).set(name, { ...receiver, fails: receiver.missing }) }
  const value = at.value(inside, { ...plain, args: [local, ...rest] })
  const fails = eitherOf(receiver.fails, ...rest.map((arg) => at.value(at, arg).fails))
  return { ...value, missing: eitherOf(receiver.missing, fails), fails }
}

function coalesced(left: SqlValue, right: SqlValue): SqlValue {
  if (left.missing === undefined) return left
  if (left.fails === undefined && left.shape === 'scalar' && right.shape === 'scalar') return firstOf(left, right)
  return choice(left.fails ? `(${left.missing} is false or ${left.fails})` : negated(left.missing), left, right)
}

/** The first that is there. Written once each, so that chains stay short. */
function firstOf(left: SqlScalar, right: SqlScalar): SqlScalar {
  if (left.isAlien || right.isAlien) throw new Untranslatable(unholdable)
  const sql = `coalesce(${evenly(left)}, ${evenly(right)})`
  if (right.missing === undefined) return sureScalar(sql)
  if (right.fails === undefined) return { shape: 'scalar', sql, missing: isNull(sql), fails: undefined }
  return mayBeAbsent(right)
    ? { shape: 'scalar', sql, missing: isNull(sql), fails: `(${isNull(left.sql)} and ${right.fails})` }
    : requiredScalar(sql)
}

/** E where the test is. */
function whenTrue(test: string, then: SqlValue, otherwise: SqlValue): SqlValue {
  if (then.shape === 'scalar' && otherwise.shape === 'scalar' && !mayBeAbsent(then) && !mayBeAbsent(otherwise)) {
    if (then.isAlien || otherwise.isAlien) throw new Untranslatable(unholdable)
    return requiredScalar(`(case ${test} when true then ${evenly(then)} when false then ${evenly(otherwise)} end)`)
  }
  return alsoFailing(choice(test, then, otherwise), isNull(test))
}

/** `test ? left : right`; a test that is NULL chooses the right one. */
export function choice(test: string, left: SqlValue, right: SqlValue): SqlValue {
  const pick = (a: string, b: string) => (a === b ? a : `(case when ${test} then ${a} else ${b} end)`)
  const flag = (a: string | undefined, b: string | undefined) =>
    a === undefined && b === undefined ? undefined : pick(a ?? 'false', b ?? 'false')
  const missing = flag(left.missing, right.missing)
  const absence = { missing, fails: flag(left.fails, right.fails) }
  if (left.shape === 'set' || right.shape === 'set') {
    if (left.shape !== 'set' || right.shape !== 'set') throw new Untranslatable('a set and something else')
    const rows = [
      ...(left.isVoid ? [] : [`select * from (${left.rows}) s where ${test}`]),
      ...(right.isVoid ? [] : [`select * from (${right.rows}) s where (${test}) is not true`]),
    ]
    const isVoid = rows.length === 0
    const isLossy = left.isLossy === true || right.isLossy === true
    const of = left.isVoid ? right.of : left.of
    return { shape: 'set', rows: isVoid ? left.rows : rows.join(' union '), of, isVoid, isLossy, ...absence }
  }
  if (left.shape === 'entity' && right.shape === 'entity') {
    if (left.isAlien || right.isAlien) throw new Untranslatable(unholdable)
    const only = left.only !== undefined && left.only === right.only ? { only: left.only } : {}
    return {
      shape: 'entity',
      sql: pick(evenly(left), evenly(right)),
      typeSql: pick(typeOf(left), typeOf(right)),
      ...only,
      ...absence,
    }
  }
  if (left.shape === 'json' && right.shape === 'json') {
    return { shape: 'json', sql: pick(left.sql, right.sql), type: left.type, ...absence }
  }
  if (left.shape !== 'scalar' || right.shape !== 'scalar') throw new Untranslatable('values of two kinds')
  if (left.isAlien || right.isAlien) throw new Untranslatable(unholdable)
  return { shape: 'scalar', sql: pick(evenly(left), evenly(right)), ...absence }
}

const typeOf = ({ only, typeSql, isOfColumn = false }: SqlEntity): string =>
  evenly({ sql: typeSql, isOfColumn: only === undefined && isOfColumn })

/** No longer what the column says alone. */
const derived = { column: undefined, columns: undefined }

/** INVARIANT: what is E has no value either, so that nothing is TRUE of it. */
function alsoFailing(value: SqlValue, fails: string): SqlValue {
  const absence = { missing: eitherOf(value.missing, fails), fails: eitherOf(value.fails, fails) }
  if (value.shape === 'set') return { ...value, ...absence, rows: `select * from (${value.rows}) s where not ${fails}` }
  const sql = `(case when not ${fails} then ${value.sql} end)`
  return { ...value, ...derived, ...absence, sql }
}

/** The value is worked out once, in a row of its own, and is strict (SPEC 5.1). */
function letValue(at: Compiling, expr: Node<'let'>): SqlValue {
  const value = at.value(at, expr.value)
  const body = at.value({ ...at, locals: new Map(at.locals).set(expr.name, value) }, expr.body)
  return value.fails === undefined ? body : alsoFailing(body, value.fails)
}

/** A plain value is a row of its own, however often it is read. */
export function bindLocal(
  at: Compiling,
  value: SqlValue,
): { readonly local: SqlValue; readonly wrap: (sql: string) => string } {
  if (value.shape !== 'scalar' || value.isBound || (value.fails !== undefined && mayBeAbsent(value))) {
    return {
      local: value,
      wrap: (sql) => (value.fails === undefined ? sql : `(case when not ${value.fails} then ${sql} end)`),
    }
  }
  const row = at.bindings.alias()
  const own = isNull(`${row}.v`)
  const local = { ...value, ...derived, sql: `${row}.v`, missing: value.missing && own, fails: value.fails && own }
  const guard =
    local.fails === undefined ? (sql: string) => sql : (sql: string) => `case when not ${own} then ${sql} end`
  return { local, wrap: (sql) => `(select ${guard(sql)} from (select ${value.sql} as v) ${row})` }
}

function count(at: Compiling, expr: Node<'quantifier'>): SqlValue {
  const over = wholeSetOf(asSet(at, expr.over), expr.span)
  if (over.isVoid) return sureScalar('0::numeric')
  if (distinctOf(over.of) === '')
    throw new Untranslatable('equal records are one member, which SQL cannot tell', expr.span)
  const row = at.bindings.alias()
  const local = memberOf(over, row)
  const body = at.truth({ ...at, locals: new Map(at.locals).set(expr.variable, local) }, expr.body, 'exact')
  const counted = `(select case when bool_or(y.b is null) then null else count(*) filter (where y.b) end::numeric from (select ${body} as b from (${over.rows}) ${row}) y)`
  const value = requiredScalar(counted)
  return over.fails === undefined ? value : requiredScalar(`(case when ${over.fails} then null else ${counted} end)`)
}

export function asSet(at: Compiling, expr: Expr): SqlSet {
  const value = at.value(at, expr)
  if (value.shape !== 'set') throw new Untranslatable('this is no set in SQL', expr.span)
  return value
}

/** One member, as a row of the set's query. */
export function memberOf({ of }: SqlSet, row: string): SqlValue {
  const sure = { missing: undefined, fails: undefined }
  if (of.kind === 'entity') {
    const [only] = of.types
    const typed = of.types.length === 1 && only !== undefined ? { only } : {}
    return { shape: 'entity', sql: `${row}.v`, typeSql: `${row}.k`, ...typed, ...sure }
  }
  if (of.kind === 'set') throw new Untranslatable('members that are sets')
  if (of.kind === 'record' || of.kind === 'map') return { shape: 'json', sql: `${row}.v`, type: of, ...sure }
  return { ...sureScalar(`${row}.v`) }
}

function construct(at: Compiling, expr: Node<'construct'>): SqlValue {
  if (!expr.items || expr.type.kind !== 'set')
    throw new Untranslatable('a record is put together from what is listed', expr.span)
  const items = expr.items.map((item) => at.value(at, item))
  const of: Type = expr.type.of
  const isLossy = items.some((item) => (item.shape === 'entity' || item.shape === 'scalar') && item.isAlien)
  const rows = items.map((item) => {
    if (item.shape === 'entity') return item.isAlien ? undefined : `select ${evenly(item)} as v, ${typeOf(item)} as k`
    if (item.shape === 'scalar') return item.isAlien ? undefined : `select ${evenly(item)} as v`
    throw new Untranslatable('a set of sets or records', expr.span)
  })
  const fails = eitherOf(...items.map((item) => item.fails))
  const held = rows.filter((row) => row !== undefined)
  // An absent member is none.
  const guard = fails === undefined ? '' : ` and not ${fails}`
  const united =
    held.length === 0 ? undefined : `select * from (${held.join(' union ')}) s where s.v is not null${guard}`
  return {
    shape: 'set',
    rows: united ?? emptyRows(of),
    of,
    missing: fails,
    fails,
    isVoid: items.length === 0,
    isLossy,
  }
}
