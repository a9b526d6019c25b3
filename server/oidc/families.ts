import type { AdapterPayload } from 'oidc-provider'
import type { Family, FamilyContext } from './adapter.ts'
import { digest } from './token-rows.ts'

/** A session that only moved its expiry is not written again within this time (security.md §3, provider.md §3). */
const touchMilliseconds = 60_000

const sessionFind = {
  name: 'oidc_session-find',
  text: `select s.payload, s.account_id, s.account_epoch, s.tenant_epoch, s.expires_at
from oidc_session s
join tenant n on n.id = s.tenant_id and n.status = 'active'
left join account a on a.tenant_id = s.tenant_id and a.id = s.account_id
where s.tenant_id = $1 and s.id_hash = $2 and s.expires_at > $3
  and (s.account_id is null or (a.status = 'active' and a.epoch = s.account_epoch and n.epoch = s.tenant_epoch))`,
}
const sessionFindByUid = {
  name: 'oidc_session-find-by-uid',
  text: sessionFind.text.replace('s.id_hash = $2', 's.uid = $2'),
}
const sessionPut = {
  name: 'oidc_session-put',
  text: `insert into oidc_session
(tenant_id, id_hash, uid, account_id, account_epoch, tenant_epoch, decision_id, payload, created_at, expires_at, agent, ip, used_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $9)
on conflict (tenant_id, id_hash) do update set payload = excluded.payload, expires_at = excluded.expires_at,
  agent = excluded.agent, ip = excluded.ip, used_at = excluded.used_at`,
}

type SessionRecord = {
  readonly payload: string
  readonly account_id: string | null
  readonly account_epoch: string
  readonly tenant_epoch: string
  readonly expires_at: Date
}

/** Signed-in browsers. Whose account was disabled, deleted or raised its epoch is signed out by not being found. */
export function sessionFamily({ database, tenantId, clock, issue, exchanges }: FamilyContext): Family {
  const read = (row: SessionRecord): AdapterPayload => {
    const payload = parse(row.payload)
    return { ...payload, exp: Math.floor(row.expires_at.getTime() / 1_000) }
  }
  return {
    stage: 'authorize',
    async find(id) {
      const idHash = digest(id)
      const [row] = await database.query<SessionRecord>(sessionFind, [tenantId, idHash, new Date(clock.now())])
      if (!row) return undefined
      const exchange = exchanges.current()
      exchange.session = {
        idHash,
        payload: row.payload,
        expiresAt: row.expires_at.getTime(),
        ...(row.account_id !== null ? { accountId: row.account_id } : {}),
      }
      exchange.source = { account: Number(row.account_epoch), tenant: Number(row.tenant_epoch) }
      return { ...read(row), jti: id }
    },
    async findByUid(uid) {
      const values = [tenantId, uid, new Date(clock.now())]
      const [row] = await database.query<SessionRecord>(sessionFindByUid, values)
      return row ? read(row) : undefined
    },
    async upsert(id, payload, expiresIn = 0) {
      const exchange = exchanges.current()
      const idHash = digest(id)
      const { accountId } = payload
      const text = stored(payload)
      const now = clock.now()
      const expiresAt = now + expiresIn * 1_000
      const known = exchange.session?.idHash === idHash ? exchange.session : undefined
      const isTouch = known !== undefined && known.accountId === accountId
      if (isTouch && known.payload === text && Math.abs(known.expiresAt - expiresAt) < touchMilliseconds) return
      // A new id that speaks for an account is a new credential; the same id for the same account is not.
      const permit =
        accountId !== undefined && !isTouch
          ? await issue(exchange.scope, {
              kind: 'session',
              grant: exchange.signIn?.accountId === accountId ? exchange.signIn.grant : 'session',
              accountId,
              scopes: [],
              ...(payload.acr !== undefined ? { acr: payload.acr } : {}),
              ...(payload.amr !== undefined ? { amr: payload.amr } : {}),
              ...sourceOf(exchange, accountId),
            })
          : undefined
      if (permit) exchange.permits.set(id, permit)
      await database.query(sessionPut, [
        tenantId,
        idHash,
        payload.uid,
        accountId ?? null,
        permit?.epochs.account ?? 0,
        permit?.epochs.tenant ?? 0,
        permit?.decisionId ?? null,
        text,
        new Date(now),
        new Date(expiresAt),
        exchange.agent ?? null,
        exchange.scope.ip,
      ])
      exchange.session = { idHash, payload: text, expiresAt, ...(accountId !== undefined ? { accountId } : {}) }
    },
    async destroy(id) {
      const text = 'delete from oidc_session where tenant_id = $1 and id_hash = $2'
      await database.query({ name: 'oidc_session-remove', text }, [tenantId, digest(id)])
    },
  }
}

/** The evidence behind a session: a fresh sign-in if there is one, else the session it continues. */
function sourceOf(
  exchange: ReturnType<FamilyContext['exchanges']['current']>,
  accountId: string,
): { readonly epochs?: { readonly account?: number; readonly tenant?: number }; readonly deviceKnown?: boolean } {
  const { signIn, source } = exchange
  if (signIn?.accountId === accountId) return { epochs: { account: signIn.epoch }, deviceKnown: signIn.deviceKnown }
  return source ? { epochs: source } : {}
}

/** What stands between an authorization request and its answer, while a person signs in or decides. */
export function interactionFamily({ database, tenantId, clock }: FamilyContext): Family {
  return {
    stage: 'authorize',
    async find(id) {
      const text = 'select payload from oidc_interaction where tenant_id = $1 and id_hash = $2 and expires_at > $3'
      const values = [tenantId, digest(id), new Date(clock.now())]
      const [row] = await database.query<{ payload: string }>({ name: 'oidc_interaction-find', text }, values)
      return row ? { ...parse(row.payload), jti: id } : undefined
    },
    async upsert(id, payload, expiresIn = 0) {
      const { cookie: _sessionId, ...session } = payload.session ?? {}
      const kept = { ...payload, ...(payload.session ? { session } : {}) }
      const text = `insert into oidc_interaction (tenant_id, id_hash, payload, expires_at) values ($1, $2, $3, $4)
on conflict (tenant_id, id_hash) do update set payload = excluded.payload, expires_at = excluded.expires_at`
      const values = [tenantId, digest(id), withoutId(kept), new Date(clock.now() + expiresIn * 1_000)]
      await database.query({ name: 'oidc_interaction-put', text }, values)
    },
    async destroy(id) {
      const text = 'delete from oidc_interaction where tenant_id = $1 and id_hash = $2'
      await database.query({ name: 'oidc_interaction-remove', text }, [tenantId, digest(id)])
    },
  }
}

/** What one client may do for one person, per session; tokens hang on it. */
export function grantFamily({ database, tenantId, clock, rows }: FamilyContext): Family {
  return {
    stage: 'authorize',
    async find(id) {
      const text = 'select payload from oidc_grant where tenant_id = $1 and id_hash = $2'
      const [row] = await database.query<{ payload: string }>({ name: 'oidc_grant-find', text }, [tenantId, digest(id)])
      return row ? { ...parse(row.payload), jti: id } : undefined
    },
    async upsert(id, payload, expiresIn = 0) {
      const text = `insert into oidc_grant (tenant_id, id_hash, account_id, client_id, payload, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, id_hash) do update set payload = excluded.payload, expires_at = excluded.expires_at`
      const now = clock.now()
      await database.query({ name: 'oidc_grant-put', text }, [
        tenantId,
        digest(id),
        payload.accountId,
        payload.clientId,
        withoutId(payload),
        new Date(now),
        new Date(now + expiresIn * 1_000),
      ])
    },
    destroy: (id) => rows.revokeGrant(id),
  }
}

/** The session's payload as it is compared: without its id, and without the times that move on every request. */
function stored({ jti: _id, exp: _exp, iat: _iat, ...kept }: AdapterPayload): string {
  return JSON.stringify(kept)
}

/** A stored payload never holds the value that opens it (provider.md §3). */
export const withoutId = ({ jti: _id, ...kept }: AdapterPayload): string => JSON.stringify(kept)

// The text was written by the two functions above and nobody else.
export const parse = (text: string): AdapterPayload => JSON.parse(text) as AdapterPayload
