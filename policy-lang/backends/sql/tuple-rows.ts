import type { Holder } from '../../ir/program.ts'
import { bindValue, opaqueValue } from './bind-value.ts'
import { choice } from './compile-value.ts'
import { decodeValue } from './decode.ts'
import { nothing } from './read-attribute.ts'
import { isGroup, type Pair, pairOf } from './relation-graph.ts'
import { quoted } from './sql-source.ts'
import { type Compiling, type EntityLike, joinSql, type SqlValue, Untranslatable } from './sql-value.ts'

/** One way in which a stored tuple may lead to a holder; `is` says which rows it is about and is never NULL. */
export type TupleWay = {
  readonly is: string
  /** Does the tuple itself hold: its condition, three-valued. */
  readonly edge: string
  /** The subject is it; undefined: never. */
  readonly same: string | undefined
  /** Holders of this relation of the tuple's subject. */
  readonly pair: Pair | undefined
  /** The type of the subject, where the tuple names an entity and no relation of it: the way a path goes on. */
  readonly direct?: string
}

/** `from … where` of the tuples of one relation of one object that have not ended (half-open, SPEC 3.8). */
export function tuplesFrom(at: Compiling, object: Pick<EntityLike, 'sql'>, pair: Pair, row: string): string {
  const { tuples, tenantId } = at.source
  if (!tuples) throw new Untranslatable(`tuples of ${pair.relation} are not in this database`)
  const { bind } = at.bindings
  const justAfter = new Date(at.now + 1).toISOString()
  return `${quoted(tuples.table)} ${row} where ${row}.tenant_id = ${bind(tenantId, 'text')} and ${row}.resource_type = ${bind(pair.type, 'text')} and ${row}.resource_id = ${object.sql} and ${row}.relation = ${bind(pair.relation, 'text')} and (${row}.until is null or ${row}.until >= ${bind(justAfter, 'timestamptz')})`
}

/** What the declared holders make of a row; a stored tuple that none allows does not count (SPEC 3.6). */
export function waysOf(
  at: Compiling,
  holders: readonly Holder[],
  row: string,
  subject: EntityLike,
): readonly TupleWay[] {
  return holders.flatMap((holder) => {
    const { bind } = at.bindings
    const named =
      holder.condition === undefined
        ? `${row}.condition_name is null`
        : `${row}.condition_name is not distinct from ${bind(holder.condition, 'text')}`
    const edge = holder.condition === undefined ? 'true' : conditionOf(at, holder.condition, row)
    const of = (...parts: string[]) => `(${[...parts, named].join(' and ')})`
    if (holder.kind === 'anyone') return [{ is: of(`${row}.subject_type = '*'`), edge, same: 'true', pair: undefined }]
    const type = bind(holder.type ?? '', 'text')
    const isType = `${row}.subject_type = ${type}`
    if (holder.kind === 'anyOf') {
      const same = isOfType(at, subject, holder.type ?? '')
      return [{ is: of(isType, `${row}.subject_id = '*'`), edge, same, pair: undefined }]
    }
    const isOne = `${row}.subject_id <> '*'`
    const pair = pairOf(at.program, holder)
    const through = (relation: string): TupleWay => ({
      is: of(isType, isOne, `${row}.subject_relation = ${bind(relation, 'text')}`),
      edge,
      same: undefined,
      pair: { type: holder.type ?? '', relation },
    })
    if (holder.kind === 'userset') return [through(holder.relation ?? '')]
    const same = isSame(at, subject, holder.type ?? '', `${row}.subject_id`)
    const direct: TupleWay = {
      is: of(isType, isOne, `${row}.subject_relation = ''`),
      edge,
      same,
      pair,
      ...(holder.type !== undefined && { direct: holder.type }),
    }
    return isGroup(at.program, holder.type ?? '') ? [direct, through('member')] : [direct]
  })
}

export function isSame(at: Compiling, subject: EntityLike, type: string, id: string): string {
  if (subject.isAlien || (subject.only !== undefined && subject.only !== type)) return 'false'
  const sameId = `${subject.sql} = ${id}`
  return subject.only === undefined
    ? `(${sameId} and ${subject.typeSql} = ${at.bindings.bind(type, 'text')})`
    : `(${sameId})`
}

const isOfType = (at: Compiling, subject: EntityLike, type: string): string =>
  subject.only === undefined
    ? `(${subject.typeSql} = ${at.bindings.bind(type, 'text')})`
    : String(subject.only === type)

/** The condition of a tuple: its parameters come from the tuple, else from context; in neither, E (SPEC 3.3, 5.8). */
function conditionOf(at: Compiling, name: string, row: string): string {
  const condition = at.condition(name)
  if (!condition) return 'null::boolean'
  const locals = new Map<string, SqlValue>()
  for (const param of condition.params) {
    const stored = `(${row}.condition_context -> ${at.bindings.bind(param.name, 'text')})`
    const isStored = `coalesce(jsonb_typeof(${stored}) <> 'null', false)`
    const own = decodeValue({ sql: stored, kind: 'jsonb', isColumn: false }, param.type, at.bindings)
    const asked =
      param.context !== undefined
        ? bindValue(at, param.context, param.type)
        : at.isOpaque
          ? opaqueValue(at, param.type)
          : nothing(param.type)
    const value = choice(isStored, own, asked)
    locals.set(param.name, param.isOptional ? value : { ...value, fails: value.missing })
  }
  return at.truth({ ...at, locals, settled: condition.settled }, condition.expr, 'exact')
}

/** A tuple's truth for the subject, three-valued: the way it is of, its condition, and whom it leads to. */
export function tupleTruth(ways: readonly TupleWay[], through: (pair: Pair) => string): string {
  const cases = ways.map(({ is, edge, same, pair }) => {
    const reach = joinSql('or', [...(same === undefined ? [] : [same]), ...(pair ? [through(pair)] : [])])
    return `when ${is} then ${joinSql('and', [edge, reach])}`
  })
  return cases.length === 0 ? 'false' : `(case ${cases.join(' ')} else false end)`
}
