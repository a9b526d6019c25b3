// Statements over the token families (provider.md §3). Nothing here knows the library: rows in, rows out, all for one tenant.
import { hash } from 'node:crypto'
import type { Database } from '../../adapters/database/port.ts'
import type { Permit } from '../issuance/issue.ts'

export type TokenTable = 'oidc_code' | 'oidc_access_token' | 'oidc_refresh_token'

export type TokenRow = {
  readonly payload: string
  readonly accountEpoch: number
  readonly clientEpoch: number
  readonly tenantEpoch: number
  readonly consumedAt?: number
  readonly successor?: string
}

/** What is stored of a value that opens something. */
export const digest = (value: string): string => hash('sha256', value, 'base64url')

// ORDER: as the library revokes (helpers/revoke.js).
const tables = [
  'oidc_access_token',
  'oidc_refresh_token',
  'oidc_code',
  'oidc_device_code',
  'oidc_backchannel_request',
] as const

const insertText = (table: TokenTable) => `insert into ${table}
(tenant_id, id_hash, grant_hash, account_id, client_id, account_epoch, client_epoch, tenant_epoch, decision_id, payload, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

const consumable = (table: TokenTable) => (table === 'oidc_access_token' ? '' : ', t.consumed_at')
const succeeding = (table: TokenTable) => (table === 'oidc_refresh_token' ? ', t.successor' : '')

const findText = (table: TokenTable) =>
  `select t.payload, t.account_epoch, t.client_epoch, t.tenant_epoch${consumable(table)}${succeeding(table)}
from ${table} t where t.tenant_id = $1 and t.id_hash = $2`

// An access token is good only while everybody behind it stands as when it was made (provider.md §4, last line).
const findLiveText = `select t.payload, t.account_epoch, t.client_epoch, t.tenant_epoch
from oidc_access_token t
join tenant n on n.id = t.tenant_id and n.status = 'active' and n.epoch = t.tenant_epoch
join account a on a.tenant_id = t.tenant_id and a.id = t.account_id and a.status = 'active' and a.epoch = t.account_epoch
join client c on c.tenant_id = t.tenant_id and c.id = t.client_id and c.status = 'active' and c.epoch = t.client_epoch
where t.tenant_id = $1 and t.id_hash = $2`

type Record = {
  readonly payload: string
  readonly account_epoch: string
  readonly client_epoch: string
  readonly tenant_epoch: string
  readonly consumed_at?: Date | null
  readonly successor?: string | null
}

export function createTokenRows(database: Database, tenantId: string) {
  const find = async (table: TokenTable, id: string): Promise<TokenRow | undefined> => {
    const text = table === 'oidc_access_token' ? findLiveText : findText(table)
    const [row] = await database.query<Record>({ name: `${table}-find`, text }, [tenantId, digest(id)])
    return row ? rowOf(row) : undefined
  }
  const rowOf = (row: Record): TokenRow => {
    return {
      payload: row.payload,
      accountEpoch: Number(row.account_epoch),
      clientEpoch: Number(row.client_epoch),
      tenantEpoch: Number(row.tenant_epoch),
      ...(row.consumed_at ? { consumedAt: row.consumed_at.getTime() } : {}),
      ...(row.successor ? { successor: row.successor } : {}),
    }
  }

  return {
    find,

    /**
     * Finds and holds the row until the transaction ends. ORDER: whoever spends takes this lock first, so that rivals wait here
     * and nowhere else.
     */
    async findToSpend(table: 'oidc_code' | 'oidc_refresh_token', id: string): Promise<TokenRow | undefined> {
      const text = `${findText(table)} for update`
      const [row] = await database.query<Record>({ name: `${table}-find-to-spend`, text }, [tenantId, digest(id)])
      return row ? rowOf(row) : undefined
    },

    /** The permit is what makes a row a credential: there is no insert without one. */
    async insert(table: TokenTable, permit: Permit, row: NewToken): Promise<void> {
      await database.query({ name: `${table}-insert`, text: insertText(table) }, [
        tenantId,
        digest(row.id),
        digest(row.grantId),
        row.accountId,
        row.clientId,
        permit.epochs.account ?? 0,
        permit.epochs.client ?? 0,
        permit.epochs.tenant,
        permit.decisionId,
        row.payload,
        new Date(row.expiresAt),
      ])
    },

    /** True for exactly one caller, however many come at once: the row count decides (security.md row 2). */
    async consume(table: 'oidc_code' | 'oidc_refresh_token', id: string, now: number): Promise<boolean> {
      const rows = await database.query(
        {
          name: `${table}-consume`,
          text: `update ${table} set consumed_at = $3 where tenant_id = $1 and id_hash = $2 and consumed_at is null returning id_hash`,
        },
        [tenantId, digest(id), new Date(now)],
      )
      return rows.length === 1
    },

    async putSuccessor(id: string, successor: string): Promise<void> {
      await database.query(
        {
          name: 'oidc_refresh_token-successor',
          text: 'update oidc_refresh_token set successor = $3 where tenant_id = $1 and id_hash = $2',
        },
        [tenantId, digest(id), successor],
      )
    },

    async remove(table: TokenTable, id: string): Promise<void> {
      const text = `delete from ${table} where tenant_id = $1 and id_hash = $2`
      await database.query({ name: `${table}-remove`, text }, [tenantId, digest(id)])
    },

    async removeByGrant(table: TokenTable, grantId: string): Promise<void> {
      const text = `delete from ${table} where tenant_id = $1 and grant_hash = $2`
      await database.query({ name: `${table}-remove-by-grant`, text }, [tenantId, digest(grantId)])
    },

    /** The grant and everything it gave; JWTs made from it die with the grant's row. */
    async revokeGrant(grantId: string): Promise<void> {
      for (const table of tables) {
        const text = `delete from ${table} where tenant_id = $1 and grant_hash = $2`
        await database.query({ name: `${table}-remove-by-grant`, text }, [tenantId, digest(grantId)])
      }
      const text = 'delete from oidc_grant where tenant_id = $1 and id_hash = $2'
      await database.query({ name: 'oidc_grant-remove', text }, [tenantId, digest(grantId)])
    },
  }
}
export type TokenRows = ReturnType<typeof createTokenRows>

export type NewToken = {
  readonly id: string
  readonly grantId: string
  readonly accountId: string
  readonly clientId: string
  readonly payload: string
  readonly expiresAt: number
}
