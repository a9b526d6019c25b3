import type { AccessToken, ClientCredentials, KoaContextWithOIDC } from 'oidc-provider'
import type { Issue } from '../issuance/issue.ts'
import { detailRequests } from './authorization-details.ts'
import type { Exchange } from './exchange.ts'
import { grantSourceOf } from './grant-source.ts'
import type { Actor } from './mint-access-token.ts'
import { digest } from './token-rows.ts'

/** Claims of ours in a JWT access token: what its verification compares with the present (`access-tokens.ts`). */
export type WritClaims = {
  /** Epochs of tenant, client and account when it was made. */
  readonly ep: readonly [tenant: number, client: number, account: number]
  /** Digest of the grant: a token ends with it. Absent for client credentials. */
  readonly gr?: string
  /** Tokens that this one was exchanged for (RFC 8693): it ends with each of them, and with the client that each was given to. */
  readonly via?: readonly Via[]
  /** Whom it is about, sealed, where `sub` is a pairwise name (`pairwise.ts`). */
  readonly of?: string
  /** Who acts, as the JSON of the chain, sealed, where `act` shows pairwise names. */
  readonly by?: string
}
export type Via = readonly [client: string, epoch: number, jti: string]

/** What is sealed of actors is not what is sealed of a subject. */
export const actorsOf = (jti: string): string => `${jti}:act`

/**
 * Asks the gate before any access token exists: the library awaits this for opaque tokens, JWTs and client credentials alike,
 * before it stores or signs (provider.md §4).
 */
export async function permitAccessToken(
  ctx: KoaContextWithOIDC,
  token: AccessToken | ClientCredentials,
  {
    issue,
    exchange,
    sealAccount,
    shownActors,
  }: {
    readonly issue: Issue
    readonly exchange: Exchange
    readonly sealAccount: (of: { readonly jti: string; readonly sub: string }) => string
    /** Undefined where the client may know who acts. */
    readonly shownActors: (act: Actor) => Actor | undefined
  },
): Promise<{ readonly [claim: string]: unknown } | undefined> {
  const { params } = ctx.oidc
  const { derived } = exchange
  const source = derived ?? grantSourceOf(ctx)
  const accountId = 'accountId' in token ? token.accountId : undefined
  const audience = typeof token.aud === 'string' ? token.aud : undefined
  const permit = await issue(exchange.scope, {
    kind: 'access',
    grant: String(params?.grant_type ?? ''),
    // The library reads a token without a scope as one whose scope is empty text.
    scopes: [...token.scopes].filter((scope) => scope !== ''),
    ...(token.clientId !== undefined ? { clientId: token.clientId } : {}),
    ...(accountId !== undefined ? { accountId } : {}),
    ...(audience !== undefined ? { audience } : {}),
    ...(source?.acr !== undefined ? { acr: source.acr } : {}),
    ...(source?.amr !== undefined ? { amr: source.amr } : {}),
    ...(accountId !== undefined && exchange.source ? { epochs: exchange.source } : {}),
    ...(token.rar ? { details: detailRequests(exchange.scope.policy.program, token.rar) } : {}),
    ...(derived?.exchange ? { exchange: derived.exchange } : {}),
    ...(derived?.issuer !== undefined ? { issuer: derived.issuer } : {}),
  })
  exchange.permits.set(token.jti, permit)
  if (audience === undefined) return undefined
  const grantId = 'grantId' in token ? token.grantId : undefined
  const grant = derived?.grant ?? (grantId !== undefined ? digest(grantId) : undefined)
  const shown = derived?.act && shownActors(derived.act)
  const writ: WritClaims = {
    ep: [permit.epochs.tenant, permit.epochs.client ?? 0, permit.epochs.account ?? 0],
    ...(grant !== undefined ? { gr: grant } : {}),
    ...(derived?.via ? { via: derived.via } : {}),
    ...(accountId !== undefined && ctx.oidc.client?.subjectType === 'pairwise'
      ? { of: sealAccount({ jti: token.jti, sub: accountId }) }
      : {}),
    ...(shown ? { by: sealAccount({ jti: actorsOf(token.jti), sub: JSON.stringify(derived?.act) }) } : {}),
  }
  return {
    writ,
    ...(derived?.act ? { act: shown ?? derived.act } : {}),
    ...(source?.authTime !== undefined ? { auth_time: source.authTime } : {}),
    ...(source?.acr !== undefined ? { acr: source.acr } : {}),
    ...(source?.amr !== undefined ? { amr: source.amr } : {}),
  }
}
