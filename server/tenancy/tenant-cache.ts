import { type Database, DatabaseError, type Statement } from '../../adapters/database/port.ts'
import type { Config } from '../config/config.ts'
import type { ChangeFeed, ChangeSet } from '../events/change.ts'
import type { Actor, WithTransaction } from '../events/unit-of-work.ts'
import { errors } from './errors.ts'
import type { Tenant } from './tenant.ts'
import { defaultOrganizationId, defaultTenantId, type TenantSpec, type Tenants } from './tenants.ts'

export type RunningTenants = Tenants & {
  /** Makes the default tenant where there is none, and reads it. `tenantCreated`: what areas give a new tenant. */
  start(tenantCreated: (tenantId: string) => Promise<void>): Promise<void>
}

export function createTenants(deps: {
  readonly config: Config
  readonly database: Database
  readonly changes: ChangeFeed
  readonly withTransaction: WithTransaction
}): RunningTenants {
  const { config, database, changes, withTransaction } = deps
  const known = new Map<string, Tenant>()
  let giveTenant: (tenantId: string) => Promise<void> = async () => undefined

  const load = async (id: string): Promise<Tenant | undefined> => {
    await changes.follow(id)
    const [row] = await database.query<TenantRow>(select, [id])
    if (!row) return undefined
    const tenant = tenantOf(row, config.issuer)
    // What a transaction sees may never come to be.
    if (!database.inTransaction()) known.set(id, tenant)
    return tenant
  }
  changes.onChange((set) => {
    if (!known.has(set.tenantId) || !concernsTenant(set)) return
    // Until it is read again the old row answers; the epochs that bind credentials are read by the gate itself.
    load(set.tenantId).catch(() => set.tenantId === defaultTenantId || known.delete(set.tenantId))
  })
  const read = async (id: string): Promise<Tenant> => {
    const tenant = await load(id)
    if (!tenant) throw errors.tenant_not_found()
    return tenant
  }
  return {
    default() {
      const tenant = known.get(defaultTenantId)
      if (!tenant) throw new Error('the default tenant is read before the first request')
      return tenant
    },
    async find(id) {
      const tenant = known.get(id)
      if (tenant) return tenant
      return idForm.test(id) ? load(id) : undefined
    },
    async list() {
      const rows = await database.query<TenantRow>(selectAll)
      return rows.map((row) => tenantOf(row, config.issuer))
    },
    async create(actor, spec) {
      if (!idForm.test(spec.id)) throw errors.invalid_tenant_id()
      await withTransaction({ ...actor, tenantId: spec.id }, async (unit) => {
        const isNew = await insertTenant(database, spec)
        if (!isNew) throw errors.tenant_exists()
        await giveTenant(spec.id)
        unit.audit({ action: 'tenant.create', resource: { kind: 'entity', type: 'Tenant', id: spec.id } })
        unit.changed({ kind: 'tenant' })
      }).catch(existsAlready)
      return read(spec.id)
    },
    async update(actor, id, spec) {
      await withTransaction({ ...actor, tenantId: id }, async (unit) => {
        await updateTenant(database, id, spec)
        unit.audit({
          action: 'tenant.update',
          resource: { kind: 'entity', type: 'Tenant', id },
          detail: { changed: Object.keys(spec) },
        })
        if (spec.status !== undefined) unit.raiseEpoch({ kind: 'entity', type: 'Tenant', id })
        unit.changed({ kind: 'tenant' })
      }).catch(existsAlready)
      return read(id)
    },
    async start(tenantCreated) {
      giveTenant = tenantCreated
      if (await load(defaultTenantId)) return
      await createDefault(deps, giveTenant)
      await read(defaultTenantId)
    },
  }
}

async function createDefault(
  { database, withTransaction }: { readonly database: Database; readonly withTransaction: WithTransaction },
  giveTenant: (tenantId: string) => Promise<void>,
): Promise<void> {
  const server: Actor = { tenantId: defaultTenantId, subject: { kind: 'entity', type: 'Server', id: 'start' } }
  await withTransaction(server, async (unit) => {
    // Another node may be starting too: the row of whoever comes first stands.
    if (!(await insertTenant(database, { id: defaultTenantId, name: 'Default' }))) return
    await giveTenant(defaultTenantId)
    unit.audit({ action: 'tenant.create', resource: { kind: 'entity', type: 'Tenant', id: defaultTenantId } })
  })
}

const concernsTenant = (set: ChangeSet): boolean =>
  set.changes.some(
    (change) =>
      change.kind === 'tenant' ||
      change.kind === 'everything' ||
      (change.kind === 'epoch' && change.of.type === 'Tenant'),
  )

/** Stands in URLs and folder names. */
const idForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

type TenantRow = {
  readonly id: string
  readonly name: string
  readonly status: Tenant['status']
  readonly registration: Tenant['registration']
  readonly issuer: string | null
  readonly epoch: string | number | bigint
}

function tenantOf(row: TenantRow, baseUrl: string): Tenant {
  const pathPrefix = row.id === defaultTenantId ? '' : `/t/${row.id}`
  return {
    id: row.id,
    name: row.name,
    status: row.status,
    registration: row.registration,
    issuer: row.id === defaultTenantId ? baseUrl : (row.issuer ?? baseUrl + pathPrefix),
    pathPrefix,
    epoch: Number(row.epoch),
  }
}

const columns = 'id, name, status, registration, issuer, epoch'
const select: Statement = { name: 'tenant-select', text: `select ${columns} from tenant where id = $1` }
const selectAll: Statement = { name: 'tenant-list', text: `select ${columns} from tenant order by id` }

/** False if a tenant of that id exists. */
async function insertTenant(database: Database, spec: TenantSpec): Promise<boolean> {
  const { id, name, status = 'active', registration = 'closed', issuer = null } = spec
  const made = await database.query(
    {
      name: 'tenant-insert',
      text: `insert into tenant (id, name, status, registration, issuer) values ($1, $2, $3, $4, $5)
on conflict (id) do nothing returning id`,
    },
    [id, name, status, registration, issuer],
  )
  if (made.length === 0) return false
  await database.query(
    { name: 'tenant-revision-insert', text: 'insert into tenant_revision (tenant_id) values ($1)' },
    [id],
  )
  await database.query(
    { name: 'tenant-organization-insert', text: 'insert into organization (tenant_id, id, name) values ($1, $2, $3)' },
    [id, defaultOrganizationId, name],
  )
  return true
}

async function updateTenant(database: Database, id: string, spec: Partial<TenantSpec>): Promise<void> {
  const { name = null, status = null, registration = null, issuer = null } = spec
  const rows = await database.query(
    {
      name: 'tenant-update',
      text: `update tenant set name = coalesce($2, name), status = coalesce($3, status),
registration = coalesce($4, registration), issuer = coalesce($5, issuer) where id = $1 returning id`,
    },
    [id, name, status, registration, issuer],
  )
  if (rows.length === 0) throw errors.tenant_not_found()
}

function existsAlready(error: unknown): never {
  throw error instanceof DatabaseError && error.kind === 'unique' ? errors.tenant_exists({ cause: error }) : error
}
