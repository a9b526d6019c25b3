import { randomUUID } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { scopesOf } from '../identity/entities.ts'
import type { Issue } from '../issuance/issue.ts'
import { grantNames } from './client-metadata.ts'
import type { ClientRecord } from './client-records.ts'
import type { Exchange } from './exchange.ts'
import { type Subject, tokenTypes } from './exchange-subject.ts'
import type { Library } from './library.ts'

const lifetimeSeconds = 300

/** Signs claims as an identity assertion grant of this tenant, with the present ES256 key. */
export type SignAssertion = (claims: { readonly [name: string]: unknown }) => Promise<string>

/**
 * An identity assertion grant (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant §4.3): the person who is signed in to the client
 * here, named to another server that trusts us, for the client as it is known there. Which servers is the client's registration;
 * whether at all is the gate's to say.
 */
export async function giveIdentityAssertion(
  ctx: KoaContextWithOIDC,
  kit: {
    readonly library: Library
    readonly issuer: string
    readonly issue: Issue
    readonly signAssertion: SignAssertion
    readonly exchange: Exchange
    readonly now: number
  },
  { client, subject }: { readonly client: ClientRecord; readonly subject: Subject },
): Promise<void> {
  const { library, exchange } = kit
  const { audience, resource, scope } = ctx.oidc.params ?? {}
  const known = client.metadata.identityAssertionAudiences?.find(({ issuer }) => issuer === audience)
  if (!known || (resource !== undefined && typeof resource !== 'string')) throw new library.errors.InvalidTarget()
  const available = scopesOf(known.scope)
  const scopes = typeof scope === 'string' ? scopesOf(scope) : available
  const foreign = scopes.find((name) => !available.includes(name))
  if (foreign !== undefined) throw new library.errors.InvalidScope('requested scope is not allowed', foreign)

  const { accountId, epochs, acr, amr, authTime, email } = subject
  const evidence = { ...(acr !== undefined ? { acr } : {}), ...(amr ? { amr } : {}) }
  const request = { kind: 'assertion', grant: grantNames.exchange, scopes: [], audience: known.issuer } as const
  const permit = await kit.issue(exchange.scope, { ...request, clientId: client.id, accountId, epochs, ...evidence })
  exchange.permits.set('identity_assertion', permit)
  const seconds = Math.floor(kit.now / 1_000)
  const assertion = await kit.signAssertion({
    iss: kit.issuer,
    sub: accountId,
    aud: known.issuer,
    client_id: known.clientId,
    jti: randomUUID(),
    iat: seconds,
    exp: seconds + lifetimeSeconds,
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    ...(typeof resource === 'string' ? { resource } : {}),
    ...(authTime !== undefined ? { auth_time: authTime } : {}),
    ...evidence,
    ...(email ? { email: email.address, email_verified: email.isVerified } : {}),
  })
  ctx.body = {
    access_token: assertion,
    issued_token_type: tokenTypes.idJag,
    // It is no access token, and opens nothing here (RFC 8693 §2.2.1).
    token_type: 'N_A',
    expires_in: lifetimeSeconds,
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
  }
}
