import type { Mount, WebContext } from '../http/mount.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Tenants } from '../tenancy/tenants.ts'
import { dpopAlgorithms } from './dpop-proof.ts'
import { defaultAudience, registeredAudiences } from './resources.ts'

const wellKnown = '/.well-known/oauth-protected-resource'

/**
 * Where a resource of ours says which server gives its tokens (RFC 9728 §3): the well-known part stands before the path of the
 * resource. For another tenant it is also answered below the tenant's own prefix.
 */
export function createResourceMetadataMount(tenants: Tenants): Mount {
  return {
    name: 'resource metadata',
    paths: [wellKnown, `${wellKnown}/*`],
    async handle(context) {
      const below = context.state.path.slice(wellKnown.length)
      const inserted = /^\/t\/([^/]+)(\/.*)?$/.exec(below)
      const tenant = inserted?.[1] === undefined ? context.state.scope.tenant : await tenants.find(inserted[1])
      const isOwn = inserted === null || (tenant !== undefined && tenant.pathPrefix !== '')
      const path = inserted ? (inserted[2] ?? '') : below
      const resource = tenant && isOwn ? resourceAt(tenant, path) : undefined
      if (!tenant || resource === undefined) return answer(context, 404, { error: 'not_found' })
      if (context.method !== 'GET' && context.method !== 'HEAD') {
        context.set('allow', 'GET, HEAD')
        return answer(context, 405, { error: 'invalid_request' })
      }
      context.set('cache-control', 'public, max-age=300')
      answer(context, 200, {
        resource,
        authorization_servers: [tenant.issuer],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: dpopAlgorithms,
        resource_documentation: `${tenant.issuer}/docs`,
      })
    },
  }
}

/** Without a path: where a client's own credentials lead. */
function resourceAt({ issuer }: Tenant, path: string): string | undefined {
  if (path === '') return defaultAudience(issuer)
  const resource = `${issuer}${path}`
  return registeredAudiences(issuer).includes(resource) ? resource : undefined
}

function answer(context: WebContext, status: number, body: object): void {
  context.status = status
  context.body = body
}
