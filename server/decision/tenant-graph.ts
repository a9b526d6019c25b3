import { createHash } from 'node:crypto'
import type { Database, Statement } from '../../adapters/database/port.ts'
import { createEntityStore, type EntityStore, type Program } from '../../policy-lang/index.ts'
import type { Change } from '../events/change.ts'
import { bareTupleOf, type TupleRow, tupleOf, typedTuple } from '../relations/tuple-row.ts'
import { type EntityRow, putEntityRow, type RowReading } from './entity-row.ts'
import { type Loading, loadFacts } from './load-facts.ts'
import {
  holderKey,
  noRoles,
  putClosure,
  putPermissions,
  readRoles,
  type TenantRoles,
  takeBack,
} from './tenant-roles.ts'

/**
 * Tuples, role assignments with their closure, and entities of tenant-declared types, in memory for one tenant and one schema.
 * `apply` reads again what changes name; nothing is ever computed from the change itself, so a repeated or late one is harmless.
 */
export type TenantGraph = {
  readonly store: EntityStore
  load(): Promise<void>
  apply(changes: readonly Change[]): Promise<void>
}

/** Programs of the same schema share a graph. */
export const schemaOf = (program: Program): string => {
  const types = [...program.entityTypes.values()].map(({ name, attributes, relations }) => [
    name,
    [...attributes.values()],
    [...relations.values()],
  ])
  const text = JSON.stringify(
    [types, [...program.tupleConditions.values()].map(({ name, params }) => [name, params])],
    (_, value) => (typeof value === 'bigint' ? `${value}n` : value),
  )
  return createHash('sha256').update(text).digest('base64')
}

export function createTenantGraph(
  database: Database,
  tenantId: string,
  program: Program,
  hears: Partial<Pick<RowReading, 'refused'>> & { readonly loads?: () => Loading } = {},
): TenantGraph {
  const reading = { program, refused: hears.refused ?? ignore }
  const loads = hears.loads ?? (() => ({ progress: ignore, done: ignore }))
  const state: State = { database, tenantId, reading, store: createEntityStore(program), roles: noRoles(program) }
  const graph = {
    get store() {
      return state.store
    },
    async load() {
      // A fresh store is filled and then put in place whole: decisions meanwhile use the old one.
      const { store, roles } = await loadFacts(database, tenantId, reading, loads())
      state.store = store
      state.roles = roles
    },
    async apply(changes: readonly Change[]) {
      if (changes.some(({ kind }) => kind === 'everything')) return graph.load()
      // ORDER: everything is read before anything is put, so that no decision sees half of a transaction.
      const puts: Put[] = []
      const roles = changes.some(movesRoles) ? await readRoles(database, tenantId, program) : state.roles
      if (roles !== state.roles) puts.push(await readAssignments(state, roles))
      puts.push(...(await readTuples(state, roles, changes)), await readEntities(state, changes))
      for (const put of puts) put()
    },
  }
  return graph
}

const ignore = (): void => undefined

type State = {
  readonly database: Database
  readonly tenantId: string
  readonly reading: RowReading
  store: EntityStore
  roles: TenantRoles
}
type Put = () => void

/** Sub-organizations inherit assignments: where one moves, so may what anyone holds. */
const movesRoles = (change: Change): boolean =>
  change.kind === 'role' || (change.kind === 'entity' && change.entity.type === 'Organization')

/** All that is held through roles, and nothing else: a tenant's other tuples may be millions. */
async function readAssignments(state: State, roles: TenantRoles): Promise<Put> {
  const { database, tenantId, reading } = state
  const before = state.roles
  // A relation that has become a role, or is none any more, changes what its tuples mean.
  const relations = JSON.stringify([...before.relations, ...roles.relations])
  const rows = await database.query<TupleRow>(selectTuplesOfRelations, [tenantId, relations])
  const tuples = rows.map((row) => typedTuple(reading.program, tupleOf(row)))
  return () => {
    const { store } = state
    for (const holder of [...before.derived.keys()]) takeBack(store, before, holder)
    for (const tuple of tuples) store.removeTuple(tuple)
    for (const tuple of tuples) if (!roles.isAssignment(tuple)) store.putTuple(tuple)
    putClosure(
      store,
      roles,
      tuples.filter((tuple) => roles.isAssignment(tuple)),
    )
    putPermissions(store, roles, before)
    state.roles = roles
  }
}

async function readTuples(state: State, roles: TenantRoles, changes: readonly Change[]): Promise<readonly Put[]> {
  const { database, tenantId, reading } = state
  const { program } = reading
  const named = changes.filter((change) => change.kind === 'relation')
  const isRole = (change: (typeof named)[number]) =>
    roles.isAssignment({ resource: entityOf(change.resource), relation: change.relation })
  const keys = named.filter((change) => !isRole(change)).map(tupleColumns)
  const rows =
    keys.length > 0 ? await database.query<TupleRow>(selectNamedTuples, [tenantId, JSON.stringify(keys)]) : []
  const puts: Put[] = [
    () => {
      for (const key of keys) state.store.removeTuple(bareTupleOf(key))
      for (const row of rows) state.store.putTuple(typedTuple(program, tupleOf(row)))
    },
  ]
  const holders = new Map(
    named.filter(isRole).map((change) => [holderKey(bareTupleOf(tupleColumns(change)).subject), change.subject]),
  )
  for (const [holder, { type, id }] of holders) {
    const held = await database.query<TupleRow>(selectTuplesOfSubject, [tenantId, type, id])
    const assignments = held
      .map((row) => typedTuple(program, tupleOf(row)))
      .filter((tuple) => roles.isAssignment(tuple))
    puts.push(() => {
      takeBack(state.store, roles, holder)
      putClosure(state.store, roles, assignments)
    })
  }
  return puts
}

async function readEntities(state: State, changes: readonly Change[]): Promise<Put> {
  const named = changes.flatMap((change) => (change.kind === 'entity' ? [change.entity] : []))
  if (named.length === 0) return ignore
  const rows = await state.database.query<EntityRow>(selectNamedEntities, [state.tenantId, JSON.stringify(named)])
  const found = new Set(rows.map(({ type, id }) => JSON.stringify([type, id])))
  return () => {
    for (const entity of named) {
      if (!found.has(JSON.stringify([entity.type, entity.id]))) state.store.removeEntity(entityOf(entity))
    }
    for (const row of rows) putEntityRow(state.store, row, state.reading)
  }
}

const entityOf = ({ type, id }: { readonly type: string; readonly id: string }) =>
  ({ kind: 'entity', type, id }) as const

const tupleColumns = (change: Extract<Change, { kind: 'relation' }>) => ({
  resource_type: change.resource.type,
  resource_id: change.resource.id,
  relation: change.relation,
  subject_type: change.subject.type,
  subject_id: change.subject.id,
  subject_relation: change.subject.relation ?? '',
  until: null,
})

const selectNamedTuples: Statement = {
  name: 'graph-named-tuples',
  text: `
select r.resource_type, r.resource_id, r.relation, r.subject_type, r.subject_id, r.subject_relation, r.until, r.reason,
  r.condition_name, r.condition_context::text
from jsonb_to_recordset($2::jsonb) as k(resource_type text, resource_id text, relation text, subject_type text, subject_id text, subject_relation text)
join relation r using (resource_type, resource_id, relation, subject_type, subject_id, subject_relation) where r.tenant_id = $1`,
}
const selectTuplesOfRelations: Statement = {
  name: 'graph-tuples-of-relations',
  text: `
select r.resource_type, r.resource_id, r.relation, r.subject_type, r.subject_id, r.subject_relation, r.until, r.reason,
  r.condition_name, r.condition_context::text
from relation r where r.tenant_id = $1
  and (r.resource_type, r.relation) in (select type, relation from jsonb_to_recordset($2::jsonb) as k(type text, relation text))`,
}
const selectTuplesOfSubject: Statement = {
  name: 'graph-tuples-of-subject',
  text: `
select resource_type, resource_id, relation, subject_type, subject_id, subject_relation, until, reason, condition_name,
  condition_context::text
from relation where tenant_id = $1 and subject_type = $2 and subject_id = $3`,
}
const selectNamedEntities: Statement = {
  name: 'graph-named-entities',
  text: `
select e.type, e.id, e.attributes::text as attributes
from jsonb_to_recordset($2::jsonb) as k(type text, id text) join entity e using (type, id) where e.tenant_id = $1`,
}
