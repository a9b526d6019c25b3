import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { entityOf } from '../identity/entities.ts'
import type { Exchanges } from './exchange.ts'
import { grantRevokedEvents } from './token-events.ts'

/** What the library tells as it happens becomes a note of the request; whoever ends the request's transaction writes it. */
export function noteEvents(provider: Provider, exchanges: Exchanges): void {
  provider.on('grant.revoked', (ctx: KoaContextWithOIDC, grantId: string) => {
    const exchange = exchanges.current()
    const clientId = ctx.oidc.client?.clientId
    if (clientId !== undefined) exchange.clientId = clientId
    exchange.events.push(...grantRevokedEvents(exchange, grantId))
  })
  provider.on('end_session.success', (ctx: KoaContextWithOIDC) => {
    const { session, params } = ctx.oidc
    const accountId = exchanges.current().session?.accountId ?? session?.accountId
    // Only this app was signed out: the session goes on.
    if (accountId === undefined || !params?.logout) return
    const detail = { userId: accountId }
    const resource = entityOf('User', accountId)
    exchanges.current().events.push({ name: 'identity.session.ended', resource, detail, isSent: true })
  })
  provider.on('authorization.error', (ctx: KoaContextWithOIDC, error: Error & { readonly error?: string }) => {
    const clientId = ctx.oidc.client?.clientId
    // Only what somebody decided: malformed requests come from anywhere, and would fill the trail.
    if (error.error !== 'access_denied' || clientId === undefined) return
    const userId = ctx.oidc.session?.accountId
    const detail = { clientId, ...(userId !== undefined ? { userId } : {}) }
    const resource = entityOf('Client', clientId)
    const name = 'oidc.authorization.denied'
    exchanges.current().events.push({ name, resource, outcome: 'denied', detail, isSent: true })
  })
}
