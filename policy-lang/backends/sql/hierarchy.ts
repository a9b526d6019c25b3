import type { Expr } from '../../ir/nodes.ts'
import { hangs } from './compile-value.ts'
import { attributeOfType } from './read-attribute.ts'
import {
  type Compiling,
  collated,
  type Mode,
  type SqlEntity,
  type SqlValue,
  strictly,
  Untranslatable,
  unholdable,
  wholeSetOf,
} from './sql-value.ts'

/**
 * `left in right` over links (SPEC 4.10): the line above `left` is walked by a recursive query. One that is reached decides;
 * else a required link that it, or anything above it, lacks is E (SPEC 5.5).
 */
export function isWithin(at: Compiling, expr: Expr & { readonly kind: 'in' }, mode: Mode): string {
  const [left, right] = [at.value(at, expr.left), at.value(at, expr.right)]
  if (left.shape !== 'entity') throw new Untranslatable('a hierarchy of what is no entity', expr.span)
  if (left.isAlien) throw new Untranslatable(unholdable, expr.span)
  if (right.shape === 'set') wholeSetOf(right, expr.span)
  const near = mode === 'true' && !hangs(at, expr.right) ? nearConstant(at, left, right) : undefined
  if (near) return near
  const row = at.bindings.alias()
  const line = lineAbove(at, left, row)
  const isTop = reached(right, row)
  const found = `exists (select 1 from ${row} where ${isTop})`
  const missing = mode === 'exact' ? missingAbove(at, row, line.types) : undefined
  // ORDER: nothing is below no entity at all: `in []` is false whatever is missing.
  const guard = right.shape === 'set' ? `exists (${right.rows}) and ` : ''
  const verdict = missing
    ? `case when ${found} then true when ${guard}exists (select 1 from ${row} where ${missing}) then null else false end`
    : found
  return strictly([left, right], `(with recursive ${row}(v, k) as (${line.sql}) select ${verdict})`, mode, false)
}

function reached(right: SqlValue, row: string): string {
  if (right.shape === 'entity')
    return right.isAlien ? 'false' : `${row}.v = ${right.sql} and ${row}.k = ${right.typeSql}`
  if (right.shape !== 'set') throw new Untranslatable('a hierarchy under what is no entity')
  return `(${row}.v, ${row}.k) in (select s.v, s.k from (${right.rows}) s)`
}

/** Types that links may lead to from `types`, themselves included. */
function typesAbove(at: Compiling, types: readonly string[]): readonly string[] {
  const found = new Set(types)
  for (const type of found) {
    for (const { link, type: of } of at.program.entityTypes.get(type)?.attributes.values() ?? []) {
      const target = of.kind === 'set' ? of.of : of
      if (link && target.kind === 'entity') for (const each of target.types) found.add(each)
    }
  }
  return [...found]
}

function lineAbove(
  at: Compiling,
  from: SqlEntity,
  walk: string,
): { readonly sql: string; readonly types: readonly string[] } {
  const start = from.only === undefined ? [...at.program.entityTypes.keys()] : [from.only]
  const types = typesAbove(at, start)
  const row = at.bindings.alias()
  const steps = types.flatMap((type) => linksOf(at, type, row))
  const first = `select ${collated(from.sql)}, ${collated(from.typeSql)} where ${from.sql} is not null`
  if (steps.length === 0) return { sql: first, types }
  return {
    sql: `${first} union select ${collated('n.v')}, ${collated('n.k')} from ${walk} ${row} cross join lateral (${steps.join(' union all ')}) n`,
    types,
  }
}

function linksOf(at: Compiling, type: string, row: string): readonly string[] {
  const kind = at.bindings.bind(type, 'text')
  return [...(at.program.entityTypes.get(type)?.attributes.values() ?? [])].flatMap((attribute) => {
    if (!attribute.link) return []
    const parent = attributeOfType(at, { sql: `${row}.v` }, type, attribute)
    if (parent.shape === 'set') return [`select s.v, s.k from (${parent.rows}) s where ${row}.k = ${kind}`]
    if (parent.shape !== 'entity') return []
    return [
      `select p.v, p.k from (select ${parent.sql} as v, ${parent.typeSql} as k) p where ${row}.k = ${kind} and p.v is not null`,
    ]
  })
}

function missingAbove(at: Compiling, row: string, types: readonly string[]): string | undefined {
  const parts = types.flatMap((type) => {
    const kind = at.bindings.bind(type, 'text')
    return [...(at.program.entityTypes.get(type)?.attributes.values() ?? [])].flatMap((attribute) => {
      if (!attribute.link || attribute.optional) return []
      const parent = attributeOfType(at, { sql: `${row}.v` }, type, attribute)
      return [`(${row}.k = ${kind} and ${parent.missing ?? 'false'})`]
    })
  })
  return parts.length === 0 ? undefined : `(${parts.join(' or ')})`
}

/**
 * One link straight to a constant, where that link is the whole hierarchy: a plain comparison that an index serves.
 */
function nearConstant(at: Compiling, left: SqlEntity, right: SqlValue): string | undefined {
  if (left.only === undefined || right.shape !== 'entity' || right.only === undefined || right.isAlien) return undefined
  if (left.only === right.only) return undefined
  const links = [...(at.program.entityTypes.get(left.only)?.attributes.values() ?? [])].filter(({ link }) => link)
  const [link] = links
  if (links.length !== 1 || link?.type.kind !== 'entity' || typesAbove(at, [right.only]).length > 1) return undefined
  if (link.type.types.length !== 1 || link.type.types[0] !== right.only) return undefined
  if (linksOf(at, right.only, 'x').length > 0) return undefined
  const parent = attributeOfType(at, left, left.only, link)
  return parent.shape === 'entity' ? `(${parent.sql} = ${right.sql})` : undefined
}
