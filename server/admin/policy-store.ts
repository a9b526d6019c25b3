import type { Database } from '../../adapters/database/port.ts'
import type { Policies } from '../decision/policies.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { adminErrors } from './errors.ts'
import { entity } from './request.ts'

export type PolicyFiles = { readonly [path: string]: string }
export type PolicySetRow = { readonly name: string; readonly activeVersion?: string; readonly version: number }
export type PolicyVersion = {
  readonly version: string
  readonly files: PolicyFiles
  readonly createdBy?: string
  readonly createdAt: Date
}

export type PolicySets = ReturnType<typeof createPolicySets>

/** Sets, content-addressed versions, drafts and activations of one tenant. Changes are made inside `withTransaction`. */
export function createPolicySets(database: Database, policies: Policies, tenantId: string) {
  const sets = () => database.table('policy_set').where('tenant_id', tenantId)
  const versions = (set: string) => database.table('policy_version').where({ tenant_id: tenantId, set_name: set })
  const find = async (name: string): Promise<PolicySetRow | undefined> => {
    const [row]: SetRow[] = await sets().where('name', name)
    return row && setOf(row)
  }
  return {
    find,
    async list(after: string | undefined, limit: number): Promise<PolicySetRow[]> {
      const query = sets().orderBy('name').limit(limit)
      if (after !== undefined) query.where('name', '>', after)
      const rows: SetRow[] = await query
      return rows.map(setOf)
    },
    async versionsOf(set: string): Promise<Omit<PolicyVersion, 'files'>[]> {
      const rows: VersionRow[] = await versions(set)
        .select('version', 'created_by', 'created_at')
        .orderBy([{ column: 'created_at', order: 'desc' }, 'version'])
      return rows.map(versionOf)
    },
    async findVersion(set: string, version: string): Promise<PolicyVersion | undefined> {
      const [row]: (VersionRow & { readonly files: PolicyFiles })[] = await versions(set).where('version', version)
      return row && { ...versionOf(row), files: row.files }
    },
    async findDraft(set: string, id: string): Promise<string | undefined> {
      const [row]: { readonly version: string }[] = await database
        .table('policy_draft')
        .select('version')
        .where({ tenant_id: tenantId, set_name: set, id })
      return row?.version
    },
    /** Signed for this tenant and set, so that a node knows what it may run. Answers the content address. */
    async putVersion(set: string, files: PolicyFiles, createdBy: string): Promise<string> {
      const version = policies.versionOf(files)
      await database
        .table('policy_set')
        .insert({ tenant_id: tenantId, name: set })
        .onConflict(['tenant_id', 'name'])
        .ignore()
      await database
        .table('policy_version')
        .insert({
          ...{ tenant_id: tenantId, set_name: set, version, created_by: createdBy },
          files: JSON.stringify(files),
          signature: policies.sign(tenantId, set, version),
        })
        .onConflict(['tenant_id', 'set_name', 'version'])
        .ignore()
      return version
    },
    async putDraft(
      unit: UnitOfWork,
      set: string,
      draft: { readonly id: string; readonly version: string; readonly createdBy: string },
    ) {
      const { id, version, createdBy } = draft
      await database
        .table('policy_draft')
        .insert({ tenant_id: tenantId, set_name: set, id, version, created_by: createdBy })
      unit.audit({ action: 'policy.draft', resource: entity('PolicySet', set), detail: { draft: id, version } })
    },
    /** Swaps the active version; 409 where it is no longer `expected`. */
    async activate(unit: UnitOfWork, set: string, swap: Activation): Promise<void> {
      const { version, expected, by, action } = swap
      const query = sets().where('name', set)
      if (expected === undefined) query.whereNull('active_version')
      else query.where('active_version', expected)
      const swapped: object[] = await query
        .update({ active_version: version, version: database.raw('version + 1') })
        .returning('name')
      if (swapped.length === 0) throw adminErrors.active_moved()
      await database.query(
        {
          name: 'policy-activation-insert',
          text: `insert into policy_activation (tenant_id, set_name, position, version, previous, activated_by)
select $1, $2, coalesce(max(position), 0) + 1, $3, $4, $5 from policy_activation where tenant_id = $1 and set_name = $2`,
        },
        [tenantId, set, version, expected ?? null, by],
      )
      const resource = entity('PolicySet', set)
      unit.audit({
        action: `policy.${action}`,
        resource,
        detail: { version, previous: expected ?? null, approvedBy: [by] },
      })
      unit.emit(`policy.set.${action}`, { set, version, previous: expected ?? null })
      unit.changed({ kind: 'policySet', name: set })
    },
    async remove(unit: UnitOfWork, set: string): Promise<void> {
      await sets().where('name', set).delete()
      unit.audit({ action: 'policy.remove', resource: entity('PolicySet', set) })
      unit.changed({ kind: 'policySet', name: set })
    },
  }
}

export type Activation = {
  readonly version: string
  readonly expected: string | undefined
  readonly by: string
  readonly action: 'activate' | 'rollback'
}

type SetRow = { readonly name: string; readonly active_version: string | null; readonly version: string | number }
type VersionRow = { readonly version: string; readonly created_by: string | null; readonly created_at: Date }

const setOf = (row: SetRow): PolicySetRow => ({
  name: row.name,
  ...(row.active_version === null ? {} : { activeVersion: row.active_version }),
  version: Number(row.version),
})

const versionOf = (row: VersionRow): Omit<PolicyVersion, 'files'> => ({
  version: row.version,
  ...(row.created_by === null ? {} : { createdBy: row.created_by }),
  createdAt: row.created_at,
})
