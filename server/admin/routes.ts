import { z } from 'zod'
import type { RouteTable } from '../http/route.ts'
import { route } from '../module.ts'
import { registrationRoutes } from '../oidc/registration/registration-routes.ts'
import { auditRoutes } from './audit-routes.ts'
import { clientRoutes } from './client-routes.ts'
import { decisionRoutes } from './decision-routes.ts'
import { documentRoutes } from './document-routes.ts'
import { entityRoutes } from './entity-routes.ts'
import { openApiOf } from './openapi.ts'
import { organizationRoutes } from './organization-routes.ts'
import { policyRoutes } from './policy-routes.ts'
import { relationRoutes } from './relation-routes.ts'
import { type Admin, onTenant } from './request.ts'
import { assignmentRoutes, roleRoutes } from './role-routes.ts'
import { tenantRoutes } from './tenant-routes.ts'
import { userRoutes } from './user-routes.ts'

/** THE TABLE of the admin API, group by group: each row names its action, and the description is made of it. */
export function adminRoutes(admin: Admin): RouteTable {
  const table: RouteTable = {
    basePath: '/admin/v1',
    audiences: ['/admin'],
    routes: [
      ...userRoutes(admin),
      ...clientRoutes(admin),
      ...registrationRoutes(admin.kernel),
      ...organizationRoutes(admin),
      ...roleRoutes(admin),
      ...assignmentRoutes(admin),
      ...relationRoutes(admin),
      ...entityRoutes(admin),
      ...policyRoutes(admin),
      ...decisionRoutes(admin),
      ...tenantRoutes(admin),
      ...documentRoutes(admin),
      ...auditRoutes(admin),
      route({
        method: 'GET',
        path: '/openapi.json',
        summary: 'This description',
        action: 'readOpenApi',
        resourceType: 'Tenant',
        resource: onTenant,
        responds: z.record(z.string(), z.unknown()),
        handle: async ({ scope }) => ({ body: openApiOf(table, scope.tenant.issuer) }),
      }),
    ],
  }
  return table
}
