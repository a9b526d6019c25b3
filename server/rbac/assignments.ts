import type { Enforcer } from 'casbin'
import type { Database } from '../../adapters/database/port.ts'
import type { EntityValue, Program, Tuple } from '../../policy-lang/index.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import type { BareTuple } from '../relations/tuple-row.ts'
import { createTupleStore, type StoredTuple, type TupleFilter } from '../relations/tuple-store.ts'
import { createRbacAdapter, type RbacAdapterOptions } from './casbin-adapter.ts'
import { openEnforcer } from './casbin-model.ts'
import { domainName, roleName, roleOfName, ruleOf, subjectName } from './casbin-names.ts'
import type { RolePermission } from './closure.ts'
import { rbacErrors } from './errors.ts'
import { createRoleStore } from './role-store.ts'

export type Assignments = {
  /** Idempotent; false if it stood there so. 422 where the type has no such role, declared or stored. */
  assign(unit: UnitOfWork, assignment: BareTuple, reason?: string): Promise<boolean>
  /** 404 where it did not stand. */
  unassign(unit: UnitOfWork, assignment: BareTuple): Promise<void>
  list(filter: TupleFilter, after: readonly string[] | undefined, limit: number): Promise<StoredTuple[]>
  /** Roles that the subject has at the resource, inherited ones and those of ancestor organizations included. */
  effectiveRoles(subject: EntityValue, at: EntityValue): Promise<string[]>
  /** What one role permits by itself and by what it inherits. */
  effectivePermissions(scopeType: string, role: string): Promise<RolePermission[]>
}

export type AssignmentsOptions = {
  readonly database: Database
  readonly tenantId: string
  readonly now: number
  readonly program: Program
}

/** Who has which role where (admin.md §6): tuples whose relation is a role, managed by casbin. Changes are made inside `withTransaction`. */
export function createAssignments(options: AssignmentsOptions): Assignments {
  const { database, tenantId, program } = options
  const tuples = createTupleStore(database, tenantId)
  const open = (subject: Tuple['subject'], write?: RbacAdapterOptions['write']): Promise<Enforcer> => {
    const isDeclaredRole = (type: string, relation: string) => isRoleOf(program, type, relation)
    return openEnforcer(createRbacAdapter({ ...options, isDeclaredRole, ...(write ? { write } : {}) }), { subject })
  }
  return {
    async assign(unit, assignment, reason) {
      const { resource, relation, subject } = assignment
      const isKnown =
        isRoleOf(program, resource.type, relation) ||
        (await createRoleStore(database, tenantId).find(resource.type, relation)) !== undefined
      if (!isKnown) throw rbacErrors.role_unknown({ detail: `${resource.type} has no role ${relation}.` })
      const enforcer = await open(subject, {
        put: (tuple) => tuples.put(unit, tuple, reason),
        remove: (tuple) => tuples.remove(unit, tuple),
      })
      const isNew = await enforcer.addNamedGroupingPolicy('g', ...ruleOf(assignment))
      if (isNew) unit.audit({ action: 'role.assign', resource, detail: detailOf(assignment) })
      return isNew
    },
    async unassign(unit, assignment) {
      const stored = await tuples.find(assignment)
      if (!stored) throw rbacErrors.assignment_not_found()
      await tuples.remove(unit, stored)
      unit.audit({ action: 'role.unassign', resource: assignment.resource, detail: detailOf(stored) })
    },
    async list(filter, after, limit) {
      const stored = await createRoleStore(database, tenantId).all()
      const among = stored.map(({ scopeType, name }) => [scopeType, name] as const)
      return tuples.list({ ...filter, among: [...among, ...declaredRoles(program)] }, after, limit)
    },
    async effectiveRoles(subject, at) {
      const enforcer = await open({ kind: 'one', entity: subject })
      const name = subjectName({ kind: 'one', entity: subject })
      const names = await enforcer.getImplicitRolesForUser(name, domainName(at))
      return names.map((role) => roleOfName(role).role).sort()
    },
    async effectivePermissions(scopeType, role) {
      const enforcer = await open({ kind: 'anyone' })
      const name = roleName(scopeType, role)
      const names = [name, ...(await enforcer.getImplicitRolesForUser(name, '*'))]
      const permissions = await Promise.all(names.map((each) => enforcer.getPermissionsForUser(each)))
      const texts = new Set(permissions.flat().map(([, , type, action]) => JSON.stringify([type, action])))
      return [...texts].sort().map((text) => {
        const [resourceType = '', action = ''] = JSON.parse(text) as readonly string[] // written one line above
        return { action, resourceType }
      })
    },
  }
}

/** True if the program declares `role` on the type. */
export function isRoleOf(program: Program, type: string, name: string): boolean {
  const relation = program.entityTypes.get(type)?.relations.get(name)
  return relation?.kind === 'stored' && relation.role
}

const declaredRoles = (program: Program): (readonly [string, string])[] =>
  [...program.entityTypes.values()].flatMap(({ name, relations }) =>
    [...relations.values()]
      .filter((each) => each.kind === 'stored' && each.role)
      .map((each) => [name, each.name] as const),
  )

const detailOf = ({ relation, subject, until }: BareTuple) => ({
  role: relation,
  subject: subjectName(subject).slice(1),
  ...(until === undefined ? {} : { until: new Date(until).toISOString() }),
})
