import { z } from 'zod'
import { scopesOf } from '../identity/entities.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import { identityScopes } from './client-metadata.ts'
import { registrationErrors } from './registration/errors.ts'

/** Scopes that open what this server holds itself: a client that has one for an API must not thereby have the other. */
const ownScopes: ReadonlySet<string> = new Set([...identityScopes, 'access', 'account', 'admin'])

const scopeName = z
  .string()
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/)
  .refine((name) => !ownScopes.has(name), 'The name of a scope of this server')
const words = z.string().trim().min(1).max(500)

/** An API of the tenant's own that tokens may be for (RFC 8707 §2). */
export const apiResourceSchema = z.strictObject({
  /** `aud` of its tokens, compared as it is. */
  identifier: z
    .string()
    .max(2_000)
    .regex(/^[a-z][a-z0-9+.-]*:[^\s#]+$/)
    .refine((identifier) => URL.canParse(identifier), 'An absolute URI'),
  name: z.string().trim().min(1).max(200),
  scopes: z
    .array(z.strictObject({ name: scopeName, description: z.strictObject({ ko: words, en: words }) }))
    .max(200)
    .refine(
      namesDiffer(({ name }: { readonly name: string }) => name),
      'Each scope once',
    )
    .default([]),
  tokenLifetimeSeconds: z.int().min(60).max(86_400).default(600),
  /** Clients, by id, that may ask what a token for it is (RFC 7662 §4): the API itself, under its own credentials. */
  checkedBy: z.array(z.string().min(1).max(2_000)).max(50).default([]),
})
export type ApiResource = z.infer<typeof apiResourceSchema>

export const apiResourcesSchema = z
  .array(apiResourceSchema)
  .max(500)
  .refine(
    namesDiffer(({ identifier }: ApiResource) => identifier),
    'Each identifier once',
  )

/** Throws where an API would be named like something of this server: its tokens would open that. */
export function requireForeign(resources: readonly ApiResource[], tenant: Tenant): void {
  const own = resources.find(({ identifier }) => isOfServer(tenant, identifier))
  if (own) throw registrationErrors.resource_of_server({ detail: `${own.identifier} lies under the issuer` })
}

/** Whatever is written: normalized as a browser would, so that no other spelling of an address of ours passes. */
export function isOfServer({ issuer, pathPrefix }: Tenant, identifier: string): boolean {
  const root = new URL(issuer.slice(0, issuer.length - pathPrefix.length)).href.replace(/\/$/, '')
  const normal = URL.parse(identifier)?.href ?? ''
  return normal === root || ['/', '?'].some((end) => normal.startsWith(`${root}${end}`))
}

/**
 * A scope that was asked for and that none of the named APIs has, nor this server. Undefined where one of the resources is not an API
 * of the tenant's: those of the server take what the client is registered for.
 */
export function unknownScope(
  resources: readonly ApiResource[],
  asked: { readonly resource: unknown; readonly scope: unknown },
): string | undefined {
  const apis = [asked.resource].flat().map((name) => resources.find(({ identifier }) => identifier === name))
  if (typeof asked.scope !== 'string' || apis.length === 0 || apis.includes(undefined)) return undefined
  const known = new Set(apis.flatMap((api) => api?.scopes ?? []).map(({ name }) => name))
  return scopesOf(asked.scope).find((name) => !known.has(name) && !identityScopes.has(name))
}

/** What the scopes of the tenant's APIs are called on pages. Where two APIs share a name, the person reads both. */
export function scopeDescriptions(
  resources: readonly ApiResource[],
  language: 'ko' | 'en',
): { readonly [scope: string]: string } {
  const described = new Map<string, string[]>()
  for (const { name: api, scopes } of resources) {
    for (const { name, description } of scopes) {
      described.set(name, [...(described.get(name) ?? []), `${description[language]} (${api})`])
    }
  }
  return Object.fromEntries([...described].map(([name, texts]) => [name, texts.join(' · ')]))
}

function namesDiffer<Item>(nameOf: (item: Item) => string) {
  return (items: readonly Item[]): boolean => new Set(items.map(nameOf)).size === items.length
}
