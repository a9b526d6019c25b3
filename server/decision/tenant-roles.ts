import type { Database, Statement } from '../../adapters/database/port.ts'
import type { EntityStore, Program, Tuple, TupleSubject } from '../../policy-lang/index.ts'
import { roleClosure } from '../rbac/closure.ts'
import { wildcard } from '../relations/tuple-row.ts'

/** Roles of a tenant, and what holders of them hold by inheritance and by their organizations. */
export type TenantRoles = {
  readonly rows: readonly RoleRow[]
  readonly organizations: readonly { readonly id: string; readonly parentId?: string }[]
  /** Relations that are roles: declared by the program, or invented by an administrator, which count for `permitted of`. */
  readonly relations: readonly RoleRelation[]
  /** By holder: what the closure gave, so that it can be taken back. */
  readonly derived: Map<string, Tuple[]>
  isAssignment(tuple: Pick<Tuple, 'resource' | 'relation'>): boolean
}
export type RoleRelation = { readonly type: string; readonly relation: string }
type RoleRow = {
  readonly scopeType: string
  readonly name: string
  readonly inherits: readonly string[]
  readonly permissions: readonly { readonly action: string; readonly resourceType: string }[]
}

/** Before anything is read. */
export const noRoles = (program: Program): TenantRoles => rolesOf(program, [], [])

export async function readRoles(database: Database, tenantId: string, program: Program): Promise<TenantRoles> {
  const rows = await database.query<RoleRow>(selectRoles, [tenantId])
  const organizations = await database.query<{ id: string; parent_id: string | null }>(selectOrganizations, [tenantId])
  return rolesOf(
    program,
    rows,
    organizations.map(({ id, parent_id }) => (parent_id === null ? { id } : { id, parentId: parent_id })),
  )
}

function rolesOf(program: Program, rows: readonly RoleRow[], organizations: TenantRoles['organizations']): TenantRoles {
  const declared = [...program.entityTypes.values()].flatMap((type) =>
    [...type.relations.values()].flatMap((relation) =>
      relation.kind === 'stored' && relation.role ? { type: type.name, relation: relation.name } : [],
    ),
  )
  // What is inherited is a role too, though no row names it: else a tuple and what the closure derives could be one.
  const stored = rows.flatMap(({ scopeType, name, inherits }) =>
    [name, ...inherits].map((relation) => ({ type: scopeType, relation })),
  )
  const relations = [...declared, ...stored]
  const byType = Map.groupBy(relations, ({ type }) => type)
  const names = new Map([...byType].map(([type, each]) => [type, new Set(each.map(({ relation }) => relation))]))
  return {
    rows,
    organizations,
    relations,
    derived: new Map(),
    isAssignment: ({ resource, relation }) => names.get(resource.type)?.has(relation) ?? false,
  }
}

/** What these assignments give, remembered by holder. */
export function putClosure(store: EntityStore, roles: TenantRoles, held: readonly Tuple[]): void {
  // No role is given under a condition: a row that says so gives nothing.
  const assignments = held.filter(({ condition }) => condition === undefined)
  for (const tuple of roleClosure({ roles: roles.rows, assignments, organizations: roles.organizations })) {
    store.putTuple(tuple)
    const holder = holderKey(tuple.subject)
    const known = roles.derived.get(holder)
    if (known) known.push(tuple)
    else roles.derived.set(holder, [tuple])
  }
}

/** Takes back what the closure gave one holder. */
export function takeBack(store: EntityStore, roles: TenantRoles, holder: string): void {
  for (const tuple of roles.derived.get(holder) ?? []) store.removeTuple(tuple)
  roles.derived.delete(holder)
}

export function holderKey(subject: TupleSubject): string {
  const [type, id] =
    subject.kind === 'one'
      ? [subject.entity.type, subject.entity.id]
      : [subject.kind === 'anyOf' ? subject.type : wildcard, wildcard]
  return JSON.stringify([type, id])
}

/** Replaces what stored roles permit; roles that are gone permit nothing. */
export function putPermissions(store: EntityStore, roles: TenantRoles, before?: TenantRoles): void {
  for (const { scopeType, name } of before?.rows ?? []) store.putRolePermissions(scopeType, name, [])
  for (const { scopeType, name, permissions } of roles.rows) store.putRolePermissions(scopeType, name, permissions)
}

const selectRoles: Statement = {
  name: 'graph-roles',
  text: 'select scope_type as "scopeType", name, inherits, permissions from role where tenant_id = $1',
}
const selectOrganizations: Statement = {
  name: 'graph-organizations',
  text: 'select id, parent_id from organization where tenant_id = $1',
}
