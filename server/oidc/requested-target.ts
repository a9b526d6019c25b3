import type { KoaContextWithOIDC, ResourceServer } from 'oidc-provider'
import { scopesOf } from '../identity/entities.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { ApiResource } from './api-resources.ts'
import { identityScopes } from './client-metadata.ts'
import type { ClientRecord } from './client-records.ts'
import type { Library } from './library.ts'
import { defaultAudience, resourceServerOf } from './resources.ts'

export type Target = { readonly resource: string; readonly server: ResourceServer }

/** The one resource that an own grant's token is for: `resource`, or `audience` by the same name (RFC 8707 §2, RFC 8693 §2.1). */
export function requestedTarget(
  ctx: KoaContextWithOIDC,
  {
    library,
    tenant,
    resources,
    client,
  }: {
    readonly library: Library
    readonly tenant: Tenant
    readonly resources: readonly ApiResource[]
    readonly client: ClientRecord
  },
): Target {
  const { resource, audience } = ctx.oidc.params ?? {}
  const named = [...new Set([resource, audience].flat().filter((name) => name !== undefined))]
  const [only = defaultAudience(tenant.issuer)] = named
  const server = typeof only === 'string' ? resourceServerOf({ tenant, resources }, only, client, true) : undefined
  if (named.length > 1 || typeof only !== 'string' || !server) throw new library.errors.InvalidTarget()
  return { resource: only, server }
}

/** Scopes that were asked for, or all that there are; never one that the source, the client or the resource does not have. */
export function requestedScopes(
  ctx: KoaContextWithOIDC,
  {
    library,
    client,
    available,
    server,
  }: {
    readonly library: Library
    readonly client: ClientRecord
    /** What the source has, or may be used for. */
    readonly available: readonly string[]
    readonly server: ResourceServer
  },
): readonly string[] {
  const { scope } = ctx.oidc.params ?? {}
  const asked = typeof scope === 'string' ? scopesOf(scope) : undefined
  const allowed = new Set(scopesOf(client.metadata.scope))
  const foreign = asked?.find((name) => !available.includes(name) || !allowed.has(name))
  if (foreign !== undefined) throw new library.errors.InvalidScope('requested scope is not allowed', foreign)
  const ofServer = new Set(scopesOf(server.scope))
  const unknown = asked?.find((name) => !ofServer.has(name) && !identityScopes.has(name))
  if (unknown !== undefined) throw new library.errors.InvalidScope('the resource has no such scope', unknown)
  return (asked ?? available).filter((name) => allowed.has(name) && ofServer.has(name))
}
