import { z } from 'zod'
import { route } from '../module.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { type Admin, actorOf, onTenant } from './request.ts'

export const tenantId = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
export const tenantSpec = z.strictObject({
  name: z.string().min(1).max(200).optional(),
  registration: z.enum(['open', 'invited', 'closed']).optional(),
  status: z.enum(['active', 'suspended']).optional(),
  issuer: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
})
const shape = z.object({
  id: z.string(),
  name: z.string(),
  status: z.string(),
  registration: z.string(),
  issuer: z.string(),
})

export const tenantRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/tenants',
    summary: 'Tenants of the installation (administrators of the default tenant)',
    action: 'listTenants',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject(pageQuery),
    responds: pageOf(shape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'tenants',
        filter: [],
        async read(after, count) {
          const all = await admin.kernel.tenants.list()
          return all.filter(({ id }) => after === undefined || id > (after[0] ?? '')).slice(0, count)
        },
        keyOf: ({ id }) => [id],
        view,
      })
      return { body }
    },
  }),
  route({
    method: 'POST',
    path: '/tenants',
    summary: 'Create a tenant (administrators of the default tenant)',
    action: 'createTenant',
    resourceType: 'Tenant',
    resource: onTenant,
    body: tenantSpec.extend({ id: tenantId }),
    successStatus: 201,
    responds: shape,
    refuses: ['tenant_exists', 'invalid_tenant_id'],
    async handle(input, judgement) {
      const { id, name = id, registration, status, issuer } = input.body
      const tenant = await admin.kernel.tenants.create(actorOf(input, judgement), {
        ...{ id, name },
        ...(registration === undefined ? {} : { registration }),
        ...(status === undefined ? {} : { status }),
        ...(issuer === undefined ? {} : { issuer }),
      })
      return { body: view(tenant) }
    },
  }),
]

const view = ({ id, name, status, registration, issuer }: Tenant) => ({ id, name, status, registration, issuer })
