import type { Database } from '../../../adapters/database/port.ts'
import type { UnitOfWork } from '../../events/unit-of-work.ts'
import { type DeviceName, deviceNameOf } from '../../identity/device-name.ts'
import { entityOf } from '../../identity/entities.ts'
import { signedOutTopic } from '../../identity/tell-sign-outs.ts'
import { parse } from '../families.ts'
import { createTokenRows, digest } from '../token-rows.ts'

/** A browser that is signed in. */
export type OwnSession = {
  readonly uid: string
  readonly device: DeviceName
  /** The address that it was last used from. */
  readonly ip?: string
  readonly createdAt: number
  readonly authenticatedAt: number
  readonly acr?: string
  readonly lastUsedAt: number
  readonly expiresAt: number
  /** The apps that it is signed in to. */
  readonly apps: readonly { readonly clientId: string; readonly name: string }[]
  /** Digests of the grants that hang on it. */
  readonly grants: readonly string[]
}
export type OwnSessions = ReturnType<typeof createOwnSessions>

/** Where one person is signed in (people.md §8). Changes are made inside `withTransaction`. */
export function createOwnSessions(database: Database, tenantId: string, accountId: string) {
  const owner = entityOf('User', accountId)
  const tokens = createTokenRows(database, tenantId)
  const rowsAt = (now: number) => database.query<SessionRow>(selectSessions, [tenantId, accountId, new Date(now)])

  const end = async (unit: UnitOfWork, { uid, payload }: SessionRow): Promise<void> => {
    const removed = await database.query(deleteSession, [tenantId, accountId, uid])
    if (removed.length === 0) return
    for (const [clientId, { sid, grantId, persistsLogout }] of authorizationsIn(payload)) {
      if (sid !== undefined) unit.emit(signedOutTopic, { clientId, userId: accountId, sid })
      // As signing out there would: what the app keeps while the person is away (`offline_access`) stays, and is ended by itself.
      if (grantId !== undefined && persistsLogout !== true) await tokens.revokeGrant(grantId)
    }
    unit.audit({ action: 'identity.session.ended', resource: owner, detail: { session: uid } })
    unit.emit('identity.session.ended', { userId: accountId, session: uid })
  }

  return {
    /** Newest first. */
    async list(now: number): Promise<OwnSession[]> {
      const rows = await rowsAt(now)
      const ids = [...new Set(rows.flatMap(({ payload }) => authorizationsIn(payload).map(([id]) => id)))]
      const named = await database.query<{ id: string; name: string }>(selectClientNames, [tenantId, ids])
      const nameOf = new Map(named.map(({ id, name }) => [id, name]))
      return rows.map((row) => sessionOf(row, (id) => nameOf.get(id) ?? id))
    },
    /** False where there is no such session of this person. */
    async end(unit: UnitOfWork, uid: string, now: number): Promise<boolean> {
      const row = (await rowsAt(now)).find((each) => each.uid === uid)
      if (row) await end(unit, row)
      return row !== undefined
    },
    async endOthers(unit: UnitOfWork, kept: string | undefined, now: number): Promise<void> {
      for (const row of await rowsAt(now)) if (row.uid !== kept) await end(unit, row)
    },
  }
}

type SessionRow = {
  readonly uid: string
  readonly payload: string
  readonly agent: string | null
  readonly ip: string | null
  readonly used_at: Date | null
  readonly created_at: Date
  readonly expires_at: Date
}

const authorizationsIn = (payload: string) => Object.entries(parse(payload).authorizations ?? {})

function sessionOf(row: SessionRow, nameOf: (clientId: string) => string): OwnSession {
  const { acr, loginTs } = parse(row.payload)
  const createdAt = row.created_at.getTime()
  const authorizations = authorizationsIn(row.payload)
  return {
    uid: row.uid,
    device: deviceNameOf(row.agent ?? ''),
    ...(row.ip ? { ip: row.ip } : {}),
    createdAt,
    authenticatedAt: typeof loginTs === 'number' ? loginTs * 1_000 : createdAt,
    ...(acr === undefined ? {} : { acr }),
    lastUsedAt: row.used_at?.getTime() ?? createdAt,
    expiresAt: row.expires_at.getTime(),
    apps: authorizations.map(([clientId]) => ({ clientId, name: nameOf(clientId) })),
    grants: authorizations.flatMap(([, { grantId }]) => (grantId === undefined ? [] : [digest(grantId)])),
  }
}

const selectSessions = {
  name: 'own-sessions',
  text: `select uid, payload, agent, ip, used_at, created_at, expires_at from oidc_session
where tenant_id = $1 and account_id = $2 and expires_at > $3 order by created_at desc, uid limit 200`,
}
const selectClientNames = {
  name: 'own-client-names',
  text: 'select id, name from client where tenant_id = $1 and id = any($2::text[])',
}
const deleteSession = {
  name: 'own-session-end',
  text: 'delete from oidc_session where tenant_id = $1 and account_id = $2 and uid = $3 returning uid',
}
