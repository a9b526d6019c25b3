import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import type { Egress } from '../../adapters/egress/port.ts'
import { isRegistrableRedirect } from './client-metadata.ts'

const algorithms = ['ES256', 'PS256', 'EdDSA', 'RS256'] as const
const domain = z.string().regex(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/)
const fetchable = z
  .string()
  .max(2_000)
  .refine((uri) => isRegistrableRedirect(uri) && /^https?:/i.test(uri), { message: 'not an address that can be read' })

const settings = z.strictObject({
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).min(1).max(20) }).optional(),
  jwksUri: fetchable.optional(),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .default([...algorithms]),
  /** Whom `sub` names: an account of ours, or nobody, and then a proved address of one of these domains does. */
  subject: z.discriminatedUnion('by', [
    z.strictObject({ by: z.literal('account') }),
    z.strictObject({ by: z.literal('email'), domains: z.array(domain).min(1).max(50) }),
  ]),
  /** What its assertions may be exchanged for, at most. */
  scope: z.string().max(4_000).default(''),
  /** Longest time from now to `exp`. */
  maxLifetimeSeconds: z.int().min(10).max(300).default(300),
  /** Whether it may vouch for apps that register themselves (RFC 7591 §2.3). */
  softwareStatements: z.boolean().optional(),
})

/** Keys by value, or where to read them. */
const hasKeys = ({ jwks, jwksUri }: { readonly jwks?: unknown; readonly jwksUri?: unknown }): boolean =>
  (jwks === undefined) !== (jwksUri === undefined)
const keysMistake = { message: 'either jwks or jwksUri' }

export const issuerName = z.string().min(1).max(2_000)
/** What a tenant says about an issuer whose assertions it takes. */
export const trustedIssuerSchema = settings.refine(hasKeys, keysMistake)
/** The same with the issuer itself, as documents have it. */
export const trustedIssuerSpec = settings.extend({ issuer: issuerName }).refine(hasKeys, keysMistake)
export type TrustedIssuer = z.infer<typeof trustedIssuerSchema> & { readonly issuer: string }

export function createTrustedIssuerStore(database: Database, tenantId: string) {
  type Row = { readonly issuer: string; readonly settings: z.infer<typeof trustedIssuerSchema> }
  const of = ({ issuer, settings }: Row): TrustedIssuer => ({ ...settings, issuer })
  return {
    async find(issuer: string): Promise<TrustedIssuer | undefined> {
      const text = 'select issuer, settings from oidc_trusted_issuer where tenant_id = $1 and issuer = $2'
      const [row] = await database.query<Row>({ name: 'oidc_trusted_issuer-find', text }, [tenantId, issuer])
      return row && of(row)
    },
    async list(): Promise<TrustedIssuer[]> {
      const text = 'select issuer, settings from oidc_trusted_issuer where tenant_id = $1 order by issuer limit 1000'
      return (await database.query<Row>({ name: 'oidc_trusted_issuer-list', text }, [tenantId])).map(of)
    },
    async put({ issuer, ...settings }: TrustedIssuer): Promise<void> {
      const text = `insert into oidc_trusted_issuer (tenant_id, issuer, settings) values ($1, $2, $3)
on conflict (tenant_id, issuer) do update set settings = excluded.settings, version = oidc_trusted_issuer.version + 1, updated_at = now()`
      const statement = { name: 'oidc_trusted_issuer-put', text }
      await database.query(statement, [tenantId, issuer, JSON.stringify(settings)])
    },
    async remove(issuer: string): Promise<boolean> {
      const text = 'delete from oidc_trusted_issuer where tenant_id = $1 and issuer = $2 returning issuer'
      return (await database.query({ name: 'oidc_trusted_issuer-remove', text }, [tenantId, issuer])).length === 1
    },
  }
}

/** An assertion whose signature, times and audience are good; whether it is new is the caller's to claim. */
export type Assertion = {
  readonly issuer: TrustedIssuer
  readonly sub: string
  readonly jti: string
  readonly exp: number
  readonly claims: { readonly [name: string]: unknown }
  /** Made for one client, one resource and some scopes by the issuer that both trust (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant §3). */
  readonly isIdJag: boolean
}

const idJagType = /^(application\/)?oauth-id-jag\+jwt$/i

const longestAssertion = 16_384
const toleranceSeconds = 60
/** Types that mean something else, and are never an assertion about a person (RFC 8725 §3.11). */
export const foreignTypes = /^(application\/)?(at|logout|dpop|token-introspection|secevent|oauth-authz-req)\+jwt$/i
const keptMilliseconds = 5 * 60_000
const keptSets = 1_000

export type ReadAssertion = (
  tenant: { readonly id: string; readonly issuer: string },
  text: string,
  /** Issuers that the client is registered with. */
  named: readonly string[],
) => Promise<Assertion | undefined>

/**
 * Judges assertions of issuers that the tenant trusts and the client names (RFC 7523 §3). Undefined for everything that is not good:
 * which check failed is nobody's business.
 */
export function createAssertionReader(kit: {
  readonly database: Database
  readonly clock: Clock
  readonly readKeys: ReadKeys
}): ReadAssertion {
  return async (tenant, text, named) => {
    if (text.length > longestAssertion) return undefined
    try {
      const { iss } = decodeJwt(text)
      const { typ, kid } = decodeProtectedHeader(text)
      if (typeof iss !== 'string' || !named.includes(iss) || foreignTypes.test(typ ?? '')) return undefined
      const issuer = await createTrustedIssuerStore(kit.database, tenant.id).find(iss)
      if (!issuer) return undefined
      const now = kit.clock.now()
      const options = {
        issuer: iss,
        algorithms: issuer.algorithms,
        currentDate: new Date(now),
        clockTolerance: 10,
        requiredClaims: ['sub', 'aud', 'exp', 'jti'],
      }
      const set = await kit.readKeys(tenant.id, issuer, kid)
      const { payload } = await jwtVerify(text, createLocalJWKSet(set), options)
      const { sub, jti, exp, iat, aud } = payload
      // RFC 7523bis, FAPI 2.0 §5.3.2.1: one audience, as one string.
      if (aud !== tenant.issuer || typeof sub !== 'string' || typeof jti !== 'string' || typeof exp !== 'number') return
      if (jti === '' || jti.length > 256 || sub === '') return undefined
      if (exp > now / 1_000 + issuer.maxLifetimeSeconds + toleranceSeconds) return undefined
      if (iat !== undefined && iat > now / 1_000 + toleranceSeconds) return undefined
      return { issuer, sub, jti, exp, claims: payload, isIdJag: idJagType.test(typ ?? '') }
    } catch {
      return undefined
    }
  }
}

/** Keys of an issuer; `kid`: one that should be among them, else they are read again. Throws where they cannot be read. */
export type ReadKeys = (
  tenantId: string,
  issuer: Pick<TrustedIssuer, 'jwks' | 'jwksUri'>,
  kid: string | undefined,
) => Promise<JSONWebKeySet>

/** Keys by address are kept for five minutes. */
export function createKeyReader(kit: { readonly clock: Clock; readonly egress: Egress | undefined }): ReadKeys {
  const sets = new Map<string, { readonly set: JSONWebKeySet; readonly until: number }>()
  const read = async (tenantId: string, { jwks, jwksUri = '' }: Parameters<ReadKeys>[1], isFresh: boolean) => {
    if (jwks) return keySetOf(jwks)
    const key = JSON.stringify([tenantId, jwksUri])
    const known = sets.get(key)
    const now = kit.clock.now()
    // An unknown key is looked for at most once a minute.
    if (known && (isFresh ? known.until - keptMilliseconds + 60_000 > now : known.until > now)) return known.set
    const response = await kit.egress?.(jwksUri, { headers: { accept: 'application/json' } })
    const set = response?.ok ? keySetOf(await response.json()) : undefined
    if (!set) throw new Error('the keys cannot be read')
    if (sets.size >= keptSets) sets.clear()
    sets.set(key, { set, until: now + keptMilliseconds })
    return set
  }

  return async (tenantId, issuer, kid) => {
    const set = await read(tenantId, issuer, false)
    if (kid === undefined || set.keys.some((key) => key.kid === kid)) return set
    return read(tenantId, issuer, true)
  }
}

/** Public keys only: an octet key in a set would let whoever reads the set sign. */
function keySetOf(json: unknown): JSONWebKeySet {
  const { keys } = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) }).parse(json)
  return { keys: keys.filter(({ kty }) => kty !== 'oct') }
}
