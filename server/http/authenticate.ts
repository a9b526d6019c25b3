import { hash } from 'node:crypto'
import type { ChangeFeed } from '../events/change.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { Authenticated, ClientAuthenticator, Possession, TokenVerifier } from './authentication.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'

/** Reads `Authorization` and answers who asks; undefined where the header is absent. Throws 401 for everything not good. */
export type Authenticate = (
  tenant: Tenant,
  authorization: string | undefined,
  audiences: readonly string[],
  now: number,
  possession?: Omit<Possession, 'scheme'>,
) => Promise<Authenticated | undefined>

/**
 * Bearer tokens through the verifier, and where a route takes it client authentication as at the token endpoint, remembered for a second by the hash of the token (never the token): a raised epoch of
 * the tenant forgets all of its tokens at once (security.md 16).
 */
export function createAuthenticate(
  changes: ChangeFeed,
  verifier: TokenVerifier | undefined,
  clientAuthenticator?: ClientAuthenticator,
): Authenticate {
  const remembered = new Map<
    string,
    { readonly who: Authenticated; readonly until: number; readonly tenantId: string }
  >()
  changes.onChange((set) => {
    if (
      !set.changes.some((change) => change.kind === 'epoch' || change.kind === 'keys' || change.kind === 'everything')
    )
      return
    for (const [key, entry] of remembered) if (entry.tenantId === set.tenantId) remembered.delete(key)
  })
  return async (tenant, authorization, audiences, now, possession) => {
    if (authorization === undefined) return undefined
    if (authorization.length > limits.bearerTokenLength) throw invalidToken()
    const bound = dpopToken(authorization)
    if (bound !== undefined) {
      // Never remembered: a proof is good for one request.
      const who = possession && (await verifier?.verify(tenant, bound, audiences, { ...possession, scheme: 'DPoP' }))
      if (!who) throw invalidProof()
      return who
    }
    const key = hash(
      'sha256',
      `${tenant.id}\n${audiences.join(' ')}\n${possession?.certificate ?? ''}\n${authorization}`,
      'base64',
    )
    const known = remembered.get(key)
    if (known && now < known.until) return known.who
    const token = bearerToken(authorization)
    const who = await (token === undefined
      ? clientAuthenticator?.authenticate(tenant, authorization)
      : verifier?.verify(tenant, token, audiences, possession && { ...possession, scheme: 'Bearer' }))
    if (!who) throw invalidToken()
    if (remembered.size >= limits.verifiedTokens) remembered.clear()
    remembered.set(key, {
      who,
      until: Math.min(who.expiresAt, now + limits.verifiedTokenMilliseconds),
      tenantId: tenant.id,
    })
    return who
  }
}

/** RFC 6750 §2.1: the header is the only place a token is taken from. */
export function bearerToken(authorization: string): string | undefined {
  if (authorization.length > limits.bearerTokenLength) return undefined
  return /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1]
}

/** RFC 9449 §7.1. */
function dpopToken(authorization: string): string | undefined {
  return /^DPoP +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization)?.[1]
}

const invalidProof = () =>
  errors.invalid_token({ headers: { 'www-authenticate': 'DPoP error="invalid_token", algs="ES256 Ed25519 EdDSA"' } })

const invalidToken = () => errors.invalid_token({ headers: { 'www-authenticate': 'Bearer error="invalid_token"' } })
