import { z } from 'zod'
import { errors } from '../http/errors.ts'
import { type RouteInput, route } from '../module.ts'
import { createTupleStore } from '../relations/tuple-store.ts'
import { etagOf, requireMatch } from './concurrency.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { maskFields } from './mask-fields.ts'
import { createOrganizationStore, type Organization } from './organization-store.ts'
import { type Admin, actorOf, entity, existing, onTenant, withTenant } from './request.ts'
import { subjectShape, subjectView } from './tuple-shapes.ts'

export const organizationId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
export const organizationSpec = z.strictObject({
  name: z.string().min(1).max(200),
  status: z.enum(['active', 'suspended']).default('active'),
  parent: organizationId.optional(),
  domains: z.array(z.string().min(1).max(253)).max(100).default([]),
})
const createBody = organizationSpec.extend({ id: organizationId })
const changeBody = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  status: z.enum(['active', 'suspended']).optional(),
  parent: organizationId.nullable().optional(),
  domains: z.array(z.string().min(1).max(253)).max(100).optional(),
})
const shape = createBody.partial().extend({ id: z.string() })
const memberShape = z.object({ relation: z.string(), subject: subjectShape })

export const organizationRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/organizations',
    summary: 'Organizations that the caller may read',
    action: 'listOrganizations',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject(pageQuery),
    responds: pageOf(shape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'organizations',
        filter: [],
        read: (after, count) => storeOf(admin, input).list(after?.[0], count),
        keyOf: ({ id }) => [id],
        question: ({ id }) => ({ action: 'read', resource: entity('Organization', id), context: withTenant(input) }),
        view: (row, judgement) => view(row, input, judgement?.fields),
      })
      return { body }
    },
  }),
  route({
    method: 'POST',
    path: '/organizations',
    summary: 'Create an organization',
    action: 'createOrganization',
    resourceType: 'Tenant',
    resource: onTenant,
    body: createBody,
    successStatus: 201,
    responds: shape,
    refuses: ['organization_exists', 'parent_not_found'],
    async handle(input, judgement) {
      const created = compact(input.body)
      await admin.kernel.withTransaction(actorOf(input, judgement), (unit) =>
        storeOf(admin, input).create(unit, created),
      )
      return { body: view(created, input, undefined), headers: { etag: etagOf(plain(created)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/:id',
    summary: 'One organization',
    action: 'read',
    resourceType: 'Organization',
    resource: (input) => target(admin, input),
    context: withTenant,
    responds: shape,
    async handle(input, judgement) {
      const found = await get(admin, input)
      return { body: view(found, input, judgement.fields), headers: { etag: etagOf(plain(found)) } }
    },
  }),
  route({
    method: 'GET',
    path: '/organizations/:id/members',
    summary: 'Who is owner, admin or member, or has a role',
    action: 'read',
    resourceType: 'Organization',
    resource: (input) => target(admin, input),
    context: withTenant,
    query: z.strictObject(pageQuery),
    responds: pageOf(memberShape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const filter = { resourceType: 'Organization', resourceId: idOf(input) }
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'members',
        filter: [idOf(input)],
        read: (after, count) =>
          createTupleStore(admin.kernel.database, input.scope.tenant.id).list(
            filter,
            after ? ['Organization', idOf(input), ...after] : undefined,
            count,
          ),
        keyOf: ({ relation, subject }) => {
          const key = subjectView(subject)
          return [relation, key.type, key.id, key.relation ?? '']
        },
        view: ({ relation, subject }) => ({ relation, subject: subjectView(subject) }),
      })
      return { body }
    },
  }),
  route({
    method: 'PATCH',
    path: '/organizations/:id',
    summary: 'Change an organization',
    action: 'update',
    resourceType: 'Organization',
    resource: (input) => target(admin, input),
    context: withTenant,
    body: changeBody,
    responds: shape,
    refuses: ['precondition_required', 'version_conflict', 'organization_cycle', 'parent_not_found'],
    async handle(input, judgement) {
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const before = await get(admin, input)
        requireMatch(input.headers, etagOf(plain(before)))
        const after = compact({ ...before, ...input.body })
        await storeOf(admin, input).update(unit, before, after)
        return after
      })
      return { body: view(value, input, judgement.fields), headers: { etag: etagOf(plain(value)) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/organizations/:id',
    summary: 'Remove an organization and what is said about it',
    action: 'remove',
    resourceType: 'Organization',
    resource: (input) => target(admin, input),
    context: withTenant,
    successStatus: 204,
    refuses: ['precondition_required', 'version_conflict', 'organization_in_use'],
    async handle(input, judgement) {
      await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        requireMatch(input.headers, etagOf(plain(await get(admin, input))))
        await storeOf(admin, input).remove(unit, idOf(input))
      })
      return {}
    },
  }),
]

type Input = Pick<RouteInput, 'scope' | 'params'>
const idOf = ({ params }: Input): string => params.id ?? ''
const storeOf = (admin: Admin, { scope }: Pick<RouteInput, 'scope'>) =>
  createOrganizationStore(admin.kernel.database, scope.tenant.id)

async function get(admin: Admin, input: Input): Promise<Organization> {
  const found = await storeOf(admin, input).find(idOf(input))
  if (!found) throw errors.version_conflict({ detail: 'It was removed meanwhile.' })
  return found
}

async function target(admin: Admin, input: Input) {
  const found = await storeOf(admin, input).find(idOf(input))
  return existing(input, found !== undefined, entity('Organization', idOf(input)), 'listOrganizations')
}

type Given = { readonly [K in keyof Organization]?: Organization[K] | undefined | (K extends 'parent' ? null : never) }

/** `parent: null` takes the organization out of the tree. */
export function compact(given: Given & Pick<Organization, 'id'>): Organization {
  const { id, name = id, status = 'active', parent, domains = [] } = given
  return { id, name, status, domains, ...(parent === undefined || parent === null ? {} : { parent }) }
}

const plain = ({ id, name, status, domains, parent }: Organization) => ({
  id,
  name,
  status,
  domains,
  parent: parent ?? null,
})

const view = (
  organization: Organization,
  { scope }: Pick<RouteInput, 'scope'>,
  fields: readonly string[] | undefined,
) => maskFields({ ...organization }, { program: scope.policy.program, type: 'Organization', fields })
