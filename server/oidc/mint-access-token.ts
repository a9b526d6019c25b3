import type { KoaContextWithOIDC, ResourceServer } from 'oidc-provider'
import type { ExchangeEvidence } from '../issuance/issue.ts'
import type { Exchange } from './exchange.ts'
import type { Library } from './library.ts'
import type { Binding } from './prove-key.ts'
import type { Via } from './token-claims.ts'

/** RFC 8693 §4.1. */
export type Actor = { readonly sub: string; readonly client_id?: string; readonly act?: Actor }

/** What stands behind a token of our own grants: `permitAccessToken` asks the gate with it and writes it down. */
export type Derived = {
  /** Digest of the grant that the token hangs on. */
  readonly grant: string
  readonly via?: readonly Via[]
  readonly act?: Actor
  readonly exchange?: ExchangeEvidence
  readonly issuer?: string
  readonly acr?: string
  readonly amr?: string[]
  readonly authTime?: number
}

export type Minted = {
  readonly accountId: string
  readonly resource: string
  readonly resourceServer: ResourceServer
  readonly scopes: readonly string[]
  /** Seconds since 1970: it does not outlive what it was made of. */
  readonly notAfter: number
  readonly derived: Derived
  readonly binding: Binding
  /** More members of the answer. */
  readonly more?: { readonly [member: string]: string }
}

/**
 * One JWT access token for a person, and the answer that carries it. The library builds, asks (`extraTokenClaims`), and signs as it
 * does for its own grants: there is no second path.
 */
export async function mintAccessToken(
  ctx: KoaContextWithOIDC,
  { library, exchange, now }: { readonly library: Library; readonly exchange: Exchange; readonly now: number },
  minted: Minted,
): Promise<void> {
  const { provider, client, params } = ctx.oidc
  if (!client) throw new Error('oidc: a grant without a client')
  const seconds = Math.min(
    minted.resourceServer.accessTokenTTL ?? Number.POSITIVE_INFINITY,
    minted.notAfter - Math.floor(now / 1_000),
  )
  if (seconds < 1) throw new library.errors.InvalidRequest('what was presented has expired')
  exchange.derived = minted.derived
  const token = new provider.AccessToken({
    accountId: minted.accountId,
    client,
    grantId: '',
    gty: String(params?.grant_type),
    expiresIn: seconds,
    scope: minted.scopes.join(' '),
    resourceServer: new provider.ResourceServer(minted.resource, minted.resourceServer),
  })
  const { jkt, certificate } = minted.binding
  if (jkt !== undefined) token.setThumbprint('jkt', jkt)
  // The library hashes the certificate itself.
  if (certificate) token.setThumbprint('x5t', certificate.toString())
  ctx.oidc.entity('AccessToken', token)
  const value = await token.save()
  ctx.body = {
    access_token: value,
    ...minted.more,
    token_type: token.tokenType,
    expires_in: token.expiration,
    ...(minted.scopes.length > 0 ? { scope: minted.scopes.join(' ') } : {}),
  }
}
