import type { ResourceServer } from 'oidc-provider'
import type { Tenant } from '../tenancy/tenant.ts'
import { type ApiResource, isOfServer } from './api-resources.ts'
import { identityScopes } from './client-metadata.ts'
import type { ClientRecord } from './client-records.ts'

/** Audiences that exist, as paths under the issuer (surface.md). */
const audiencePaths = ['/api', '/access', '/admin', '/account', '/storage/v1'] as const

export const registeredAudiences = (issuer: string): readonly string[] =>
  audiencePaths.map((path) => `${issuer}${path}`)

/** Where a client's own credentials lead if it names nothing (provider.md §2). */
export const defaultAudience = (issuer: string): string => `${issuer}/api`

const accessTokenSeconds = 600

/**
 * What the library needs to know to make a token for `resource`, or undefined: not registered, or not for this client. A
 * person's token for the admin API goes only to clients that were registered for it, lest an app that an administrator
 * signs in to becomes an administrator.
 */
export function resourceServerOf(
  { tenant, resources }: { readonly tenant: Tenant; readonly resources: readonly ApiResource[] },
  resource: string,
  client: ClientRecord,
  forPerson: boolean,
): ResourceServer | undefined {
  if (!registeredAudiences(tenant.issuer).includes(resource))
    return apiServerOf({ tenant, resources }, resource, client)
  const path = resource.slice(tenant.issuer.length)
  const { allowedResources } = client.metadata
  const scopes = (client.metadata.scope ?? '').split(' ').filter((scope) => scope !== '' && !identityScopes.has(scope))
  // A person's own account is opened by its scope alone, and only to apps that were registered for it.
  if (path === '/account' && !scopes.includes('account')) return undefined
  if (allowedResources) {
    if (!allowedResources.includes(resource) && !allowedResources.includes(path)) return undefined
  } else if (path === '/admin' && forPerson && !client.firstParty && !scopes.includes('admin')) {
    return undefined
  }
  return {
    audience: resource,
    scope: scopes.join(' '),
    accessTokenFormat: 'jwt',
    accessTokenTTL: client.metadata.accessTokenLifetimeSeconds ?? accessTokenSeconds,
    jwt: { sign: { alg: 'ES256' } },
  }
}

/** An API of the tenant's: open to clients that are registered for it, or, where they name no resources, for one of its scopes. */
function apiServerOf(
  kit: { readonly tenant: Tenant; readonly resources: readonly ApiResource[] },
  resource: string,
  { metadata }: ClientRecord,
): ResourceServer | undefined {
  const api = kit.resources.find(({ identifier }) => identifier === resource)
  if (!api || isOfServer(kit.tenant, resource)) return undefined
  const allowed = new Set((metadata.scope ?? '').split(' '))
  const scopes = api.scopes.map(({ name }) => name).filter((name) => allowed.has(name))
  const isAllowed = metadata.allowedResources ? metadata.allowedResources.includes(resource) : scopes.length > 0
  if (!isAllowed) return undefined
  return {
    audience: resource,
    scope: scopes.join(' '),
    accessTokenFormat: 'jwt',
    accessTokenTTL: Math.min(api.tokenLifetimeSeconds, metadata.accessTokenLifetimeSeconds ?? api.tokenLifetimeSeconds),
    jwt: { sign: { alg: 'ES256' } },
  }
}

/** Whether a token for `audience` still means something: what is no resource any more ends its tokens. */
export const isAudience = (
  { tenant, resources }: { readonly tenant: Tenant; readonly resources: readonly ApiResource[] },
  audience: string,
): boolean =>
  registeredAudiences(tenant.issuer).includes(audience) || resources.some(({ identifier }) => identifier === audience)
