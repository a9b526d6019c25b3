import { createHmac } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { addressCodeBudget, browserCodeBudget, createAttempts } from '../identity/attempts.ts'
import type { Family, FamilyContext } from './adapter.ts'
import { grantNames } from './client-metadata.ts'
import type { Exchange } from './exchange.ts'
import { requirePatience } from './poll-patience.ts'
import { authorizationGranted } from './token-events.ts'
import { found, subjectOf } from './token-families.ts'
import { createWaitingRows, handleOf, keyOf, type Move } from './waiting-rows.ts'

/** What is said to the second of two who take one step. */
export const alreadyUsed = 'code has already been used'

/**
 * Devices that wait for a person (RFC 8628). The library finds a code, looks at it and writes it back; here each step takes effect
 * only from the state that it began in, so that of two browsers one confirms and of two polls one is served.
 */
export function deviceCodeFamily(context: FamilyContext): Family {
  const { database, tenantId, clock, exchanges, issue, library, securityLog, secrets } = context
  const rows = createWaitingRows(database, tenantId, 'oidc_device_code')
  // A code has 34 bits: its digest is keyed, lest a dump of the table tells it.
  const codeKey = secrets.deriveKey(`user-codes:${tenantId}`)
  const hashOf = (userCode: string) => createHmac('sha256', codeKey).update(userCode, 'utf8').digest('base64url')
  const step = async (key: string, move: Move): Promise<void> => {
    if (!(await rows.move(key, move))) throw new library.errors.InvalidRequest(alreadyUsed)
  }

  const begin = async (exchange: Exchange, id: string, payload: AdapterPayload, seconds: number): Promise<void> => {
    const { clientId = '', params } = payload
    const scope = String(params?.scope ?? '')
    const asked = { kind: 'device', grant: grantNames.device, ...subjectOf({ clientId, scope }) } as const
    const permit = await issue(exchange.scope, asked)
    const now = clock.now()
    const userCodeHash = hashOf(payload.userCode ?? '')
    await rows.insert(permit, {
      key: keyOf(id, exchange),
      clientId,
      payload: storedOf(payload),
      now,
      expiresAt: now + seconds * 1_000,
      more: { user_code_hash: userCodeHash },
    })
  }

  const approve = async (exchange: Exchange, id: string, payload: AdapterPayload): Promise<void> => {
    const { accountId, grantId } = payload
    if (accountId === undefined || grantId === undefined) throw new Error('oidc: an approval without account and grant')
    const source = exchange.signIn ? { account: exchange.signIn.epoch } : exchange.source
    const permit = await issue(exchange.scope, {
      kind: 'device',
      grant: grantNames.device,
      ...subjectOf(payload, exchange),
      ...(source ? { epochs: source } : {}),
    })
    await securityLog.within(exchange, async () => {
      const given = { permit, accountId, grantId }
      await step(keyOf(id, exchange), { from: ['in_flight'], to: 'approved', payload: storedOf(payload), given })
      exchange.events.push(authorizationGranted(permit))
    })
  }

  return {
    async find(id) {
      const exchange = exchanges.current()
      const row = await (exchange.spends ? rows.findToSpend : rows.find)(keyOf(id, exchange))
      if (!row) return undefined
      await requirePatience({ library, rows, exchange, now: clock.now() }, row)
      if (exchange.spends && row.state === 'approved') exchange.source = row.epochs
      if (exchange.spends && row.consumedAt !== undefined) exchange.replayed = 'code'
      return found(row, id)
    },

    async findByUserCode(userCode) {
      const exchange = exchanges.current()
      const attempts = createAttempts(database, tenantId)
      const budgets = [
        addressCodeBudget(exchange.scope.ip),
        ...(exchange.session ? [browserCodeBudget(exchange.session.idHash)] : []),
      ]
      // Counted before it is judged, so that parallel guesses cannot outrun the count (RFC 8628 §5.1).
      for (const budget of budgets) {
        if ((await attempts.take(budget, clock.now())) > 0) throw throttled(context)
      }
      const row = await rows.findBy('user_code_hash', hashOf(userCode))
      if (!row) return undefined
      for (const budget of budgets) await attempts.giveBack(budget)
      return { ...found(row, handleOf(row)), userCode }
    },

    async upsert(id, payload, expiresIn = 0) {
      const exchange = exchanges.current()
      const { error, accountId, inFlight } = payload
      const key = keyOf(id, exchange)
      if (error !== undefined) {
        return step(key, { from: ['waiting', 'in_flight'], to: 'denied', payload: storedOf(payload) })
      }
      if (accountId !== undefined) return approve(exchange, id, payload)
      if (inFlight) return step(key, { from: ['waiting'], to: 'in_flight', payload: storedOf(payload) })
      return begin(exchange, id, payload, expiresIn)
    },

    async consume(id) {
      if (await rows.consume(keyOf(id, exchanges.current()), clock.now())) return
      throw new library.errors.InvalidGrant('device code already consumed')
    },
    destroy: (id) => rows.remove(keyOf(id, exchanges.current())),
    revokeByGrantId: (grantId) => rows.removeByGrant(grantId),
  }
}

/** Neither value that opens the row is in it: not the device's, not the person's. */
const storedOf = ({ jti: _id, userCode: _code, ...kept }: AdapterPayload): string => JSON.stringify(kept)

function throttled({ library }: FamilyContext): Error {
  const error = new library.errors.CustomOIDCProviderError('too_many_requests', 'too many codes were tried')
  return Object.assign(error, { status: 429, statusCode: 429, expose: true })
}
