import type { Exchange } from './exchange.ts'
import type { Library } from './library.ts'
import type { WaitingRow, WaitingRows } from './waiting-rows.ts'

/** Seconds between two polls, where nothing else was said (RFC 8628 §3.2, CIBA Core §7.3). */
export const pollSeconds = 5
/** What each early poll adds (RFC 8628 §3.5). */
const penaltySeconds = 5
const longestSeconds = 60

/**
 * Notes that the client asked whether the person has decided, and refuses an early poll with `slow_down` (RFC 8628 §3.5, CIBA Core
 * §11). Only the client that began is heard, so that nobody slows another one down; what is decided is answered at once.
 */
export async function requirePatience(
  kit: { readonly library: Library; readonly rows: WaitingRows; readonly exchange: Exchange; readonly now: number },
  row: WaitingRow,
): Promise<void> {
  const isPending = row.state === 'waiting' || row.state === 'in_flight'
  if (!kit.exchange.spends || !isPending || row.clientId !== kit.exchange.clientId) return
  const isEarly = row.polledAt !== undefined && kit.now - row.polledAt < row.intervalSeconds * 1_000
  const next = isEarly ? Math.min(row.intervalSeconds + penaltySeconds, longestSeconds) : row.intervalSeconds
  await kit.rows.notePoll(row.key, kit.now, next)
  if (isEarly) throw new kit.library.errors.SlowDown()
}
