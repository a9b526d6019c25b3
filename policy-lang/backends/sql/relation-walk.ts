import type { RelationExpr } from '../../ir/program.ts'
import { attributeOfType } from './read-attribute.ts'
import { endTypes, type Pair, pairKey, pairsIn } from './relation-graph.ts'
import type { Holding, holdsExpr, holdsOn, overPath, SqlObject } from './relations.ts'
import { type Compiling, collated, isNull, joinSql, negated, Untranslatable } from './sql-value.ts'
import { tuplesFrom, tupleTruth, waysOf } from './tuple-rows.ts'

/** How the rest of a relation is written: handed in, as it comes back here. */
export type Writers = {
  readonly holdsOn: typeof holdsOn
  readonly overPath: typeof overPath
  readonly holdsExpr: typeof holdsExpr
}
type Walking = {
  readonly who: Holding
  readonly object: SqlObject
  readonly pair: Pair
  readonly knot: readonly Pair[]
}
/** One relation of the knot at a node: true where a `guard` and one of `own` hold, or one of the nodes that `edges` lead to. */
type Part = { readonly own: readonly string[]; readonly edges: readonly string[]; readonly guards: readonly string[] }

/**
 * A relation that depends on itself: the least fixpoint as a recursive query over (entity, relation), which ends on cycles
 * (SPEC 3.7). `e`: something on the way was E, so that whatever is found there is E and not true.
 */
export function walkRelation(at: Compiling, walking: Walking, writers: Writers): string {
  const { object, pair, knot } = walking
  const walk = at.bindings.alias()
  const numbers = new Map(knot.map((each, index) => [pairKey(each), index]))
  const start = numbers.get(pairKey(pair)) ?? 0
  const parts = knot.map((each) => partOf({ at, writers, walking, walk, numbers }, each))
  const steps = parts.flatMap(({ edges, guards }, index) =>
    edges.map((edge) => {
      const guard = joinSql('and', guards)
      const isOpen = guard === 'true' ? '' : ` and (${guard}) is not false`
      const isDoubtful = guard === 'true' ? 's.e' : `(s.e or ${isNull(guard)})`
      return `select s.v, s.p, ${isDoubtful} as e from (${edge}) s where ${walk}.p = ${index}${isOpen}`
    }),
  )
  const cases = parts.map(({ own, guards }, index) => {
    const truth = joinSql('and', [...guards, joinSql('or', own)])
    return `when ${index} then ${truth}`
  })
  const first = `select ${collated(object.sql)}, ${start}, false`
  const onwards = `select ${collated('n.v')}, n.p, ${walk}.e or n.e from ${walk} cross join lateral (${steps.join(' union all ')}) n`
  const found = `case ${walk}.p ${cases.join(' ')} end`
  const verdict = `select case when bool_or(y.b) then true when bool_or(y.b is null) then null else false end from (select (case when ${walk}.e then ${found} and null else ${found} end) as b from ${walk}) y`
  return `(with recursive ${walk}(v, p, e) as (${first} union ${onwards}) ${verdict})`
}

type Splitting = {
  readonly at: Compiling
  readonly writers: Writers
  readonly walking: Walking
  readonly walk: string
  readonly numbers: ReadonlyMap<string, number>
}

function partOf(split: Splitting, pair: Pair): Part {
  const { at, writers, walking, walk, numbers } = split
  const declared = at.program.entityTypes.get(pair.type)?.relations.get(pair.relation)
  const node: SqlObject = { type: pair.type, sql: `${walk}.v` }
  if (declared?.kind === 'computed') return partOfExpr(split, node, declared.body)
  if (!declared) return { own: [], edges: [], guards: [] }
  if (declared.role && !at.source.tuples?.areRolesClosed)
    throw new Untranslatable(`the role "${declared.name}" is worked out in memory`)
  const row = at.bindings.alias()
  const ways = waysOf(at, declared.holders, row, walking.who.subject)
  const from = tuplesFrom(at, node, pair, row)
  const truth = tupleTruth(ways, (next) =>
    numbers.has(pairKey(next))
      ? 'false'
      : writers.holdsOn(at, walking.who, { type: next.type, sql: `${row}.subject_id` }, next.relation, 'exact'),
  )
  const own = `(select case when bool_or(y.b) then true when bool_or(y.b is null) then null else false end from (select ${truth} as b from ${from}) y)`
  const edges = ways.flatMap(({ is, edge, pair: next }) => {
    const number = next && numbers.get(pairKey(next))
    if (number === undefined) return []
    const open = edge === 'true' ? '' : ` and (${edge}) is not false`
    return [
      `select ${row}.subject_id as v, ${number} as p, ${edge === 'true' ? 'false' : isNull(edge)} as e from ${from} and ${is}${open}`,
    ]
  })
  return { own: [own], edges, guards: [] }
}

function partOfExpr(split: Splitting, node: SqlObject, expr: RelationExpr): Part {
  const { at, writers, walking } = split
  if (!isKnotted(split, node.type, expr)) {
    return { own: [writers.holdsExpr(at, walking.who, node, expr, 'exact')], edges: [], guards: [] }
  }
  switch (expr.kind) {
    case 'or': {
      const [left, right] = [partOfExpr(split, node, expr.left), partOfExpr(split, node, expr.right)]
      if (left.guards.length + right.guards.length > 0) {
        throw new Untranslatable('a relation that comes back to itself under `and` or `minus` beside another way')
      }
      return { own: [...left.own, ...right.own], edges: [...left.edges, ...right.edges], guards: [] }
    }
    case 'and': {
      const [inner, other] = isKnotted(split, node.type, expr.left) ? [expr.left, expr.right] : [expr.right, expr.left]
      if (isKnotted(split, node.type, other)) throw new Untranslatable('a relation that needs itself twice')
      const part = partOfExpr(split, node, inner)
      return { ...part, guards: [...part.guards, writers.holdsExpr(at, walking.who, node, other, 'exact')] }
    }
    case 'minus': {
      const part = partOfExpr(split, node, expr.left)
      return {
        ...part,
        guards: [...part.guards, negated(writers.holdsExpr(at, walking.who, node, expr.right, 'exact'))],
      }
    }
    case 'step':
      return partOfStep(split, node, expr)
  }
}

const isKnotted = ({ at, numbers }: Splitting, type: string, expr: RelationExpr): boolean =>
  pairsIn(at.program, type, expr).some((pair) => numbers.has(pairKey(pair)))

function partOfStep(split: Splitting, node: SqlObject, expr: RelationExpr & { readonly kind: 'step' }): Part {
  const { at, writers, walking, numbers } = split
  const { path, relation } = expr
  // Ends outside the knot, and the E of a link that is missing on the way.
  const own = writers.overPath(at, node, path, 'any', (end) =>
    numbers.has(pairKey({ type: end.type, relation }))
      ? 'false'
      : writers.holdsOn(at, walking.who, end, relation, 'exact'),
  )
  const edges = endTypes(at.program, node.type, path).flatMap((type) => {
    const number = numbers.get(pairKey({ type, relation }))
    return number === undefined
      ? []
      : pathRows(split, node, path)
          .filter((rows) => rows.type === type)
          .map((rows) => `select ${rows.v} as v, ${number} as p, ${rows.e} as e${rows.from}`)
  })
  return { own: path.length === 0 ? [] : [own], edges, guards: [] }
}

/** Ends of a path as rows: the chain of `from` items, the end's id, and whether the way there is doubtful. */
type Rows = { readonly type: string; readonly from: string; readonly v: string; readonly e: string }

function pathRows(split: Splitting, node: SqlObject, path: readonly string[]): readonly Rows[] {
  const { at } = split
  let ends: readonly Rows[] = [{ type: node.type, from: '', v: node.sql, e: 'false' }]
  for (const name of path) ends = ends.flatMap((end) => stepRows(at, end, name))
  return ends
}

function stepRows(at: Compiling, end: Rows, name: string): readonly Rows[] {
  const type = at.program.entityTypes.get(end.type)
  const attribute = type?.attributes.get(name)
  const joined = (row: string, rows: string): string =>
    end.from === '' ? ` from (${rows}) ${row}` : `${end.from} cross join lateral (${rows}) ${row}`
  if (attribute) {
    const value = attributeOfType(at, { sql: end.v }, end.type, attribute)
    if (value.shape !== 'entity' && !(value.shape === 'set' && value.of.kind === 'entity')) return []
    const rows = value.shape === 'set' ? value.rows : `select ${value.sql} as v, ${value.typeSql} as k`
    return endTypes(at.program, end.type, [name]).map((next) => {
      const row = at.bindings.alias()
      const kind = at.bindings.bind(next, 'text')
      return {
        type: next,
        from: joined(row, `select * from (${rows}) s where s.v is not null and s.k = ${kind}`),
        v: `${row}.v`,
        e: end.e,
      }
    })
  }
  const relation = type?.relations.get(name)
  if (relation?.kind !== 'stored') return []
  const tuple = at.bindings.alias()
  const nobody = { sql: 'null::text', typeSql: 'null::text' }
  return waysOf(at, relation.holders, tuple, nobody).flatMap(({ is, edge, direct }) => {
    if (direct === undefined) return []
    const row = at.bindings.alias()
    const from = tuplesFrom(at, { sql: end.v }, { type: end.type, relation: name }, tuple)
    const rows = `select ${tuple}.subject_id as v, ${edge === 'true' ? 'false' : isNull(edge)} as e from ${from} and ${is} and (${edge}) is not false`
    return [{ type: direct, from: joined(row, rows), v: `${row}.v`, e: joinSql('or', [end.e, `${row}.e`]) }]
  })
}
