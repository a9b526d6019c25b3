import type { Database } from '../../adapters/database/port.ts'
import { digest } from './token-rows.ts'

/** What is left on the clock of whoever is late: an entry outlives the thing that it remembers. */
const marginSeconds = 60

/** True for exactly one caller: the insert decides (security.md row 2). */
export type ClaimOnce = (use: ReplayUse, expiresAtSeconds: number) => Promise<boolean>
/** `purpose` and `issuer` keep one kind of value from standing for another; the library's own id joins them without a separator. */
export type ReplayUse = {
  readonly purpose: 'client' | 'resource' | 'assertion'
  readonly issuer: string
  readonly id: string
}

/** Remembers assertions and proofs that have been used, until they would have expired anyway; opened for one tenant. */
export function createReplayGuard(database: Database, tenantId: string): ClaimOnce {
  const text = `insert into oidc_replay (tenant_id, id, expires_at) values ($1, $2, to_timestamp($3::double precision))
on conflict (tenant_id, id) do nothing returning id`
  return async ({ purpose, issuer, id }, expiresAtSeconds) => {
    const key = digest(JSON.stringify([purpose, issuer, id]))
    const values = [tenantId, key, expiresAtSeconds + marginSeconds]
    const rows = await database.query({ name: 'oidc_replay-put', text }, values)
    return rows.length === 1
  }
}
