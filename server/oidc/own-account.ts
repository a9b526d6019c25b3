import type { Database } from '../../adapters/database/port.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { entityOf } from '../identity/entities.ts'
import { signedOutTopic } from '../identity/tell-sign-outs.ts'
import type { Consent } from './consents.ts'
import { parse } from './families.ts'

/** A browser that is signed in. */
export type OwnSession = {
  readonly uid: string
  readonly createdAt: number
  readonly expiresAt: number
  /** Names of the apps that it is signed in to. */
  readonly apps: readonly string[]
}
/** An app that may have something of the person. */
export type OwnApp = {
  readonly clientId: string
  readonly name: string
  readonly given: Consent
  readonly since: number
}

/** What one person sees and takes back of its own (people.md §5). Changes are made inside `withTransaction`. */
export function createOwnAccount(database: Database, tenantId: string, accountId: string) {
  const owner = entityOf('User', accountId)
  const sessionRows = (now: number) => database.query<SessionRow>(selectSessions, [tenantId, accountId, new Date(now)])
  const end = async (unit: UnitOfWork, { uid, payload }: SessionRow): Promise<void> => {
    const removed = await database.query(deleteSession, [tenantId, accountId, uid])
    if (removed.length === 0) return
    for (const [clientId, { sid }] of Object.entries(parse(payload).authorizations ?? {})) {
      if (sid !== undefined) unit.emit(signedOutTopic, { clientId, userId: accountId, sid })
    }
    unit.audit({ action: 'identity.session.ended', resource: owner, detail: { session: uid } })
    unit.emit('identity.session.ended', { userId: accountId, session: uid })
  }
  return {
    /** Newest first. */
    async sessions(now: number): Promise<OwnSession[]> {
      const rows = await sessionRows(now)
      const ids = [...new Set(rows.flatMap(({ payload }) => Object.keys(parse(payload).authorizations ?? {})))]
      const named = await database.query<{ id: string; name: string }>(selectClientNames, [tenantId, ids])
      const nameOf = new Map(named.map(({ id, name }) => [id, name]))
      return rows.map((row) => ({
        uid: row.uid,
        createdAt: row.created_at.getTime(),
        expiresAt: row.expires_at.getTime(),
        apps: Object.keys(parse(row.payload).authorizations ?? {}).map((id) => nameOf.get(id) ?? id),
      }))
    },
    /** By name. */
    async apps(): Promise<OwnApp[]> {
      const rows = await database.query<AppRow>(selectApps, [tenantId, accountId])
      return rows.map(({ client_id: clientId, name, scopes, claims, resources, updated_at }) => ({
        clientId,
        name,
        given: { scopes: scopes ?? [], claims: claims ?? [], resources: resources ?? {} },
        since: updated_at.getTime(),
      }))
    },
    /** False where there is no such session of this person. */
    async endSession(unit: UnitOfWork, uid: string, now: number): Promise<boolean> {
      const row = (await sessionRows(now)).find((each) => each.uid === uid)
      if (row) await end(unit, row)
      return row !== undefined
    },
    async endOtherSessions(unit: UnitOfWork, kept: string, now: number): Promise<void> {
      for (const row of await sessionRows(now)) if (row.uid !== kept) await end(unit, row)
    },
    /**
     * Takes back what the person agreed to, and everything that hangs on it: codes, tokens, and the grant that JWTs name. False where
     * the app had nothing.
     */
    async withdraw(unit: UnitOfWork, clientId: string): Promise<boolean> {
      const values = [tenantId, accountId, clientId]
      for (const table of tokenTables) await database.query(deleteTokens(table), values)
      const grants = await database.query(deleteGrants, values)
      const consents = await database.query(deleteConsent, values)
      if (grants.length + consents.length === 0) return false
      unit.audit({ action: 'oidc.consent.withdrawn', resource: owner, detail: { clientId } })
      unit.emit('oidc.consent.withdrawn', { userId: accountId, clientId })
      return true
    },
  }
}

type SessionRow = {
  readonly uid: string
  readonly payload: string
  readonly created_at: Date
  readonly expires_at: Date
}
type AppRow = {
  readonly client_id: string
  readonly name: string
  readonly scopes: readonly string[] | null
  readonly claims: readonly string[] | null
  readonly resources: Consent['resources'] | null
  readonly updated_at: Date
}

const selectSessions = {
  name: 'own-sessions',
  text: `select uid, payload, created_at, expires_at from oidc_session
where tenant_id = $1 and account_id = $2 and expires_at > $3 order by created_at desc limit 200`,
}
const selectClientNames = {
  name: 'own-client-names',
  text: 'select id, name from client where tenant_id = $1 and id = any($2::text[])',
}
const selectApps = {
  name: 'own-apps',
  text: `select c.id as client_id, c.name, k.scopes, k.claims, k.resources, coalesce(k.updated_at, g.created_at) as updated_at
from client c
left join consent k on k.tenant_id = c.tenant_id and k.client_id = c.id and k.account_id = $2
left join lateral (select min(created_at) as created_at from oidc_grant g
  where g.tenant_id = c.tenant_id and g.client_id = c.id and g.account_id = $2 and g.expires_at > now()) g on true
where c.tenant_id = $1 and (k.client_id is not null or g.created_at is not null) order by c.name, c.id limit 200`,
}
const deleteSession = {
  name: 'own-session-end',
  text: 'delete from oidc_session where tenant_id = $1 and account_id = $2 and uid = $3 returning uid',
}
const tokenTables = ['oidc_code', 'oidc_access_token', 'oidc_refresh_token'] as const
const deleteTokens = (table: (typeof tokenTables)[number]) => ({
  name: `own-withdraw-${table}`,
  text: `delete from ${table} t using oidc_grant g
where g.tenant_id = $1 and g.account_id = $2 and g.client_id = $3 and t.tenant_id = g.tenant_id and t.grant_hash = g.id_hash`,
})
const deleteGrants = {
  name: 'own-withdraw-grants',
  text: 'delete from oidc_grant where tenant_id = $1 and account_id = $2 and client_id = $3 returning id_hash',
}
const deleteConsent = {
  name: 'own-withdraw-consent',
  text: 'delete from consent where tenant_id = $1 and account_id = $2 and client_id = $3 returning client_id',
}
