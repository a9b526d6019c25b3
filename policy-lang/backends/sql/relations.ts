import { equalValues } from '../../builtins/equal-values.ts'
import type { Expr } from '../../ir/nodes.ts'
import type { AttributeType, RelationExpr, RelationType } from '../../ir/program.ts'
import { isEntityOfColumn } from './column-compare.ts'
import { hangs } from './compile-value.ts'
import { attributeOfType } from './read-attribute.ts'
import { knotOf, type Pair } from './relation-graph.ts'
import { walkRelation } from './relation-walk.ts'
import {
  anyRow,
  type Compiling,
  everyRow,
  type HeldIds,
  joinSql,
  type Mode,
  negated,
  type SqlEntity,
  strictly,
  Untranslatable,
  unholdable,
} from './sql-value.ts'
import { tuplesFrom, tupleTruth, waysOf } from './tuple-rows.ts'

/** An entity of one known type. */
export type SqlObject = { readonly type: string; readonly sql: string; readonly row?: string }

/** `subject` holds a relation of `of` (SPEC 3.6): false where one of them is absent. */
export function holdsRelation(at: Compiling, expr: Expr & { readonly kind: 'holds' }, mode: Mode): string {
  const [subject, of] = [at.value(at, expr.subject), at.value(at, expr.of)]
  if (subject.shape !== 'entity' || of.shape !== 'entity')
    throw new Untranslatable('a relation of no entity', expr.span)
  // What hangs on attributes of something that has no row may be E.
  if (of.isAlien) throw new Untranslatable(unholdable, expr.span)
  const isAsker = at.isOpaque
    ? !hangs(at, expr.subject)
    : expr.subject.kind === 'literal' && at.subject !== undefined && equalValues(expr.subject.value, at.subject)
  try {
    const sql = byType(at, of, typesOf(at, of, expr.of), (object) =>
      holdsOn(at, { subject, isAsker }, object, expr.relation, mode),
    )
    const there = [subject.missing, of.missing].filter((part) => part !== undefined).map(negated)
    return strictly([subject, of], joinSql('and', [...there, sql]), mode, false)
  } catch (error) {
    if (error instanceof Untranslatable && !error.span) throw new Untranslatable(error.message, expr.span)
    throw error
  }
}

/** `permitted of x`: roles are closed in memory, so it is ids that are bound. */
export function holdsPermitted(at: Compiling, expr: Expr & { readonly kind: 'permitted' }, mode: Mode): string {
  const of = at.value(at, expr.of)
  if (of.shape !== 'entity') throw new Untranslatable('a permission at no entity', expr.span)
  if (of.isAlien) throw new Untranslatable(unholdable, expr.span)
  const sql = byType(at, of, typesOf(at, of, expr.of), (object) => {
    const held = at.permitted?.(object.type)
    if (!held)
      throw new Untranslatable('who is permitted cannot be said in SQL: roles are worked out in memory', expr.span)
    return isOneOf(at, object.sql, held, mode)
  })
  const there = of.missing === undefined ? [] : [negated(of.missing)]
  return strictly([of], joinSql('and', [...there, sql]), mode, false)
}

const typesOf = (at: Compiling, of: SqlEntity, { type }: Expr): readonly string[] =>
  of.only !== undefined
    ? [of.only]
    : type.kind === 'entity' && type.types.length > 0
      ? type.types
      : [...at.program.entityTypes.keys()]

function byType(at: Compiling, of: SqlEntity, types: readonly string[], write: (object: SqlObject) => string): string {
  if (of.only !== undefined) {
    return write({ type: of.only, sql: of.sql, ...(of.row !== undefined && { row: of.row }) })
  }
  const cases = types.flatMap((type) => {
    const sql = write({ type, sql: of.sql })
    return sql === 'false' ? [] : [`when ${at.bindings.bind(type, 'text')} then ${sql}`]
  })
  return cases.length === 0 ? 'false' : `(case ${of.typeSql} ${cases.join(' ')} else false end)`
}

/** Of all ids these, and of those others it is not known. */
function isOneOf(at: Compiling, id: string, { holds, fails }: HeldIds, mode: Mode): string {
  const among = (ids: readonly string[]) => `(${id} = any(${at.bindings.bind(ids, 'text[]')}))`
  if (mode === 'true' || fails.length === 0) return holds.length === 0 && !at.isOpaque ? 'false' : among(holds)
  return `(case when ${among(holds)} then true when ${among(fails)} then null else false end)`
}

/** Who asks. `isAsker`: the subject of the request itself, of whom memory knows what it holds. */
export type Holding = { readonly subject: SqlEntity; readonly isAsker: boolean }

export function holdsOn(at: Compiling, who: Holding, object: SqlObject, relation: string, mode: Mode): string {
  const type = at.program.entityTypes.get(object.type)
  const attribute = type?.attributes.get(relation)
  if (attribute) return isAttribute(at, who, object, attribute, mode)
  const declared = type?.relations.get(relation)
  // A role that exists only as data never matches a rule by accident (SPEC 3.9).
  if (!declared) return 'false'
  const held = who.isAsker ? at.held?.(relation, object.type) : undefined
  if (held) return isOneOf(at, object.sql, held, mode)
  const pair = { type: object.type, relation }
  const knot = knotOf(at.program, pair)
  if (knot.length > 0) return walkRelation(at, { who, object, pair, knot }, { holdsOn, overPath, holdsExpr })
  if (declared.kind === 'computed') return holdsExpr(at, who, object, declared.body, mode)
  return isStored(at, who, object, declared, mode)
}

/** The attribute is the subject, or a set with it; a required one that is missing is E (SPEC 5.5). */
function isAttribute(at: Compiling, who: Holding, object: SqlObject, attribute: AttributeType, mode: Mode): string {
  const value = attributeOfType(at, object, object.type, attribute)
  const { subject } = who
  const otherwise = attribute.optional ? 'false' : 'null'
  const guarded = (sql: string) =>
    mode === 'true' || value.missing === undefined
      ? sql
      : `(case when ${value.missing} then ${otherwise} else ${sql} end)`
  if (value.shape === 'entity') {
    if (subject.isAlien) return guarded('false')
    if (subject.only !== undefined && value.only !== undefined && subject.only !== value.only) return guarded('false')
    const byColumn = isEntityOfColumn(at, value, subject, mode)
    if (byColumn !== undefined) return byColumn
    const sameType =
      subject.only !== undefined && value.only !== undefined ? '' : ` and ${value.typeSql} = ${subject.typeSql}`
    return guarded(`(${value.sql} = ${subject.sql}${sameType})`)
  }
  if (value.shape !== 'set' || value.of.kind !== 'entity') return 'false'
  if (subject.isAlien) return guarded('false')
  const row = at.bindings.alias()
  return guarded(
    `exists (select 1 from (${value.rows}) ${row} where ${row}.v = ${subject.sql} and ${row}.k = ${subject.typeSql})`,
  )
}

function isStored(
  at: Compiling,
  who: Holding,
  object: SqlObject,
  declared: RelationType & { readonly kind: 'stored' },
  mode: Mode,
): string {
  refuseOpenRole(at, declared)
  const row = at.bindings.alias()
  const ways = waysOf(at, declared.holders, row, who.subject)
  const truth = tupleTruth(ways, (pair) =>
    holdsOn(at, who, { type: pair.type, sql: `${row}.subject_id` }, pair.relation, mode),
  )
  const from = tuplesFrom(at, object, { type: object.type, relation: declared.name }, row)
  return mode === 'true' ? `exists (select 1 from ${from} and ${truth})` : anyRow(`select ${truth} as b from ${from}`)
}

/** Assignments in the table are not closed over inheritance and organizations: memory closes them. */
export function refuseOpenRole(at: Compiling, declared: RelationType & { readonly kind: 'stored' }): void {
  if (!declared.role || at.source.tuples?.areRolesClosed) return
  throw new Untranslatable(
    `who has the role "${declared.name}" is worked out in memory, for the subject of the request only`,
  )
}

export function holdsExpr(at: Compiling, who: Holding, object: SqlObject, expr: RelationExpr, mode: Mode): string {
  switch (expr.kind) {
    case 'or':
    case 'and':
      return joinSql(expr.kind, [
        holdsExpr(at, who, object, expr.left, mode),
        holdsExpr(at, who, object, expr.right, mode),
      ])
    case 'minus':
      return joinSql('and', [
        holdsExpr(at, who, object, expr.left, mode),
        negated(holdsExpr(at, who, object, expr.right, 'exact')),
      ])
    case 'step': {
      const at_ = (end: SqlObject) => holdsOn(at, who, end, expr.relation, expr.all ? 'exact' : mode)
      if (expr.path.length === 0) return at_(object)
      if (!expr.all) return overPath(at, object, expr.path, 'any', at_)
      const some = overPath(at, object, expr.path, 'any', () => 'true')
      return joinSql('and', [some, overPath(at, object, expr.path, 'all', at_)])
    }
  }
}

/**
 * `any` or `all` of the ends of a path. An absent optional link has no end; a required one that is missing is E, as is the
 * condition of a tuple on the way (SPEC 3.7).
 */
export function overPath(
  at: Compiling,
  object: SqlObject,
  path: readonly string[],
  how: 'any' | 'all',
  write: (end: SqlObject) => string,
): string {
  const [name, ...rest] = path
  if (name === undefined) return write(object)
  const onwards = (end: SqlObject) => overPath(at, end, rest, how, write)
  const none = how === 'any' ? 'false' : 'true'
  const type = at.program.entityTypes.get(object.type)
  const attribute = type?.attributes.get(name)
  if (attribute) return overAttribute(at, object, attribute, how, onwards)
  const relation = type?.relations.get(name)
  if (relation?.kind !== 'stored') return none
  refuseOpenRole(at, relation)
  const row = at.bindings.alias()
  const nobody = { sql: 'null::text', typeSql: 'null::text' }
  const cases = waysOf(at, relation.holders, row, nobody).flatMap(({ is, edge, direct }) => {
    if (direct === undefined) return []
    const then = onwards({ type: direct, sql: `${row}.subject_id` })
    return [`when ${is} then ${how === 'any' ? joinSql('and', [edge, then]) : joinSql('or', [negated(edge), then])}`]
  })
  if (cases.length === 0) return none
  const rows = `select case ${cases.join(' ')} else ${none} end as b from ${tuplesFrom(at, object, pairOf(object, name), row)}`
  return how === 'any' ? anyRow(rows) : everyRow(rows)
}

const pairOf = ({ type }: SqlObject, relation: string): Pair => ({ type, relation })

function overAttribute(
  at: Compiling,
  object: SqlObject,
  attribute: AttributeType,
  how: 'any' | 'all',
  onwards: (end: SqlObject) => string,
): string {
  const none = how === 'any' ? 'false' : 'true'
  const value = attributeOfType(at, object, object.type, attribute)
  const otherwise = attribute.optional ? none : 'null'
  const row = at.bindings.alias()
  if (value.shape === 'set' && value.of.kind === 'entity') {
    const end: SqlEntity = {
      shape: 'entity',
      sql: `${row}.v`,
      typeSql: `${row}.k`,
      missing: undefined,
      fails: undefined,
      ...onlyOf(value.of.types),
    }
    const rows = `select ${byType(at, end, value.of.types, onwards)} as b from (${value.rows}) ${row}`
    const all = how === 'any' ? anyRow(rows) : everyRow(rows)
    return value.missing === undefined ? all : `(case when ${value.missing} then ${otherwise} else ${all} end)`
  }
  if (value.shape !== 'entity' || attribute.type.kind !== 'entity') return none
  // One row, so that a long path is not written out for each place that reads it.
  const end: SqlEntity = {
    ...value,
    sql: `${row}.v`,
    typeSql: value.only === undefined ? `${row}.k` : value.typeSql,
    missing: undefined,
  }
  const then = byType(at, end, attribute.type.types, onwards)
  return `(select case when ${row}.v is null then ${otherwise} else ${then} end from (select ${value.sql} as v, ${value.typeSql} as k) ${row})`
}

const onlyOf = (types: readonly string[]): { readonly only?: string } => {
  const [only] = types
  return types.length === 1 && only !== undefined ? { only } : {}
}
