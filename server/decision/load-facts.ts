import type { Database } from '../../adapters/database/port.ts'
import { createEntityStore, type EntityStore, type Tuple } from '../../policy-lang/index.ts'
import { type TupleRow, tupleOf, typedTuple, wildcard } from '../relations/tuple-row.ts'
import { type EntityRow, putEntityRow, type RowReading } from './entity-row.ts'
import { readBatches } from './read-batches.ts'
import { putClosure, putPermissions, readRoles, type TenantRoles } from './tenant-roles.ts'

export type LoadProgress = { readonly tuples: number; readonly entities: number }
/** Hears of one reading. */
export type Loading = { progress(read: LoadProgress): void; done(read: LoadProgress): void }

/**
 * Everything that a graph is made of, read as it was at one moment into a store of its own, some rows at a time: a tenant with
 * millions is never in memory twice, and others are served meanwhile.
 */
export async function loadFacts(
  database: Database,
  tenantId: string,
  reading: RowReading,
  loading: Loading,
): Promise<{ readonly store: EntityStore; readonly roles: TenantRoles }> {
  const { program } = reading
  const store = createEntityStore(program)
  const read = { tuples: 0, entities: 0 }
  const load = async (): Promise<TenantRoles> => {
    const roles = await readRoles(database, tenantId, program)
    const assignments: Tuple[] = []
    const values = [tenantId]
    for await (const rows of readBatches<HoldersRow>(database, { name: 'graph_holders', text: plainOnes, values })) {
      for (const row of rows) read.tuples += putHoldersRow(store, row, { roles, assignments })
      loading.progress(read)
    }
    for await (const rows of readBatches<TupleRow>(database, { name: 'graph_tuples', text: otherOnes, values })) {
      for (const tuple of rows.map((row) => typedTuple(program, tupleOf(row)))) {
        if (roles.isAssignment(tuple)) assignments.push(tuple)
        else store.putTuple(tuple)
      }
      read.tuples += rows.length
      loading.progress(read)
    }
    putClosure(store, roles, assignments)
    putPermissions(store, roles)
    for await (const rows of readBatches<EntityRow>(database, { name: 'graph_entities', text: entities, values })) {
      for (const row of rows) putEntityRow(store, row, reading)
      read.entities += rows.length
      loading.progress(read)
    }
    return roles
  }
  const roles = await database.transaction(load, oneMoment)
  loading.done(read)
  return { store, roles }
}

/** One snapshot for all; rows in the order of an index, so that the first come at once and none are sorted. */
const oneMoment = { transaction_isolation: 'repeatable read', enable_seqscan: 'off', enable_bitmapscan: 'off' }

/** Subjects of one type that hold one relation of one resource: a JSON list of ids, at most a thousand. */
type HoldersRow = Pick<TupleRow, 'resource_type' | 'resource_id' | 'relation' | 'subject_type'> & {
  readonly subjects: string
}

function putHoldersRow(
  store: EntityStore,
  row: HoldersRow,
  { roles, assignments }: { readonly roles: TenantRoles; readonly assignments: Tuple[] },
): number {
  const { relation, subject_type: subjectType } = row
  const resource = { kind: 'entity', type: row.resource_type, id: row.resource_id } as const
  const subjectIds = JSON.parse(row.subjects) as readonly string[] // json_agg of a text column
  if (!roles.isAssignment({ resource, relation })) store.putHolders({ resource, relation, subjectType, subjectIds })
  else {
    for (const id of subjectIds) {
      assignments.push({
        resource,
        relation,
        subject: { kind: 'one', entity: { kind: 'entity', type: subjectType, id } },
      })
    }
  }
  return subjectIds.length
}

/** Nothing but who holds what. */
const isPlain = `subject_relation = '' and subject_id <> '${wildcard}' and until is null and condition_name is null`
/** In the order of the primary key, so that nothing is sorted; a resource with a million holders comes in pieces. */
const plainOnes = `
select resource_type, resource_id, relation, subject_type, json_agg(subject_id)::text as subjects
from (
  select resource_type, resource_id, relation, subject_type, subject_id,
    (row_number() over (partition by resource_type, resource_id, relation, subject_type) - 1) / 1000 as piece
  from relation where tenant_id = $1 and ${isPlain}
) as holder
group by resource_type, resource_id, relation, subject_type, piece`
const otherOnes = `
select resource_type, resource_id, relation, subject_type, subject_id, subject_relation, until, reason, condition_name,
  condition_context::text
from relation where tenant_id = $1 and not (${isPlain})`
const entities = 'select type, id, attributes::text as attributes from entity where tenant_id = $1'
