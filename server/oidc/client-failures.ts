import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Database } from '../../adapters/database/port.ts'
import { createAttempts } from '../identity/attempts.ts'
import { entityOf } from '../identity/entities.ts'
import type { ClientThrottle } from './client-throttle.ts'
import type { Exchange } from './exchange.ts'

export type NoteClientFailure = (ctx: KoaContextWithOIDC, exchange: Exchange) => Promise<void>

/** A client that could not show who it is, at whichever endpoint: counted, and written down while the count lasts. */
export function createNoteClientFailure(database: Database, throttle: ClientThrottle): NoteClientFailure {
  return async (ctx, exchange) => {
    const body = ctx.body as { readonly error?: string } | undefined
    if (body?.error !== 'invalid_client') return
    const { scope } = exchange
    const clientId = ctx.oidc.client?.clientId
    const attempts = createAttempts(database, scope.tenant.id)
    const isHeard = await throttle.failed(attempts, { tenantId: scope.tenant.id, clientId, ip: scope.ip }, scope.now)
    if (!isHeard) return
    exchange.events.push({
      name: 'oidc.token.refused',
      resource: clientId === undefined ? entityOf('Tenant', scope.tenant.id) : entityOf('Client', clientId),
      outcome: 'denied',
      // A name that no client has is the caller's text, and may be a secret put in the wrong place.
      detail: { code: 'invalid_client', endpoint: ctx.oidc.route, ...(clientId !== undefined ? { clientId } : {}) },
      isSent: true,
    })
  }
}
