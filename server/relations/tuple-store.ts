import type { Database, Statement } from '../../adapters/database/port.ts'
import type { EntityValue, Tuple } from '../../policy-lang/index.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { jsonText } from '../http/write-reply.ts'
import { bareTupleOf, subjectColumns, type TupleRow, tupleOf, type UntypedTuple } from './tuple-row.ts'

/** Which tuples: every member that stands narrows. */
export type TupleFilter = {
  readonly resourceType?: string | undefined
  readonly resourceId?: string | undefined
  readonly relation?: string | undefined
  readonly subjectType?: string | undefined
  readonly subjectId?: string | undefined
  /** Only these (resource type, relation) pairs: role assignments. */
  readonly among?: readonly (readonly [string, string])[]
}
export type StoredTuple = UntypedTuple & { readonly reason?: string }

export type TupleStore = {
  /** Writes or replaces. False if it stood there so already. */
  put(unit: UnitOfWork, tuple: UntypedTuple, reason?: string): Promise<boolean>
  /** False if it did not stand there. */
  remove(unit: UnitOfWork, tuple: TupleName): Promise<boolean>
  /** Also one that has ended: preconditions and applied documents speak of what is stored. */
  find(tuple: TupleName): Promise<StoredTuple | undefined>
  /** In order of the key, after `after` (the key columns of a row). */
  list(filter: TupleFilter, after: readonly string[] | undefined, limit: number): Promise<StoredTuple[]>
  /** Ends with the entity: what names it as resource or subject. Answers how many went. */
  removeAllOf(unit: UnitOfWork, entity: EntityValue): Promise<number>
}

/** Tuples of one tenant (admin.md §7). Changes are made inside `withTransaction`. */
export function createTupleStore(database: Database, tenantId: string): TupleStore {
  return {
    async put(unit, tuple, reason) {
      const { until, condition } = tuple
      const changed = await database.query(putTuple, [
        ...keyValues(tenantId, tuple),
        until === undefined ? null : new Date(until),
        reason ?? null,
        condition?.name ?? null,
        condition ? jsonText(condition.context) : null,
      ])
      if (changed.length > 0) unit.changed(changeOf(tuple))
      return changed.length > 0
    },
    async remove(unit, tuple) {
      const removed = await database.query(deleteTuple, keyValues(tenantId, tuple))
      if (removed.length > 0) unit.changed(changeOf(tuple))
      return removed.length > 0
    },
    async find(tuple) {
      const [row] = await database.query<TupleRow>(findTuple, keyValues(tenantId, tuple))
      return row && storedOf(row)
    },
    async list(filter, after, limit) {
      const query = database
        .table('relation')
        .select([...keyColumns, 'until', 'reason', 'condition_name', database.raw('condition_context::text')])
        .where({ tenant_id: tenantId, ...columnsOf(filter) })
        .orderBy(keyColumns)
        .limit(limit)
      if (filter.among)
        query.whereIn(
          ['resource_type', 'relation'],
          filter.among.map((pair) => [...pair]),
        )
      if (after) query.whereRaw(`(${keyColumns.join(', ')}) > (${keyColumns.map(() => '?').join(', ')})`, [...after])
      const rows: TupleRow[] = await query
      return rows.map(storedOf)
    },
    async removeAllOf(unit, entity) {
      const rows = await database.query<TupleRow>(deleteAllOf, [tenantId, entity.type, entity.id])
      unit.changed(...rows.map((row) => changeOf(bareTupleOf(row))))
      return rows.length
    },
  }
}

const keyColumns = ['resource_type', 'resource_id', 'relation', 'subject_type', 'subject_id', 'subject_relation']

/** What tells one tuple from another. */
export type TupleName = Pick<Tuple, 'resource' | 'relation' | 'subject'>

/** Where a list goes on. */
export function tupleListKey(tuple: TupleName): readonly string[] {
  const { subject_type, subject_id, subject_relation } = subjectColumns(tuple.subject)
  return [tuple.resource.type, tuple.resource.id, tuple.relation, subject_type, subject_id, subject_relation]
}

const keyValues = (tenantId: string, tuple: TupleName): unknown[] => [tenantId, ...tupleListKey(tuple)]

const storedOf = (row: TupleRow): StoredTuple => ({
  ...tupleOf(row),
  ...(row.reason === null ? {} : { reason: row.reason }),
})

function columnsOf(filter: TupleFilter): { readonly [column: string]: string } {
  const columns: readonly (readonly [string, string | undefined])[] = [
    ['resource_type', filter.resourceType],
    ['resource_id', filter.resourceId],
    ['relation', filter.relation],
    ['subject_type', filter.subjectType],
    ['subject_id', filter.subjectId],
  ]
  return Object.fromEntries(columns.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** What nodes keep in memory and read again. */
function changeOf({ resource, relation, subject }: TupleName) {
  const columns = subjectColumns(subject)
  return {
    kind: 'relation',
    resource: { type: resource.type, id: resource.id },
    relation,
    subject: {
      type: columns.subject_type,
      id: columns.subject_id,
      ...(columns.subject_relation === '' ? {} : { relation: columns.subject_relation }),
    },
  } as const
}

const where = `tenant_id = $1 and resource_type = $2 and resource_id = $3 and relation = $4
and subject_type = $5 and subject_id = $6 and subject_relation = $7`

const putTuple: Statement = {
  name: 'tuple-put',
  text: `
insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, subject_relation, until, reason,
  condition_name, condition_context)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::jsonb)
on conflict (tenant_id, resource_type, resource_id, relation, subject_type, subject_id, subject_relation)
do update set until = excluded.until, reason = excluded.reason,
  condition_name = excluded.condition_name, condition_context = excluded.condition_context
where (relation.until, relation.reason, relation.condition_name, relation.condition_context)
  is distinct from (excluded.until, excluded.reason, excluded.condition_name, excluded.condition_context)
returning relation`,
}
const deleteTuple: Statement = { name: 'tuple-delete', text: `delete from relation where ${where} returning relation` }
const findTuple: Statement = {
  name: 'tuple-find',
  text: `select ${keyColumns.join(', ')}, until, reason, condition_name, condition_context::text from relation where ${where}`,
}
const deleteAllOf: Statement = {
  name: 'tuple-delete-all-of',
  text: `
delete from relation where tenant_id = $1
and ((resource_type = $2 and resource_id = $3) or (subject_type = $2 and subject_id = $3))
returning ${keyColumns.join(', ')}, until, reason`,
}
