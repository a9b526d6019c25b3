import type { Database } from '../../../adapters/database/port.ts'
import { createClientStore } from '../../admin/client-store.ts'
import { entityOf } from '../../identity/entities.ts'
import type { Kernel } from '../../kernel.ts'
import type { ClientRecord } from '../client-records.ts'

const day = 86_400_000
/** A client that no administrator made, and that nobody uses, is gone after this time (provider.md §6). */
const unusedMilliseconds = 90 * day
/** Initial access tokens that were used or too late are shown for a while. */
const tokensKeptMilliseconds = 30 * day
const batch = 100

/** Notes that the client received a token: a row a day, for clients that would expire. */
export async function noteUse(database: Database, tenantId: string, client: ClientRecord, now: number): Promise<void> {
  if (client.origin === 'administrator' || now - (client.lastUsedAt ?? 0) < day) return
  await database.query(
    {
      name: 'client-used',
      text: `update client set last_used_at = $3 where tenant_id = $1 and id = $2 and (last_used_at is null or last_used_at <= $4)`,
    },
    [tenantId, client.id, new Date(now), new Date(now - day)],
  )
}

/** Removes what nobody used for ninety days, a batch at a time. One that an administrator disabled stays: it would come back enabled. */
export async function expireUnusedClients(kernel: Kernel): Promise<number> {
  const { database, clock } = kernel
  const now = clock.now()
  const limit = new Date(now - unusedMilliseconds)
  const due = await database.query<{ tenant_id: string; id: string; origin: string }>(
    {
      name: 'client-unused',
      text: `select tenant_id, id, origin from client where origin <> 'administrator' and status = 'active'
and coalesce(last_used_at, created_at) < $1 limit ${batch}`,
    },
    [limit],
  )
  let removed = 0
  for (const { tenant_id: tenantId, id, origin } of due) {
    const actor = { tenantId, subject: entityOf('Tenant', tenantId), reason: 'unused' }
    await kernel.withTransaction(actor, async (unit) => {
      // It may have been used, or another node may have been here, since it was read.
      const still = await database.query(
        {
          name: 'client-unused-lock',
          text: `select 1 from client where tenant_id = $1 and id = $2 and coalesce(last_used_at, created_at) < $3 for update`,
        },
        [tenantId, id, limit],
      )
      if (still.length === 0) return unit.recordOnly()
      await createClientStore(database, tenantId).remove(unit, id)
      unit.audit({ action: 'oidc.client.expired', resource: entityOf('Client', id), detail: { origin } })
      unit.emit('oidc.client.expired', { clientId: id, origin })
      removed += 1
    })
  }
  await database.query(
    { name: 'oidc_initial_token-sweep', text: 'delete from oidc_initial_token where expires_at < $1' },
    [new Date(now - tokensKeptMilliseconds)],
  )
  return removed
}
