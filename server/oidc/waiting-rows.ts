// Statements over what waits for a person's word elsewhere (RFC 8628, CIBA). Nothing here knows the library.
import type { Database } from '../../adapters/database/port.ts'
import type { Permit, SeenEpochs } from '../issuance/issue.ts'
import { digest } from './token-rows.ts'

export type WaitingTable = 'oidc_device_code' | 'oidc_backchannel_request'
export type WaitingState = 'waiting' | 'in_flight' | 'approved' | 'denied'

export type WaitingRow = {
  /** Digest of the value that opens it. */
  readonly key: string
  readonly payload: string
  readonly state: WaitingState
  readonly clientId: string
  readonly epochs: Required<SeenEpochs>
  readonly intervalSeconds: number
  readonly polledAt?: number
  readonly consumedAt?: number
  readonly sealed?: string
}

type Record = {
  readonly id_hash: string
  readonly payload: string
  readonly state: WaitingState
  readonly client_id: string
  readonly account_epoch: string
  readonly client_epoch: string
  readonly tenant_epoch: string
  readonly interval_seconds: number
  readonly polled_at: Date | null
  readonly consumed_at: Date | null
  readonly sealed?: string
}

const columns = (table: WaitingTable) =>
  `id_hash, payload, state, client_id, account_epoch, client_epoch, tenant_epoch, interval_seconds, polled_at, consumed_at${
    table === 'oidc_backchannel_request' ? ', sealed' : ''
  }`

export type NewWaiting = {
  readonly key: string
  readonly clientId: string
  readonly accountId?: string
  readonly payload: string
  readonly now: number
  readonly expiresAt: number
  /** Columns of the one table or the other. */
  readonly more: { readonly [column: string]: string }
}

export type Move = {
  readonly from: readonly WaitingState[]
  readonly to: WaitingState
  readonly payload: string
  /** What permitted it, and for whom; absent where nothing is given. */
  readonly given?: { readonly permit: Permit; readonly accountId: string; readonly grantId: string }
}

/**
 * How a row is named while a person decides, where nobody holds the value that opens it. INVARIANT: never taken from a request;
 * whoever spends brings the value.
 */
const handleMark = '#'
export const handleOf = (row: Pick<WaitingRow, 'key'>): string => `${handleMark}${row.key}`
export const keyOf = (id: string, { spends }: { readonly spends: boolean }): string =>
  !spends && id.startsWith(handleMark) ? id.slice(handleMark.length) : digest(id)

/** By the digest of the value that opens a row. */
export function createWaitingRows(database: Database, tenantId: string, table: WaitingTable) {
  const one = async (name: string, text: string, values: readonly unknown[]): Promise<WaitingRow | undefined> => {
    const [row] = await database.query<Record>({ name: `${table}-${name}`, text }, values)
    return row && rowOf(row)
  }
  const findText = (column: string) => `select ${columns(table)} from ${table} where tenant_id = $1 and ${column} = $2`
  return {
    find: (key: string) => one('find', findText('id_hash'), [tenantId, key]),
    /** ORDER: whoever spends takes this lock first, so that rivals wait here and nowhere else. */
    findToSpend: (key: string) => one('find-to-spend', `${findText('id_hash')} for update`, [tenantId, key]),
    findBy: (column: 'user_code_hash' | 'public_id', value: string) =>
      one(`find-by-${column}`, findText(column), [tenantId, value]),

    /** The permit is what makes a row a credential: there is no insert without one. */
    async insert(permit: Permit, row: NewWaiting): Promise<void> {
      const more = Object.entries(row.more)
      const names = more.map(([column]) => `, ${column}`).join('')
      const places = more.map((_, index) => `, $${index + 12}`).join('')
      await database.query(
        {
          name: `${table}-insert`,
          text: `insert into ${table} (tenant_id, id_hash, client_id, account_id, account_epoch, client_epoch, tenant_epoch, decision_id,
  state, payload, created_at, expires_at${names})
values ($1, $2, $3, $4, $5, $6, $7, $8, 'waiting', $9, $10, $11${places})`,
        },
        [
          tenantId,
          row.key,
          row.clientId,
          row.accountId ?? null,
          permit.epochs.account ?? 0,
          permit.epochs.client ?? 0,
          permit.epochs.tenant,
          permit.decisionId,
          row.payload,
          new Date(row.now),
          new Date(row.expiresAt),
          ...more.map(([, value]) => value),
        ],
      )
    },

    /** How many wait for this person at the wish of this client. */
    async countWaiting(clientId: string, accountId: string, now: number): Promise<number> {
      const text = `select count(*)::int as count from ${table}
where tenant_id = $1 and client_id = $2 and account_id = $3 and state = 'waiting' and expires_at > $4`
      const values = [tenantId, clientId, accountId, new Date(now)]
      const [row] = await database.query<{ count: number }>({ name: `${table}-count`, text }, values)
      return row?.count ?? 0
    },

    /** True for exactly one caller, however many answer at once: the row count decides (security.md row 2). */
    async move(key: string, { from, to, payload, given }: Move): Promise<boolean> {
      const rows = await database.query(
        {
          name: `${table}-move`,
          text: `update ${table} set state = $3, payload = $4, account_id = coalesce($5, account_id), grant_hash = coalesce($6, grant_hash),
  account_epoch = coalesce($7, account_epoch), client_epoch = coalesce($8, client_epoch), tenant_epoch = coalesce($9, tenant_epoch),
  decision_id = coalesce($10, decision_id)
where tenant_id = $1 and id_hash = $2 and state = any($11::text[]) and consumed_at is null returning id_hash`,
        },
        [
          tenantId,
          key,
          to,
          payload,
          given?.accountId ?? null,
          given ? digest(given.grantId) : null,
          given?.permit.epochs.account ?? null,
          given?.permit.epochs.client ?? null,
          given?.permit.epochs.tenant ?? null,
          given?.permit.decisionId ?? null,
          from,
        ],
      )
      return rows.length === 1
    },

    async notePoll(key: string, now: number, intervalSeconds: number): Promise<void> {
      const text = `update ${table} set polled_at = $3, interval_seconds = $4 where tenant_id = $1 and id_hash = $2`
      await database.query({ name: `${table}-polled`, text }, [tenantId, key, new Date(now), intervalSeconds])
    },

    /** True for exactly one caller. */
    async consume(key: string, now: number): Promise<boolean> {
      const text = `update ${table} set consumed_at = $3 where tenant_id = $1 and id_hash = $2 and consumed_at is null returning id_hash`
      const values = [tenantId, key, new Date(now)]
      return (await database.query({ name: `${table}-consume`, text }, values)).length === 1
    },

    async remove(key: string): Promise<void> {
      const text = `delete from ${table} where tenant_id = $1 and id_hash = $2`
      await database.query({ name: `${table}-remove`, text }, [tenantId, key])
    },

    async removeByGrant(grantId: string): Promise<void> {
      const text = `delete from ${table} where tenant_id = $1 and grant_hash = $2`
      await database.query({ name: `${table}-remove-by-grant`, text }, [tenantId, digest(grantId)])
    },
  }
}
export type WaitingRows = ReturnType<typeof createWaitingRows>

const rowOf = (row: Record): WaitingRow => ({
  key: row.id_hash,
  payload: row.payload,
  state: row.state,
  clientId: row.client_id,
  epochs: {
    account: Number(row.account_epoch),
    client: Number(row.client_epoch),
    tenant: Number(row.tenant_epoch),
  },
  intervalSeconds: row.interval_seconds,
  ...(row.polled_at ? { polledAt: row.polled_at.getTime() } : {}),
  ...(row.consumed_at ? { consumedAt: row.consumed_at.getTime() } : {}),
  ...(row.sealed !== undefined ? { sealed: row.sealed } : {}),
})
