import type { KoaContextWithOIDC } from 'oidc-provider'
import { entityOf } from '../identity/entities.ts'
import type { Permit } from '../issuance/issue.ts'
import type { Consent } from './consents.ts'
import type { Exchange } from './exchange.ts'
import type { SecurityEvent } from './security-log.ts'
import { digest } from './token-rows.ts'

/** Who was given what, by the decision that permitted it; never the credential's id, which opens an opaque one. */
export const describedPermit = ({ decisionId, request }: Permit): SecurityEvent['detail'] => ({
  decisionId,
  grant: request.grant,
  scopes: request.scopes,
  ...(request.clientId !== undefined ? { clientId: request.clientId } : {}),
  ...(request.accountId !== undefined ? { userId: request.accountId } : {}),
  ...(request.audience !== undefined ? { audience: request.audience } : {}),
  ...(request.details ? { details: request.details.map(({ action, resource }) => `${resource.type}.${action}`) } : {}),
  ...(request.issuer !== undefined ? { issuer: request.issuer } : {}),
  ...(request.exchange ? { mode: request.exchange.mode, actor: request.exchange.actor.id } : {}),
})

const ownerOf = ({ request }: Permit) =>
  request.accountId === undefined ? entityOf('Client', request.clientId ?? '') : entityOf('User', request.accountId)

export const authorizationGranted = (permit: Permit): SecurityEvent => ({
  name: 'oidc.authorization.granted',
  resource: ownerOf(permit),
  detail: describedPermit(permit),
  isSent: true,
})

/** One per answer of the token endpoint, but for a client's own grant (`grant-trail.ts`). */
export function issuedEvents({ permits }: Exchange): readonly SecurityEvent[] {
  const access = [...permits.values()].find(({ request }) => request.kind === 'access' || request.kind === 'assertion')
  if (!access) return []
  return [{ name: 'oidc.token.issued', resource: ownerOf(access), detail: describedPermit(access), isSent: true }]
}

/** A grant ended, and why: what was spent came again, or somebody asked. */
export function grantRevokedEvents(
  { replayed, refresh, clientId = '' }: Exchange,
  grantId: string | undefined,
): readonly SecurityEvent[] {
  const resource = entityOf('Client', clientId)
  const grant = grantId === undefined ? undefined : digest(grantId)
  const detail = { clientId, ...(grant !== undefined ? { grant } : {}) }
  const reason = replayed === 'code' ? 'code_replayed' : replayed === 'refresh' ? 'refresh_reused' : 'asked'
  const revoked: SecurityEvent = {
    name: 'oidc.grant.revoked',
    resource,
    detail: { ...detail, reason },
    isSent: true,
  }
  if (replayed === undefined) return [revoked]
  const presented = refresh ? { presented: digest(refresh.value) } : {}
  const name = replayed === 'code' ? 'oidc.code.replayed' : 'oidc.refresh.reused'
  return [{ name, resource, outcome: 'denied', detail: { ...detail, ...presented }, isSent: true }, revoked]
}

export const consentGranted = (accountId: string, clientId: string, asked: Consent): SecurityEvent => ({
  name: 'oidc.consent.granted',
  resource: entityOf('User', accountId),
  detail: {
    userId: accountId,
    clientId,
    scopes: [...asked.scopes, ...Object.values(asked.resources).flat()],
    claims: asked.claims,
  },
  isSent: true,
})

/** RFC 7009: what the caller took back. A refresh or opaque token takes its grant along, which says so itself. */
export function noteRevocation({ status, oidc }: KoaContextWithOIDC, exchange: Exchange): void {
  const { client } = oidc
  if (status !== 200 || !client) return
  exchange.clientId = client.clientId
  const detail = { clientId: client.clientId, kind: String(oidc.params?.token_type_hint ?? 'unsaid').slice(0, 40) }
  exchange.events.push({ name: 'oidc.token.revoked', resource: entityOf('Client', client.clientId), detail })
}
