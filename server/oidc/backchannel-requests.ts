import type { AdapterPayload } from 'oidc-provider'
import type { Family, FamilyContext } from './adapter.ts'
import { grantNames } from './client-metadata.ts'
import type { Exchange } from './exchange.ts'
import { requirePatience } from './poll-patience.ts'
import { authorizationGranted } from './token-events.ts'
import { found, subjectOf } from './token-families.ts'
import { createWaitingRows, keyOf } from './waiting-rows.ts'

/** Requests of one client that one person may have before them. */
const mostWaiting = 5

/** What a client is pinged with, sealed under this purpose. */
export const pingPurpose = (tenantId: string, publicId: string): string => `ciba-ping:${tenantId}:${publicId}`

/** Clients that wait for a person's word given elsewhere (CIBA Core). As device codes are, each step is taken once. */
export function backchannelRequestFamily(context: FamilyContext): Family {
  const { database, tenantId, clock, exchanges, issue, library, securityLog, secrets } = context
  const rows = createWaitingRows(database, tenantId, 'oidc_backchannel_request')

  const begin = async (exchange: Exchange, id: string, payload: AdapterPayload, seconds: number): Promise<void> => {
    const { accountId = '', clientId = '' } = payload
    const now = clock.now()
    // Whoever is asked again and again says yes in the end: a client waits for the answers that it has asked for.
    if ((await rows.countWaiting(clientId, accountId, now)) >= mostWaiting) {
      throw new library.errors.AccessDenied('the person has not answered earlier requests of this client')
    }
    const permit = await issue(exchange.scope, {
      kind: 'ciba',
      grant: grantNames.ciba,
      ...subjectOf(payload, exchange),
    })
    const publicId = `car_${secrets.token(16)}`
    const ping = JSON.stringify({ id, token: payload.params?.client_notification_token })
    await securityLog.within(exchange, async () => {
      await rows.insert(permit, {
        key: keyOf(id, exchange),
        clientId,
        accountId,
        payload: storedOf(payload),
        now,
        expiresAt: now + seconds * 1_000,
        more: { public_id: publicId, sealed: secrets.seal(pingPurpose(tenantId, publicId), Buffer.from(ping)) },
      })
      exchange.clientId = clientId
      exchange.events.push({
        name: 'oidc.ciba.requested',
        resource: { kind: 'entity', type: 'BackchannelRequest', id: publicId },
        detail: { request: publicId, clientId, userId: accountId, decisionId: permit.decisionId },
        isSent: true,
      })
    })
  }

  const approve = async (exchange: Exchange, id: string, payload: AdapterPayload): Promise<void> => {
    const { accountId, grantId } = payload
    if (accountId === undefined || grantId === undefined) throw new Error('oidc: an approval without account and grant')
    const source = exchange.source
    const permit = await issue(exchange.scope, {
      kind: 'ciba',
      grant: grantNames.ciba,
      ...subjectOf(payload, exchange),
      ...(source ? { epochs: source } : {}),
    })
    const given = { permit, accountId, grantId }
    await settle(keyOf(id, exchange), { to: 'approved', payload: storedOf(payload), given })
    exchange.events.push(authorizationGranted(permit))
  }

  const settle = async (key: string, move: Pick<Parameters<typeof rows.move>[1], 'to' | 'payload' | 'given'>) => {
    if (await rows.move(key, { from: ['waiting'], ...move })) return
    throw new library.errors.InvalidRequest('the request has been answered already')
  }

  return {
    async find(id) {
      const exchange = exchanges.current()
      const row = await (exchange.spends ? rows.findToSpend : rows.find)(keyOf(id, exchange))
      if (!row) return undefined
      await requirePatience({ library, rows, exchange, now: clock.now() }, row)
      // What was given before the account's epoch rose is not approved either: the request itself is the evidence.
      exchange.source = row.epochs
      if (exchange.spends && row.consumedAt !== undefined) exchange.replayed = 'code'
      return found(row, id)
    },
    async upsert(id, payload, expiresIn = 0) {
      const exchange = exchanges.current()
      if (payload.error !== undefined) {
        return settle(keyOf(id, exchange), { to: 'denied', payload: storedOf(payload) })
      }
      return payload.grantId === undefined ? begin(exchange, id, payload, expiresIn) : approve(exchange, id, payload)
    },
    async consume(id) {
      if (await rows.consume(keyOf(id, exchanges.current()), clock.now())) return
      throw new library.errors.InvalidGrant('auth_req_id already consumed')
    },
    destroy: (id) => rows.remove(keyOf(id, exchanges.current())),
    revokeByGrantId: (grantId) => rows.removeByGrant(grantId),
  }
}

/** The client's own token for the ping is sealed elsewhere; the parameter stays, since the library asks whether there is one. */
function storedOf({ jti: _id, ...kept }: AdapterPayload): string {
  const { client_notification_token: token, ...params } = kept.params ?? {}
  return JSON.stringify({
    ...kept,
    params: { ...params, ...(token === undefined ? {} : { client_notification_token: 'sealed' }) },
  })
}
