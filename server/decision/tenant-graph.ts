import { createHash } from 'node:crypto'
import type { Database, Statement } from '../../adapters/database/port.ts'
import {
  createEntityStore,
  type EntityStore,
  type EntityValue,
  type Json,
  type Program,
  parseStrictJson,
  readValue,
  type StoreProblem,
  type Tuple,
  type Value,
} from '../../policy-lang/index.ts'
import type { Change } from '../events/change.ts'
import { roleClosure } from '../rbac/closure.ts'
import { bareTupleOf, type TupleRow, tupleOf, typedTuple } from '../relations/tuple-row.ts'

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
  refused: (problem: StoreProblem) => void = () => undefined,
): TenantGraph {
  let store = createEntityStore(program)
  let roles = emptyRoles()
  const graph = {
    get store() {
      return store
    },
    async load() {
      // A fresh store is filled and then put in place whole: decisions meanwhile use the old one.
      const fresh = createEntityStore(program)
      const known = await readRoles(database, tenantId)
      const rows = await database.query<TupleRow>(selectTuples, [tenantId])
      const tuples = rows.map((row) => typedTuple(program, tupleOf(row)))
      for (const tuple of tuples) if (!known.isAssignment(tuple, program)) fresh.putTuple(tuple)
      putClosure(
        fresh,
        known,
        tuples.filter((tuple) => known.isAssignment(tuple, program)),
      )
      for (const role of known.rows) fresh.putRolePermissions(role.scopeType, role.name, role.permissions)
      for (const row of await database.query<EntityRow>(selectEntities, [tenantId]))
        putEntity(fresh, row, { program, refused })
      store = fresh
      roles = known
    },
    async apply(changes: readonly Change[]) {
      if (changes.some(({ kind }) => kind === 'everything' || kind === 'role')) return graph.load()
      // Sub-organizations inherit assignments: the closure of everyone may have moved.
      if (changes.some((change) => change.kind === 'entity' && change.entity.type === 'Organization'))
        return graph.load()
      // ORDER: everything is read before anything is put, so that no decision sees half of a transaction.
      const puts = [...(await readTuples(changes)), await readEntities(changes)]
      for (const put of puts) put()
    },
  }
  const readTuples = async (changes: readonly Change[]): Promise<(() => void)[]> => {
    const named = changes.filter((change) => change.kind === 'relation')
    const isRole = (change: (typeof named)[number]) =>
      roles.isAssignment({ resource: entityOf(change.resource), relation: change.relation }, program)
    const keys = named.filter((change) => !isRole(change)).map(tupleColumns)
    const rows =
      keys.length > 0 ? await database.query<TupleRow>(selectNamedTuples, [tenantId, JSON.stringify(keys)]) : []
    const puts = [
      () => {
        for (const key of keys) store.removeTuple(bareTupleOf(key))
        for (const row of rows) store.putTuple(typedTuple(program, tupleOf(row)))
      },
    ]
    const holders = new Map(
      named.filter(isRole).map(({ subject }) => [JSON.stringify([subject.type, subject.id]), subject]),
    )
    for (const [holder, { type, id }] of holders) {
      const held = await database.query<TupleRow>(selectTuplesOfSubject, [tenantId, type, id])
      const assignments = held
        .map((row) => typedTuple(program, tupleOf(row)))
        .filter((tuple) => roles.isAssignment(tuple, program))
      puts.push(() => {
        for (const tuple of roles.derived.get(holder) ?? []) store.removeTuple(tuple)
        roles.derived.delete(holder)
        putClosure(store, roles, assignments)
      })
    }
    return puts
  }
  const readEntities = async (changes: readonly Change[]): Promise<() => void> => {
    const named = changes.flatMap((change) => (change.kind === 'entity' ? [change.entity] : []))
    if (named.length === 0) return () => undefined
    const rows = await database.query<EntityRow>(selectNamedEntities, [tenantId, JSON.stringify(named)])
    const found = new Set(rows.map(({ type, id }) => JSON.stringify([type, id])))
    return () => {
      for (const entity of named) {
        if (!found.has(JSON.stringify([entity.type, entity.id]))) store.removeEntity(entityOf(entity))
      }
      for (const row of rows) putEntity(store, row, { program, refused })
    }
  }
  return graph
}

type Roles = {
  readonly rows: readonly RoleRow[]
  readonly organizations: readonly { readonly id: string; readonly parentId?: string }[]
  /** What the closure gave each holder, so that it can be taken back. */
  readonly derived: Map<string, Tuple[]>
  isAssignment(tuple: Pick<Tuple, 'resource' | 'relation'>, program: Program): boolean
}
type RoleRow = {
  readonly scopeType: string
  readonly name: string
  readonly inherits: readonly string[]
  readonly permissions: readonly { readonly action: string; readonly resourceType: string }[]
}

function emptyRoles(): Roles {
  return { rows: [], organizations: [], derived: new Map(), isAssignment: isDeclaredRole }
}

async function readRoles(database: Database, tenantId: string): Promise<Roles> {
  const rows = await database.query<RoleRow>(selectRoles, [tenantId])
  const organizations = await database.query<{ id: string; parent_id: string | null }>(selectOrganizations, [tenantId])
  const stored = new Set(rows.map(({ scopeType, name }) => JSON.stringify([scopeType, name])))
  return {
    rows,
    organizations: organizations.map(({ id, parent_id }) =>
      parent_id === null ? { id } : { id, parentId: parent_id },
    ),
    derived: new Map(),
    // A role that an administrator invented counts too, for `permitted of`.
    isAssignment: (tuple, program) =>
      isDeclaredRole(tuple, program) || stored.has(JSON.stringify([tuple.resource.type, tuple.relation])),
  }
}

function isDeclaredRole(tuple: Pick<Tuple, 'resource' | 'relation'>, program: Program): boolean {
  const relation = program.entityTypes.get(tuple.resource.type)?.relations.get(tuple.relation)
  return relation?.kind === 'stored' && relation.role
}

function putClosure(store: EntityStore, roles: Roles, held: readonly Tuple[]): void {
  // No role is given under a condition: a row that says so gives nothing.
  const assignments = held.filter(({ condition }) => condition === undefined)
  for (const tuple of roleClosure({ roles: roles.rows, assignments, organizations: roles.organizations })) {
    store.putTuple(tuple)
    const { subject } = tuple
    const [type, id] =
      subject.kind === 'one'
        ? [subject.entity.type, subject.entity.id]
        : [subject.kind === 'anyOf' ? subject.type : '*', '*']
    const holder = JSON.stringify([type, id])
    const held = roles.derived.get(holder)
    if (held) held.push(tuple)
    else roles.derived.set(holder, [tuple])
  }
}

type EntityRow = { readonly type: string; readonly id: string; readonly attributes: string }

/** Attributes that the schema does not declare, or with another type, count as missing (SPEC 5). */
function putEntity(
  store: EntityStore,
  row: EntityRow,
  { program, refused }: { readonly program: Program; readonly refused: (problem: StoreProblem) => void },
): void {
  const type = program.entityTypes.get(row.type)
  const uid = entityOf(row)
  if (!type) return
  const json = parseAttributes(row.attributes)
  const attributes = new Map<string, Value>()
  for (const attribute of type.attributes.values()) {
    const value = Object.hasOwn(json, attribute.name) ? readValue(json[attribute.name], attribute.type) : undefined
    if (value !== undefined) attributes.set(attribute.name, value)
  }
  // A row that the graph refuses (a cycle of links) has no attributes rather than old ones: a rule that needs them fails closed.
  const problems = store.putEntity({ uid, attributes })
  if (problems.length > 0) store.removeEntity(uid)
  for (const problem of problems) refused(problem)
}

/** The exact reader where a number may not fit a double, the native one elsewhere: it is what loads a million rows. */
function parseAttributes(text: string): { readonly [name: string]: Json } {
  if (!/\d{16}/.test(text)) return JSON.parse(text) as { readonly [name: string]: Json }
  const parsed = parseStrictJson(text, { allowNul: true, depth: 64 })
  return parsed.ok ? (parsed.value as { readonly [name: string]: Json }) : {}
}

const entityOf = ({ type, id }: { readonly type: string; readonly id: string }): EntityValue => ({
  kind: 'entity',
  type,
  id,
})

const tupleColumns = (change: Extract<Change, { kind: 'relation' }>) => ({
  resource_type: change.resource.type,
  resource_id: change.resource.id,
  relation: change.relation,
  subject_type: change.subject.type,
  subject_id: change.subject.id,
  subject_relation: change.subject.relation ?? '',
  until: null,
})

const tupleFields =
  'resource_type, resource_id, relation, subject_type, subject_id, subject_relation, until, reason, condition_name, condition_context::text'
const selectTuples: Statement = {
  name: 'graph-tuples',
  text: `select ${tupleFields} from relation where tenant_id = $1`,
}
const selectNamedTuples: Statement = {
  name: 'graph-named-tuples',
  text: `
select r.resource_type, r.resource_id, r.relation, r.subject_type, r.subject_id, r.subject_relation, r.until, r.reason,
  r.condition_name, r.condition_context::text
from jsonb_to_recordset($2::jsonb) as k(resource_type text, resource_id text, relation text, subject_type text, subject_id text, subject_relation text)
join relation r using (resource_type, resource_id, relation, subject_type, subject_id, subject_relation) where r.tenant_id = $1`,
}
const selectTuplesOfSubject: Statement = {
  name: 'graph-tuples-of-subject',
  text: `select ${tupleFields} from relation where tenant_id = $1 and subject_type = $2 and subject_id = $3`,
}
const selectRoles: Statement = {
  name: 'graph-roles',
  text: 'select scope_type as "scopeType", name, inherits, permissions from role where tenant_id = $1',
}
const selectOrganizations: Statement = {
  name: 'graph-organizations',
  text: 'select id, parent_id from organization where tenant_id = $1',
}
const selectEntities: Statement = {
  name: 'graph-entities',
  text: 'select type, id, attributes::text as attributes from entity where tenant_id = $1',
}
const selectNamedEntities: Statement = {
  name: 'graph-named-entities',
  text: `
select e.type, e.id, e.attributes::text as attributes
from jsonb_to_recordset($2::jsonb) as k(type text, id text) join entity e using (type, id) where e.tenant_id = $1`,
}
