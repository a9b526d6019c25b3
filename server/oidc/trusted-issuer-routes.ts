import { z } from 'zod'
import { actorOf, onTenant } from '../admin/request.ts'
import { errors } from '../http/errors.ts'
import type { RouteTable } from '../http/route.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'
import { route } from '../module.ts'
import { createTrustedIssuerStore, issuerName, trustedIssuerSchema } from './trusted-issuers.ts'

const shape = z.looseObject({ issuer: z.string() })

/** Issuers whose assertions the tenant takes (RFC 7523 §3). An issuer is a URL, so it stands in the query, not in the path. */
export const trustedIssuerRoutes = (kernel: Kernel): RouteTable => ({
  basePath: '/admin/v1',
  audiences: ['/admin'],
  routes: [
    route({
      method: 'GET',
      path: '/trusted-issuers',
      summary: 'Issuers whose assertions the tenant takes',
      action: 'listTrustedIssuers',
      resourceType: 'Tenant',
      resource: onTenant,
      responds: z.object({ items: z.array(shape) }),
      async handle({ scope }) {
        const items = await createTrustedIssuerStore(kernel.database, scope.tenant.id).list()
        return { body: { items: z.array(z.record(z.string(), z.json())).parse(items) } }
      },
    }),
    route({
      method: 'PUT',
      path: '/trusted-issuers',
      summary: 'Trust an issuer, or change what is trusted of it',
      action: 'writeTrustedIssuers',
      resourceType: 'Tenant',
      resource: onTenant,
      query: z.strictObject({ issuer: issuerName }),
      body: trustedIssuerSchema,
      successStatus: 204,
      async handle(input, judgement) {
        const { issuer } = input.query
        const tenantId = input.scope.tenant.id
        await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
          await createTrustedIssuerStore(kernel.database, tenantId).put({ ...input.body, issuer })
          const detail = { issuer, scope: input.body.scope, subject: input.body.subject.by }
          unit.audit({ action: 'oidc.issuer.trusted', resource: entityOf('Tenant', tenantId), detail })
        })
        return {}
      },
    }),
    route({
      method: 'DELETE',
      path: '/trusted-issuers',
      summary: 'Trust an issuer no longer; what was given for its assertions ends by itself within minutes',
      action: 'writeTrustedIssuers',
      resourceType: 'Tenant',
      resource: onTenant,
      query: z.strictObject({ issuer: issuerName }),
      successStatus: 204,
      async handle(input, judgement) {
        const { issuer } = input.query
        const tenantId = input.scope.tenant.id
        await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
          if (!(await createTrustedIssuerStore(kernel.database, tenantId).remove(issuer))) throw errors.not_found()
          unit.audit({ action: 'oidc.issuer.dropped', resource: entityOf('Tenant', tenantId), detail: { issuer } })
        })
        return {}
      },
    }),
  ],
})
