import type { Database } from '../../adapters/database/port.ts'

const tables = [
  'oidc_session',
  'oidc_interaction',
  'oidc_code',
  'oidc_access_token',
  'oidc_refresh_token',
  'oidc_pushed_request',
  'oidc_device_code',
  'oidc_backchannel_request',
  'oidc_replay',
  'oidc_denied_token',
  'oidc_grant',
] as const

/** Whoever still asks is told that it has expired, not that it never was (RFC 8628 §3.5, CIBA Core §11). */
const keptLonger: ReadonlySet<string> = new Set(['oidc_device_code', 'oidc_backchannel_request'])
const longerMilliseconds = 10 * 60_000

const batch = 1_000
const batchesATable = 20

/**
 * Removes what has expired, in small batches so that no request waits behind a long delete (provider.md §3). Spent codes and
 * refresh tokens stay until they expire: their reuse must be seen.
 */
export async function sweepExpired(database: Database, now: number): Promise<number> {
  let removed = 0
  for (const table of tables) {
    const key = table === 'oidc_replay' ? 'id' : table === 'oidc_denied_token' ? 'jti' : 'id_hash'
    const text = `delete from ${table} where (tenant_id, ${key}) in
(select tenant_id, ${key} from ${table} where expires_at < $1 limit ${batch} for update skip locked)`
    for (let round = 0; round < batchesATable; round += 1) {
      const [row] = await database.query<{ count: string }>(
        { name: `${table}-sweep`, text: `with gone as (${text} returning 1) select count(*) as count from gone` },
        [new Date(keptLonger.has(table) ? now - longerMilliseconds : now)],
      )
      const count = Number(row?.count ?? 0)
      removed += count
      if (count < batch) break
    }
  }
  return removed
}
