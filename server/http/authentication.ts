import type { EntityValue } from '../../policy-lang/index.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { WebContext } from './mount.ts'
import type { RequestScope } from './request-scope.ts'

/** Who a credential speaks for, as far as the request scope needs it. */
export type Authenticated = {
  readonly subject: EntityValue
  /** The OAuth client through which the subject acts; the subject itself for client credentials. */
  readonly client?: EntityValue
  readonly scopes: ReadonlySet<string>
  readonly session?: NonNullable<RequestScope['session']>
  /** RFC 8693 `act`, outermost. */
  readonly actor?: EntityValue
  readonly organization?: EntityValue
  /** Milliseconds; a remembered verification ends here at the latest. */
  readonly expiresAt: number
}

/**
 * Judges bearer tokens; `server/oidc` implements it. Answers undefined for every token that is not good here and now: another
 * issuer, audience, `typ` or algorithm, expired, revoked, epochs moved, subject or client disabled. Never throws because of
 * what a token says, but `use_dpop_nonce` where a good proof carries no nonce of ours (RFC 9449 §9); a DatabaseError (`unavailable`)
 * passes through and becomes 503.
 */
export type TokenVerifier = {
  /**
   * `audiences`: absolute URLs, one of which the token must name. `possession`: how the token came; absent, by `Bearer` and without a
   * certificate. A token that is bound to a key is good only by `DPoP` and any other only by `Bearer` (RFC 9449 §7.1); one that is
   * bound to a certificate only with that certificate (RFC 8705 §3).
   */
  verify(
    tenant: Tenant,
    token: string,
    audiences: readonly string[],
    possession?: Possession,
  ): Promise<Authenticated | undefined>
}

/**
 * Client authentication as at the token endpoint (`client_secret_basic`, `private_key_jwt`, …) for routes that take it
 * beside a bearer token (AuthZEN); `server/oidc` implements it. Undefined: not good.
 */
export type ClientAuthenticator = {
  authenticate(tenant: Tenant, authorization: string): Promise<Authenticated | undefined>
}

/** The request that a token came with, its proof (RFC 9449 §4), and the certificate of its connection (RFC 8705 §3). */
export type Possession = {
  readonly scheme: 'Bearer' | 'DPoP'
  /** `x5t#S256`. */
  readonly certificate?: string | undefined
  /** The `DPoP` header; Node joins several by commas, and that is no JWT. */
  readonly proof: string | undefined
  readonly method: string
  /** The address under the issuer, never from the `Host` header. */
  readonly url: string
  /** Says in the answer which nonce the next proof should carry (RFC 9449 §9). */
  readonly offerNonce: (nonce: string) => void
}

/** What `authenticate` asks of a request, whatever scheme it turns out to use. */
export const possessionOf = (context: WebContext): Omit<Possession, 'scheme'> => {
  const { scope, path, certificate } = context.state
  const { dpop } = context.req.headers
  return {
    certificate: certificate?.thumbprint,
    proof: typeof dpop === 'string' ? dpop : undefined,
    method: context.method,
    url: scope.tenant.issuer + path,
    offerNonce: (nonce) => context.set('dpop-nonce', nonce),
  }
}

/** No subject is anonymous, never trusted. */
export { anonymous } from '../../policy-lang/index.ts'
