import type { AdapterPayload } from 'oidc-provider'
import type { IssueRequest } from '../issuance/issue.ts'
import type { Family, FamilyContext } from './adapter.ts'
import { detailRequests } from './authorization-details.ts'
import type { Exchange } from './exchange.ts'
import { parse, withoutId } from './families.ts'
import { openSuccessor, sealSuccessor } from './successor.ts'
import { authorizationGranted, grantRevokedEvents } from './token-events.ts'
import type { NewToken, TokenRow } from './token-rows.ts'

/** A client that lost the answer may ask again this long and is given the same successor (provider.md §2). */
const graceMilliseconds = 30_000

export function codeFamily(context: FamilyContext): Family {
  const { rows, clock, exchanges, issue, library, securityLog } = context
  return {
    stage: 'authorize',
    async find(id) {
      const exchange = exchanges.current()
      const row = await (exchange.spends ? rows.findToSpend : rows.find)('oidc_code', id)
      if (!row) return undefined
      exchange.source = epochsOf(row)
      exchange.code = id
      if (exchange.spends && row.consumedAt !== undefined) exchange.replayed = 'code'
      return found(row, id)
    },
    async upsert(id, payload, expiresIn = 0) {
      const exchange = exchanges.current()
      const source = exchange.signIn ? { account: exchange.signIn.epoch } : exchange.source
      const request: IssueRequest = {
        kind: 'code',
        grant: 'authorization_code',
        ...subjectOf(payload, exchange),
        ...(source ? { epochs: source } : {}),
      }
      const permit = await issue(exchange.scope, request)
      exchange.permits.set(id, permit)
      await securityLog.within(exchange, async () => {
        await rows.insert('oidc_code', permit, newToken(id, payload, clock.now() + expiresIn * 1_000))
        exchange.events.push(authorizationGranted(permit))
      })
    },
    async consume(id) {
      if (await rows.consume('oidc_code', id, clock.now())) return
      // RFC 6749 §4.1.2: a code used twice takes back what it gave.
      const row = await rows.find('oidc_code', id)
      const grantId = row ? parse(row.payload).grantId : undefined
      if (grantId !== undefined) await rows.revokeGrant(grantId)
      const exchange = exchanges.current()
      exchange.replayed = 'code'
      exchange.events.push(...grantRevokedEvents(exchange, grantId))
      throw new library.errors.InvalidGrant('authorization code already consumed')
    },
    destroy: (id) => rows.remove('oidc_code', id),
    revokeByGrantId: (grantId) => rows.removeByGrant('oidc_code', grantId),
  }
}

/** Opaque access tokens; a JWT is never stored. The permit was given in `extraTokenClaims`, which runs first. */
export function accessTokenFamily({ rows, clock, exchanges }: FamilyContext): Family {
  return {
    async find(id) {
      const row = await rows.find('oidc_access_token', id)
      return row ? found(row, id) : undefined
    },
    async upsert(id, payload, expiresIn = 0) {
      const permit = exchanges.current().permits.get(id)
      if (!permit) throw new Error('oidc: an access token came to be stored without a permit')
      await rows.insert('oidc_access_token', permit, newToken(id, payload, clock.now() + expiresIn * 1_000))
    },
    destroy: (id) => rows.remove('oidc_access_token', id),
    revokeByGrantId: (grantId) => rows.removeByGrant('oidc_access_token', grantId),
  }
}

export function refreshTokenFamily({ rows, clock, exchanges, issue, library }: FamilyContext): Family {
  return {
    async find(id) {
      const exchange = exchanges.current()
      const row = await (exchange.spends ? rows.findToSpend : rows.find)('oidc_refresh_token', id)
      if (!row) return undefined
      exchange.source = epochsOf(row)
      exchange.refresh = { value: id }
      if (exchange.spends && row.consumedAt !== undefined) exchange.replayed = 'refresh'
      const isGrace =
        exchange.spends && row.consumedAt !== undefined && clock.now() - row.consumedAt <= graceMilliseconds
      if (!isGrace || row.successor === undefined) return found(row, id)
      const successor = openSuccessor(id, row.successor)
      const next = await rows.find('oidc_refresh_token', successor)
      // Once the successor itself has been spent, the old token is a stolen copy or a very late one: reuse.
      if (!next || next.consumedAt !== undefined) return found(row, id)
      exchange.source = epochsOf(next)
      delete exchange.replayed
      exchange.refresh = { value: id, successor }
      return found(next, successor)
    },
    async upsert(id, payload, expiresIn = 0) {
      const exchange = exchanges.current()
      const previous = payload.rotations ? exchange.refresh?.value : undefined
      const permit = await issue(exchange.scope, {
        kind: 'refresh',
        grant: exchange.grantType ?? 'refresh_token',
        ...subjectOf(payload, exchange),
        ...(exchange.source ? { epochs: exchange.source } : {}),
      })
      exchange.permits.set(id, permit)
      await rows.insert('oidc_refresh_token', permit, newToken(id, payload, clock.now() + expiresIn * 1_000))
      if (previous !== undefined) await rows.putSuccessor(previous, sealSuccessor(previous, id))
    },
    async consume(id) {
      if (await rows.consume('oidc_refresh_token', id, clock.now())) return
      throw new library.errors.InvalidGrant('refresh token already used')
    },
    destroy: (id) => rows.remove('oidc_refresh_token', id),
    revokeByGrantId: (grantId) => rows.removeByGrant('oidc_refresh_token', grantId),
  }
}

const epochsOf = (row: TokenRow) => ({ account: row.accountEpoch, client: row.clientEpoch, tenant: row.tenantEpoch })

export const found = (row: Pick<TokenRow, 'payload' | 'consumedAt'>, id: string): AdapterPayload => ({
  ...parse(row.payload),
  jti: id,
  ...(row.consumedAt !== undefined ? { consumed: Math.floor(row.consumedAt / 1_000) } : {}),
})

/** Whose credential it is, and what it may be used for. */
export function subjectOf(
  { clientId, accountId, scope, resource, acr, amr, rar }: Partial<AdapterPayload>,
  exchange?: Pick<Exchange, 'scope'>,
) {
  return {
    ...(rar && exchange ? { details: detailRequests(exchange.scope.policy.program, rar) } : {}),
    ...(clientId !== undefined ? { clientId } : {}),
    ...(accountId !== undefined ? { accountId } : {}),
    scopes: (scope ?? '').split(' ').filter((name) => name !== ''),
    ...(typeof resource === 'string' ? { audience: resource } : {}),
    ...(acr !== undefined ? { acr } : {}),
    ...(amr !== undefined ? { amr } : {}),
  }
}

function newToken(id: string, payload: AdapterPayload, expiresAt: number): NewToken {
  const { grantId, accountId, clientId } = payload
  if (grantId === undefined || accountId === undefined || clientId === undefined) {
    throw new Error('oidc: a token without grant, account and client')
  }
  return { id, grantId, accountId, clientId, payload: withoutId(payload), expiresAt }
}
