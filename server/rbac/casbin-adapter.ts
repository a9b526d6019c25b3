import type { FilteredAdapter, Model } from 'casbin'
import type { Database } from '../../adapters/database/port.ts'
import type { Tuple } from '../../policy-lang/index.ts'
import { type BareTuple, bareTupleOf, subjectColumns, type TupleRow } from '../relations/tuple-row.ts'
import { everyDomain } from './casbin-model.ts'
import { domainName, roleName, ruleOf, tupleOfRule } from './casbin-names.ts'
import type { Role } from './closure.ts'

/** Which assignments are loaded; the tenant's roles always are. */
export type RbacFilter = { readonly subject: Tuple['subject'] } | 'everything'

export type RbacAdapter = FilteredAdapter & {
  organizationDomains(): Promise<{ readonly child: string; readonly parent: string }[]>
}

export type RbacAdapterOptions = {
  readonly database: Database
  readonly tenantId: string
  /** ms; an assignment that has ended is none. */
  readonly now: number
  /** Roles that policies declare; those of the table `role` count without it. */
  readonly isDeclaredRole: (type: string, relation: string) => boolean
  /** How assignments are stored, with their audit rows and change notices. */
  readonly write?: {
    readonly put: (tuple: BareTuple) => Promise<unknown>
    readonly remove: (tuple: BareTuple) => Promise<unknown>
  }
}

/** casbin's view of one tenant's tables `role` and `relation`. Assignments are tuples, so that rules and casbin never differ. */
export function createRbacAdapter(options: RbacAdapterOptions): RbacAdapter {
  const { database, tenantId, write } = options
  const load = async (model: Model, filter: RbacFilter) => {
    const roles: RoleRow[] = await database
      .table('role')
      .select('scope_type', 'name', 'inherits', 'permissions')
      .where('tenant_id', tenantId)
    addRoles(model, roles)
    const stored = new Set(roles.map((role) => roleName(role.scope_type, role.name)))
    for (const tuple of await readTuples(options, filter)) {
      const { type } = tuple.resource
      const isRole = stored.has(roleName(type, tuple.relation)) || options.isDeclaredRole(type, tuple.relation)
      if (isRole) model.addPolicy('g', 'g', ruleOf(tuple))
    }
  }
  return {
    loadPolicy: (model) => load(model, 'everything'),
    loadFilteredPolicy: load,
    isFiltered: () => true,
    savePolicy: () => Promise.reject(new Error('rows are written one by one, never replaced as a whole')),
    async addPolicy(_section, _kind, rule) {
      await write?.put(assignmentOf(rule))
    },
    async removePolicy(_section, _kind, rule) {
      await write?.remove(assignmentOf(rule))
    },
    removeFilteredPolicy: () => Promise.reject(new Error('assignments are removed one by one, each with its notice')),
    async organizationDomains() {
      const rows: { id: string; parent_id: string }[] = await database
        .table('organization')
        .select('id', 'parent_id')
        .where('tenant_id', tenantId)
        .whereNotNull('parent_id')
      const nameOf = (id: string) => domainName({ type: 'Organization', id })
      return rows.map((row) => ({ child: nameOf(row.id), parent: nameOf(row.parent_id) }))
    },
  }
}

type RoleRow = {
  readonly scope_type: string
  readonly name: string
  readonly inherits: Role['inherits']
  readonly permissions: Role['permissions']
}

function addRoles(model: Model, roles: readonly RoleRow[]): void {
  for (const role of roles) {
    const name = roleName(role.scope_type, role.name)
    for (const parent of role.inherits)
      model.addPolicy('g', 'g', [name, roleName(role.scope_type, parent), everyDomain])
    for (const { action, resourceType } of role.permissions)
      model.addPolicy('p', 'p', [name, everyDomain, resourceType, action])
  }
}

async function readTuples({ database, tenantId, now }: RbacAdapterOptions, filter: RbacFilter): Promise<BareTuple[]> {
  // No role is given under a condition.
  const query = database.table('relation').where('tenant_id', tenantId).whereNull('condition_name')
  query.where((live) => live.whereNull('until').orWhere('until', '>', new Date(now)))
  if (filter !== 'everything') query.where(subjectColumns(filter.subject))
  const rows: TupleRow[] = await query
  return rows.map(bareTupleOf)
}

/** Hierarchy is the table `role` and is written by its store; casbin writes assignments only. */
function assignmentOf(rule: readonly string[]): BareTuple {
  const tuple = tupleOfRule(rule)
  if (!tuple) throw new Error('casbin writes assignments only')
  return tuple
}
