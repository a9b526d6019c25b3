import { type Database, DatabaseError } from '../../adapters/database/port.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { findRoleCycle, type Role } from './closure.ts'
import { rbacErrors } from './errors.ts'

export type StoredRole = Role & { readonly version: number }

export type RoleStore = {
  find(scopeType: string, name: string): Promise<StoredRole | undefined>
  all(): Promise<StoredRole[]>
  create(unit: UnitOfWork, role: Role): Promise<StoredRole>
  /** `ifVersion` moved: undefined. */
  update(unit: UnitOfWork, role: Role, ifVersion: number | undefined): Promise<StoredRole | undefined>
  /** 409 where somebody has it or a role inherits it. */
  remove(unit: UnitOfWork, role: Pick<Role, 'scopeType' | 'name'>): Promise<void>
}

/** The tenant's named roles: what they are called, inherit and permit (admin.md §6). Who has them stands in `relation`. */
export function createRoleStore(database: Database, tenantId: string): RoleStore {
  const rows = () => database.table('role').where('tenant_id', tenantId)
  const find = async (scopeType: string, name: string) => {
    const [row]: RoleRow[] = await rows().where({ scope_type: scopeType, name })
    return row && roleOf(row)
  }
  const all = async () => {
    const found: RoleRow[] = await rows().orderBy(['scope_type', 'name'])
    return found.map(roleOf)
  }
  const refuseCycle = async (role: Role) => {
    const path = findRoleCycle(await all(), role)
    if (path) throw rbacErrors.role_cycle({ detail: path.join(' → ') })
  }
  const changed = (unit: UnitOfWork, action: string, role: Pick<Role, 'scopeType' | 'name'>) => {
    const resource = { kind: 'entity', type: 'Role', id: roleId(role) } as const
    unit.audit({ action: `role.${action}`, resource })
    unit.changed({ kind: 'role', scopeType: role.scopeType, name: role.name })
  }
  return {
    find,
    all,
    async create(unit, role) {
      await refuseCycle(role)
      try {
        await database
          .table('role')
          .insert({ tenant_id: tenantId, scope_type: role.scopeType, name: role.name, ...columnsOf(role) })
      } catch (error) {
        if (error instanceof DatabaseError && error.kind === 'unique') throw rbacErrors.role_exists({ cause: error })
        throw error
      }
      changed(unit, 'create', role)
      return { ...role, version: 1 }
    },
    async update(unit, role, ifVersion) {
      await refuseCycle(role)
      const query = rows().where({ scope_type: role.scopeType, name: role.name })
      if (ifVersion !== undefined) query.where('version', ifVersion)
      const [row]: RoleRow[] = await query
        .update({ ...columnsOf(role), version: database.raw('version + 1') })
        .returning('*')
      if (!row) return undefined
      changed(unit, 'update', role)
      return roleOf(row)
    },
    async remove(unit, role) {
      const { scopeType, name } = role
      const heirs = (await all()).filter((other) => other.scopeType === scopeType && other.inherits.includes(name))
      if (heirs.length > 0)
        throw rbacErrors.role_in_use({ detail: `Inherited by ${heirs.map((heir) => heir.name).join(', ')}.` })
      const held: object[] = await database
        .table('relation')
        .select('subject_id')
        .where({ tenant_id: tenantId, resource_type: scopeType, relation: name })
        .limit(1)
      if (held.length > 0) throw rbacErrors.role_in_use({ detail: 'Unassign it first.' })
      await rows().where({ scope_type: scopeType, name }).delete()
      changed(unit, 'remove', role)
    },
  }
}

/** How a role is named in paths and audit rows. */
export const roleId = ({ scopeType, name }: Pick<Role, 'scopeType' | 'name'>): string => `${scopeType}:${name}`

type RoleRow = {
  readonly scope_type: string
  readonly name: string
  readonly description: string
  readonly inherits: Role['inherits']
  readonly permissions: Role['permissions']
  readonly version: string | number
}

const columnsOf = (role: Role) => ({
  description: role.description,
  inherits: JSON.stringify(role.inherits),
  permissions: JSON.stringify(role.permissions),
})

const roleOf = (row: RoleRow): StoredRole => ({
  scopeType: row.scope_type,
  name: row.name,
  description: row.description,
  inherits: row.inherits,
  permissions: row.permissions,
  version: Number(row.version),
})
