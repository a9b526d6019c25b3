import { type Database, DatabaseError } from '../../adapters/database/port.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { createTupleStore } from '../relations/tuple-store.ts'
import { defaultOrganizationId } from '../tenancy/tenants.ts'
import { adminErrors } from './errors.ts'
import { limits } from './limits.ts'
import { entity } from './request.ts'

export type Organization = {
  readonly id: string
  readonly name: string
  readonly status: 'active' | 'suspended'
  readonly parent?: string
  readonly domains: readonly string[]
}

/** Organizations of one tenant. Who belongs to them stands in `relation` (owner, admin, member). */
export function createOrganizationStore(database: Database, tenantId: string) {
  const rows = () => database.table('organization').where('tenant_id', tenantId)
  const find = async (id: string): Promise<Organization | undefined> => {
    const [row]: OrganizationRow[] = await rows().where('id', id)
    return row && organizationOf(row)
  }
  /** INVARIANT: parents form a tree; `organization` links feed the `in` hierarchy (SPEC 3). */
  const checkParent = async (id: string, parent: string | undefined) => {
    let above = parent
    for (let depth = 0; above !== undefined; depth += 1) {
      if (above === id || depth > limits.linkDepth) throw adminErrors.organization_cycle()
      const found: Organization | undefined = await find(above)
      if (!found) throw adminErrors.parent_not_found({ detail: above })
      above = found.parent
    }
  }
  const changed = (unit: UnitOfWork, id: string, action: string) => {
    unit.audit({ action: `organization.${action}`, resource: entity('Organization', id) })
    unit.emit(`identity.organization.${action}`, { organizationId: id })
    unit.changed({ kind: 'entity', entity: { type: 'Organization', id } })
  }
  return {
    find,
    async list(after: string | undefined, limit: number): Promise<Organization[]> {
      const query = rows().orderBy('id').limit(limit)
      if (after !== undefined) query.where('id', '>', after)
      const found: OrganizationRow[] = await query
      return found.map(organizationOf)
    },
    async create(unit: UnitOfWork, organization: Organization): Promise<void> {
      await checkParent(organization.id, organization.parent)
      try {
        await database
          .table('organization')
          .insert({ tenant_id: tenantId, id: organization.id, ...columnsOf(organization) })
      } catch (error) {
        const isTaken = error instanceof DatabaseError && error.kind === 'unique'
        throw isTaken ? adminErrors.organization_exists({ cause: error }) : error
      }
      changed(unit, organization.id, 'created')
    },
    async update(unit: UnitOfWork, before: Organization, after: Organization): Promise<void> {
      await checkParent(after.id, after.parent)
      await rows().where('id', after.id).update(columnsOf(after))
      if (before.status !== after.status) unit.raiseEpoch(entity('Organization', after.id))
      changed(unit, after.id, 'updated')
    },
    async remove(unit: UnitOfWork, id: string): Promise<void> {
      const children: object[] = await rows().select('id').where('parent_id', id).limit(1)
      if (id === defaultOrganizationId || children.length > 0) throw adminErrors.organization_in_use()
      await createTupleStore(database, tenantId).removeAllOf(unit, entity('Organization', id))
      await rows().where('id', id).delete()
      changed(unit, id, 'removed')
    },
  }
}

type OrganizationRow = {
  readonly id: string
  readonly name: string
  readonly status: Organization['status']
  readonly parent_id: string | null
  readonly domains: readonly string[]
}

const columnsOf = ({ name, status, parent, domains }: Organization) => ({
  name,
  status,
  parent_id: parent ?? null,
  domains: JSON.stringify(domains),
})

const organizationOf = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  status: row.status,
  ...(row.parent_id === null ? {} : { parent: row.parent_id }),
  domains: row.domains,
})
