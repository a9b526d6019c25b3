import { z } from 'zod'
import type { Database } from '../../../adapters/database/port.ts'
import type { UnitOfWork } from '../../events/unit-of-work.ts'
import { entityOf, scopesOf } from '../../identity/entities.ts'
import type { Consent } from '../consents.ts'
import { parse } from '../families.ts'

/** An app that may have something of the person. */
export type OwnApp = {
  readonly clientId: string
  readonly name: string
  /** What the person agreed to; nothing where the app did not have to ask. */
  readonly given?: Consent
  readonly since: number
  /** Where it holds refresh tokens: devices and installations that stay signed in. */
  readonly connections: readonly Connection[]
}
export type Connection = {
  /** Digest of the grant; it opens nothing. */
  readonly id: string
  readonly since: number
  readonly lastUsedAt: number
  readonly expiresAt: number
  /** How it began: `authorization_code`, `device_code`, …. */
  readonly grant: string
  readonly scopes: readonly string[]
}
/** Part of a consent: one scope, one claim, or with neither all of it. */
export type ConsentPart = { readonly scope?: string | undefined; readonly claim?: string | undefined }
export type OwnApps = ReturnType<typeof createOwnApps>

/** What one person has let apps have, and takes back (people.md §5). Changes are made inside `withTransaction`. */
export function createOwnApps(database: Database, tenantId: string, accountId: string) {
  const owner = entityOf('User', accountId)
  const values = (clientId: string) => [tenantId, accountId, clientId]
  const consentWith = async (clientId: string): Promise<Consent | undefined> => {
    const [row] = await database.query<Consent>(selectConsent, values(clientId))
    return row
  }

  /** Grants with everything that they gave; JWTs made from one die with its row. Answers how many there were. */
  const endGrants = async (hashes: readonly string[]): Promise<number> => {
    if (hashes.length === 0) return 0
    for (const table of hangingTables) await database.query(deleteHanging(table), [tenantId, hashes])
    return (await database.query(deleteGrants, [tenantId, hashes])).length
  }
  const grantsOf = (clientId: string) => database.query<GrantRow>(selectGrants, values(clientId))

  return {
    /** By name. */
    async list(now: number): Promise<OwnApp[]> {
      const at = new Date(now)
      const rows = await database.query<AppRow>(selectApps, [tenantId, accountId, at])
      const connections = await database.query<ConnectionRow>(selectConnections, [tenantId, accountId, at])
      return rows.map(({ client_id: clientId, name, scopes, claims, resources, since }) => ({
        clientId,
        name,
        ...(scopes && claims && resources ? { given: { scopes, claims, resources } } : {}),
        since: since.getTime(),
        connections: connections.filter(({ client_id: id }) => id === clientId).map(connectionOf),
      }))
    },

    /** Ends every token of an app, or of one connection; what the person agreed to stays. False where there is none. */
    async disconnect(unit: UnitOfWork, clientId: string, connection?: string): Promise<boolean> {
      const hashes = (await grantsOf(clientId)).map(({ id_hash: hash }) => hash)
      const ended = await endGrants(connection === undefined ? hashes : hashes.filter((hash) => hash === connection))
      if (ended === 0) return false
      const detail = { clientId, ...(connection === undefined ? {} : { grant: connection }), reason: 'person' }
      unit.audit({ action: 'oidc.grant.revoked', resource: owner, detail })
      unit.emit('oidc.grant.revoked', { userId: accountId, ...detail })
      return true
    },

    /**
     * Takes back what the person agreed to, and everything that hangs on it: codes, tokens, and the grants that JWTs name. Of a part,
     * every grant ends that holds it. False where the app had nothing of the kind.
     */
    async withdraw(unit: UnitOfWork, clientId: string, part: ConsentPart = {}): Promise<boolean> {
      const given = await consentWith(clientId)
      const isWhole = part.scope === undefined && part.claim === undefined
      const grants = (await grantsOf(clientId)).filter(({ payload }) => isWhole || holds(payload, part))
      const taken = given && (isWhole ? given : partOf(given, part))
      const ended = await endGrants(grants.map(({ id_hash: hash }) => hash))
      if (ended === 0 && (!taken || isEmpty(taken))) return false
      const left = given && taken && without(given, taken)
      if (left && !isEmpty(left)) {
        const { scopes, claims, resources } = left
        const json = [scopes, claims, resources].map((column) => JSON.stringify(column))
        await database.query(updateConsent, [...values(clientId), ...json])
      } else if (given) await database.query(deleteConsent, values(clientId))
      const detail = { clientId, ...told(taken, part) }
      unit.audit({ action: 'oidc.consent.withdrawn', resource: owner, detail })
      unit.emit('oidc.consent.withdrawn', { userId: accountId, ...detail })
      return true
    },
  }
}

type AppRow = {
  readonly client_id: string
  readonly name: string
  readonly scopes: readonly string[] | null
  readonly claims: readonly string[] | null
  readonly resources: Consent['resources'] | null
  readonly since: Date
}
type GrantRow = { readonly id_hash: string; readonly payload: string }
type ConnectionRow = {
  readonly client_id: string
  readonly id: string
  readonly created_at: Date
  readonly payload: string
  readonly expires_at: Date
}

function connectionOf({ id, created_at: since, payload, expires_at: expiresAt }: ConnectionRow): Connection {
  const { gty = '', iat, scope = '' } = parse(payload)
  return {
    id,
    since: since.getTime(),
    lastUsedAt: iat === undefined ? since.getTime() : iat * 1_000,
    expiresAt: expiresAt.getTime(),
    grant: gty.split(' ')[0] ?? '',
    scopes: scopesOf(scope),
  }
}

/** What the library writes of a grant, as far as it says what is given. */
const storedGrant = z.looseObject({
  openid: z
    .looseObject({ scope: z.string().default(''), claims: z.array(z.string()).default([]) })
    .default({ scope: '', claims: [] }),
  resources: z.record(z.string(), z.string()).default({}),
})

/** Whether a stored grant of the library gives the scope or the claim. */
function holds(payload: string, { scope, claim }: ConsentPart): boolean {
  const { openid, resources } = storedGrant.parse(JSON.parse(payload))
  const scopes = [openid.scope, ...Object.values(resources)].flatMap(scopesOf)
  return (scope !== undefined && scopes.includes(scope)) || (claim !== undefined && openid.claims.includes(claim))
}

const partOf = ({ scopes, claims, resources }: Consent, { scope, claim }: ConsentPart): Consent => ({
  scopes: scopes.filter((each) => each === scope),
  claims: claims.filter((each) => each === claim),
  resources: Object.fromEntries(
    Object.entries(resources)
      .filter(([, of]) => of.some((each) => each === scope))
      .map(([audience]) => [audience, scope === undefined ? [] : [scope]]),
  ),
})

const without = (given: Consent, taken: Consent): Consent => ({
  scopes: given.scopes.filter((scope) => !taken.scopes.includes(scope)),
  claims: given.claims.filter((claim) => !taken.claims.includes(claim)),
  resources: Object.fromEntries(
    Object.entries(given.resources)
      .map(([audience, of]) => [audience, of.filter((scope) => !taken.resources[audience]?.includes(scope))] as const)
      .filter(([, of]) => of.length > 0),
  ),
})

const isEmpty = ({ scopes, claims, resources }: Consent): boolean =>
  scopes.length + claims.length + Object.values(resources).flat().length === 0

/** In the form of `oidc.consent.granted`, so that both are read alike. */
const told = (taken: Consent | undefined, { scope, claim }: ConsentPart) => ({
  scopes: taken ? [...new Set([...taken.scopes, ...Object.values(taken.resources).flat()])] : [scope ?? []].flat(),
  claims: taken ? taken.claims : [claim ?? []].flat(),
})

const selectApps = {
  name: 'own-apps',
  text: `select c.id as client_id, c.name, k.scopes, k.claims, k.resources, coalesce(k.updated_at, g.created_at) as since
from client c
left join consent k on k.tenant_id = c.tenant_id and k.client_id = c.id and k.account_id = $2
left join lateral (select min(created_at) as created_at from oidc_grant g
  where g.tenant_id = c.tenant_id and g.client_id = c.id and g.account_id = $2 and g.expires_at > $3) g on true
where c.tenant_id = $1 and (k.client_id is not null or g.created_at is not null) order by c.name, c.id limit 200`,
}
const selectConnections = {
  name: 'own-connections',
  text: `select g.client_id, g.id_hash as id, g.created_at, r.payload, r.expires_at
from oidc_grant g
join lateral (select payload, expires_at from oidc_refresh_token r
  where r.tenant_id = g.tenant_id and r.grant_hash = g.id_hash and r.consumed_at is null and r.expires_at > $3
  order by r.expires_at desc limit 1) r on true
where g.tenant_id = $1 and g.account_id = $2 order by g.created_at desc, g.id_hash limit 200`,
}
const selectConsent = {
  name: 'own-consent',
  text: 'select scopes, claims, resources from consent where tenant_id = $1 and account_id = $2 and client_id = $3 for update',
}
const updateConsent = {
  name: 'own-consent-part',
  text: `update consent set scopes = $4, claims = $5, resources = $6, updated_at = now()
where tenant_id = $1 and account_id = $2 and client_id = $3`,
}
const deleteConsent = {
  name: 'own-consent-withdraw',
  text: 'delete from consent where tenant_id = $1 and account_id = $2 and client_id = $3',
}
const selectGrants = {
  name: 'own-grants',
  text: 'select id_hash, payload from oidc_grant where tenant_id = $1 and account_id = $2 and client_id = $3',
}
// ORDER: first what is spent, where a redemption that is under way is waited for; then what it may have given meanwhile. One that
// comes later waits for this transaction and finds nothing to spend.
const hangingTables = [
  'oidc_code',
  'oidc_device_code',
  'oidc_backchannel_request',
  'oidc_refresh_token',
  'oidc_access_token',
  'oidc_refresh_token',
] as const
const deleteHanging = (table: (typeof hangingTables)[number]) => ({
  name: `own-withdraw-${table}`,
  text: `delete from ${table} where tenant_id = $1 and grant_hash = any($2::text[])`,
})
const deleteGrants = {
  name: 'own-withdraw-grants',
  text: 'delete from oidc_grant where tenant_id = $1 and id_hash = any($2::text[]) returning id_hash',
}
