import { z } from 'zod'
import type { Database } from '../../adapters/database/port.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'

/** One row per client that is to be told that a person's session has ended (OIDC Back-Channel Logout §2.5); `server/oidc` sends it. */
export const signedOutTopic = 'oidc.logout.requested'

const sessions = {
  name: 'sessions-of-account',
  text: 'select payload from oidc_session where tenant_id = $1 and account_id = $2 limit 1000',
}
const told = {
  name: 'clients-that-are-told',
  text: `select id from client where tenant_id = $1 and id = any($2::text[]) and status = 'active'
  and metadata ->> 'backchannelLogoutUri' is not null`,
}
/** As much of a session as says which clients a person is signed in to. */
const payloadShape = z.looseObject({
  authorizations: z.record(z.string(), z.looseObject({ sid: z.string().optional() })).optional(),
})

/** ORDER: before the sessions are removed. Sends nothing itself: the rows stand iff what ends the sessions does. */
export async function tellSignOuts(
  database: Database,
  unit: UnitOfWork,
  { tenantId, accountId }: { readonly tenantId: string; readonly accountId: string },
): Promise<void> {
  const rows = await database.query<{ payload: string }>(sessions, [tenantId, accountId])
  const signedIn = rows.flatMap(({ payload }) =>
    Object.entries(payloadShape.parse(JSON.parse(payload)).authorizations ?? {}).flatMap(([clientId, { sid }]) =>
      sid === undefined ? [] : [{ clientId, sid }],
    ),
  )
  if (signedIn.length === 0) return
  const ids = [...new Set(signedIn.map(({ clientId }) => clientId))]
  const found = await database.query<{ id: string }>(told, [tenantId, ids])
  const listening = new Set(found.map(({ id }) => id))
  for (const { clientId, sid } of signedIn) {
    if (listening.has(clientId)) unit.emit(signedOutTopic, { clientId, userId: accountId, sid })
  }
}
