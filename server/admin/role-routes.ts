import { z } from 'zod'
import { type RouteInput, route } from '../module.ts'
import { createAssignments } from '../rbac/assignments.ts'
import type { Role } from '../rbac/closure.ts'
import { rbacErrors } from '../rbac/errors.ts'
import { createRoleStore, roleId, type StoredRole } from '../rbac/role-store.ts'
import { tupleListKey } from '../relations/tuple-store.ts'
import { etagOf, requireMatch } from './concurrency.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { type Admin, actorOf, consistencyToken, entity, existing, onTenant, tenantOf } from './request.ts'
import { entityShape, readTuple, subjectInput, tupleShape, tupleView, until } from './tuple-shapes.ts'

const roleName = z.string().regex(/^[a-z][A-Za-z0-9_]{0,99}$/)
export const roleSpec = z.strictObject({
  description: z.string().max(1_000).default(''),
  inherits: z.array(roleName).max(100).default([]),
  permissions: z
    .array(z.strictObject({ action: z.string().min(1).max(200), resourceType: z.string().min(1).max(200) }))
    .max(1_000)
    .default([]),
})
const createBody = roleSpec.extend({ name: roleName, scopeType: z.string().min(1).max(200) })
const changeBody = z.strictObject({
  description: z.string().max(1_000).optional(),
  inherits: z.array(roleName).max(100).optional(),
  permissions: roleSpec.shape.permissions.unwrap().optional(),
})
const shape = createBody.extend({ id: z.string() })
const assignmentBody = z.strictObject({
  subject: subjectInput,
  role: roleName,
  on: entityShape,
  until: until.optional(),
  reason: z.string().max(500).optional(),
})
const assignmentQuery = z.strictObject({
  ...pageQuery,
  subjectType: z.string().optional(),
  subjectId: z.string().optional(),
  role: z.string().optional(),
  onType: z.string().optional(),
  onId: z.string().optional(),
})
const effectiveQuery = z.strictObject({ onType: z.string(), onId: z.string() })

export const roleRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/roles',
    summary: 'Roles that administrators have named',
    action: 'listRoles',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject(pageQuery),
    responds: pageOf(shape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'roles',
        filter: [],
        async read(after, count) {
          const all = await rolesOf(admin, input).all()
          const from = after ? all.findIndex((role) => roleId(role) === after[0]) + 1 : 0
          return all.slice(from, from + count)
        },
        keyOf: (role) => [roleId(role)],
        view,
      })
      return { body }
    },
  }),
  route({
    method: 'POST',
    path: '/roles',
    summary: 'Name a role, say what it inherits and permits',
    action: 'createRole',
    resourceType: 'Tenant',
    resource: onTenant,
    body: createBody,
    successStatus: 201,
    responds: shape,
    refuses: ['role_exists', 'role_cycle'],
    async handle(input, judgement) {
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), (unit) =>
        rolesOf(admin, input).create(unit, input.body),
      )
      return { body: view(value), headers: { etag: etagOf(value.version) } }
    },
  }),
  route({
    method: 'GET',
    path: '/roles/:id',
    summary: 'One role (`Organization:editor`)',
    action: 'read',
    resourceType: 'Role',
    resource: (input) => target(admin, input),
    responds: shape,
    async handle(input) {
      const role = await get(admin, input)
      return { body: view(role), headers: { etag: etagOf(role.version) } }
    },
  }),
  route({
    method: 'GET',
    path: '/roles/:id/effective',
    summary: 'What a role permits, with what it inherits',
    action: 'read',
    resourceType: 'Role',
    resource: (input) => target(admin, input),
    responds: z.object({ permissions: roleSpec.shape.permissions }),
    async handle(input) {
      const { scopeType, name } = partsOf(input)
      const permissions = await assignmentsOf(admin, input).effectivePermissions(scopeType, name)
      return { body: { permissions: permissions.map((permission) => ({ ...permission })) } }
    },
  }),
  route({
    method: 'PATCH',
    path: '/roles/:id',
    summary: 'Change what a role inherits, permits, or how it is described',
    action: 'update',
    resourceType: 'Role',
    resource: (input) => target(admin, input),
    body: changeBody,
    responds: shape,
    refuses: ['precondition_required', 'version_conflict', 'role_cycle'],
    async handle(input, judgement) {
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const before = await get(admin, input)
        requireMatch(input.headers, etagOf(before.version))
        const {
          description = before.description,
          inherits = before.inherits,
          permissions = before.permissions,
        } = input.body
        const after: Role = { scopeType: before.scopeType, name: before.name, description, inherits, permissions }
        return (await rolesOf(admin, input).update(unit, after, before.version)) ?? get(admin, input)
      })
      return { body: view(value), headers: { etag: etagOf(value.version) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/roles/:id',
    summary: 'Remove a role that nobody has',
    action: 'remove',
    resourceType: 'Role',
    resource: (input) => target(admin, input),
    successStatus: 204,
    refuses: ['precondition_required', 'version_conflict', 'role_in_use'],
    async handle(input, judgement) {
      await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        requireMatch(input.headers, etagOf((await get(admin, input)).version))
        await rolesOf(admin, input).remove(unit, partsOf(input))
      })
      return {}
    },
  }),
]

export const assignmentRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/assignments',
    summary: 'Who has which role where',
    action: 'readAssignments',
    resourceType: 'Tenant',
    resource: onTenant,
    query: assignmentQuery,
    responds: pageOf(tupleShape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const { subjectType, subjectId, role, onType, onId } = input.query
      const filter = { resourceType: onType, resourceId: onId, relation: role, subjectType, subjectId }
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'assignments',
        filter: Object.values(filter),
        read: (after, count) => assignmentsOf(admin, input).list(filter, after, count),
        keyOf: tupleListKey,
        view: tupleView,
      })
      return { body }
    },
  }),
  ...(['POST', 'DELETE'] as const).map((method) =>
    route({
      method,
      path: '/assignments',
      summary: method === 'POST' ? 'Give a role' : 'Take a role back',
      action: 'assignRole',
      resourceType: 'Tenant',
      resource: onTenant,
      context: ({ body }: { body: z.infer<typeof assignmentBody> }) => ({ role: body.role, scope: body.on.type }),
      body: assignmentBody,
      responds: z.object({ consistencyToken: z.string() }),
      refuses: ['role_unknown', 'assignment_not_found'],
      async handle(input, judgement) {
        const { subject, role, on, until: end, reason } = input.body
        const tuple = readTuple({ subject, relation: role, resource: on, ...(end === undefined ? {} : { until: end }) })
        const { position } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
          if (method === 'POST') await assignmentsOf(admin, input).assign(unit, tuple, reason)
          else await assignmentsOf(admin, input).unassign(unit, tuple)
        })
        return { body: { consistencyToken: consistencyToken(admin.kernel, input, position) } }
      },
    }),
  ),
  route({
    method: 'GET',
    path: '/users/:id/effective',
    summary: 'Roles that a user has at a resource, inherited ones included',
    action: 'readAssignments',
    resourceType: 'Tenant',
    resource: onTenant,
    query: effectiveQuery,
    responds: z.object({ roles: z.array(z.string()) }),
    async handle(input) {
      const { onType, onId } = input.query
      const roles = await assignmentsOf(admin, input).effectiveRoles(
        entity('User', input.params.id ?? ''),
        entity(onType, onId),
      )
      return { body: { roles } }
    },
  }),
]

type Input = Pick<RouteInput, 'scope' | 'params'>
const rolesOf = (admin: Admin, { scope }: Pick<RouteInput, 'scope'>) =>
  createRoleStore(admin.kernel.database, scope.tenant.id)
const assignmentsOf = (admin: Admin, { scope }: Pick<RouteInput, 'scope'>) =>
  createAssignments({
    database: admin.kernel.database,
    tenantId: scope.tenant.id,
    now: scope.now,
    program: scope.policy.program,
  })

/** `<scope type>:<name>`; a name has no colon. */
function partsOf({ params }: Input): Pick<Role, 'scopeType' | 'name'> {
  const id = params.id ?? ''
  const colon = id.lastIndexOf(':')
  return { scopeType: id.slice(0, Math.max(colon, 0)), name: id.slice(colon + 1) }
}

async function get(admin: Admin, input: Input): Promise<StoredRole> {
  const { scopeType, name } = partsOf(input)
  const role = await rolesOf(admin, input).find(scopeType, name)
  if (!role) throw rbacErrors.role_unknown()
  return role
}

async function target(admin: Admin, input: Input) {
  const { scopeType, name } = partsOf(input)
  const role = await rolesOf(admin, input).find(scopeType, name)
  const resource = entity('Role', roleId({ scopeType, name }))
  const found = existing(input, role !== undefined, resource, 'listRoles')
  // Roles live in no entity table: the decision is given the row.
  const data = { uid: resource, attributes: new Map([['tenant', tenantOf(input)]]) }
  return 'missing' in found ? found : { ...found, entities: [data] }
}

const view = (role: StoredRole) => ({
  id: roleId(role),
  scopeType: role.scopeType,
  name: role.name,
  description: role.description,
  inherits: role.inherits,
  permissions: role.permissions.map((permission) => ({ ...permission })),
})
