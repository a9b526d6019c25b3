import type { Database } from '../../adapters/database/port.ts'

/** Failures allowed within a window. One row per (tenant, subject), never one per request (people.md §4). */
export type Budget = { readonly subject: string; readonly failures: number; readonly windowSeconds: number }
export type AttemptRow = { readonly failures: number; readonly windowStart: number }

/** Password guesses at one account from browsers it does not know. */
export const passwordBudget = (accountId: string): Budget => ({
  subject: `password:${accountId}`,
  failures: 10,
  windowSeconds: 15 * 60,
})

/** Failed sign-ins from one address; IPv6 by /64, since a host owns that many. */
export const addressBudget = (ip: string): Budget => ({
  subject: `address:${networkOf(ip)}`,
  failures: 50,
  windowSeconds: 10 * 60,
})

/** Wrong setup tokens from one address (admin.md §1). */
export const setupBudget = (ip: string): Budget => ({
  subject: `setup:${networkOf(ip)}`,
  failures: 5,
  windowSeconds: 10 * 60,
})

/** Failed authentications of one client from one address: nobody elsewhere can use them up. */
export const clientBudget = (clientId: string, ip: string): Budget => ({
  subject: `client:${networkOf(ip)}:${clientId}`,
  failures: 20,
  windowSeconds: 10 * 60,
})

/** Failed authentications in names that no client has; one row, whatever the names. */
export const unknownClientBudget = (ip: string): Budget => ({
  subject: `client-unknown:${networkOf(ip)}`,
  failures: 20,
  windowSeconds: 10 * 60,
})

/** Codes that no device waits with, from one address; as RFC 8628 §5.1 computes, 30 in ten minutes find none of 20^8. */
export const addressCodeBudget = (ip: string): Budget => ({
  subject: `user-code:${networkOf(ip)}`,
  failures: 30,
  windowSeconds: 10 * 60,
})

/** The same from one browser (provider.md §1). */
export const browserCodeBudget = (session: string): Budget => ({
  subject: `user-code-browser:${session}`,
  failures: 5,
  windowSeconds: 10 * 60,
})

export const isExhausted = (budget: Budget, row: AttemptRow | undefined, now: number): boolean =>
  row !== undefined && row.failures >= budget.failures && now < row.windowStart + budget.windowSeconds * 1_000

const takeStatement = {
  name: 'attempts-take',
  text: `insert into attempt_budget (tenant_id, subject, window_start, failures) values ($1, $2, $3, 1)
on conflict (tenant_id, subject) do update set
  failures = case when attempt_budget.window_start <= $4 then 1 else attempt_budget.failures + 1 end,
  window_start = case when attempt_budget.window_start <= $4 then excluded.window_start else attempt_budget.window_start end
returning failures, window_start`,
}

const giveBackStatement = {
  name: 'attempts-give-back',
  text: 'update attempt_budget set failures = failures - 1 where tenant_id = $1 and subject = $2 and failures > 0',
}

const clearStatement = {
  name: 'attempts-clear',
  text: 'delete from attempt_budget where tenant_id = $1 and subject = $2',
}

/** Counters of failed attempts, opened for one tenant. */
export function createAttempts(database: Database, tenantId: string) {
  return {
    /**
     * Counts a try before it is judged, so that parallel tries cannot outrun the count. Seconds to wait if there is none
     * left, else 0; a try that turns out well is given back or cleared.
     */
    async take(budget: Budget, now: number): Promise<number> {
      const expired = new Date(now - budget.windowSeconds * 1_000)
      const values = [tenantId, budget.subject, new Date(now), expired]
      const [row] = await database.query<{ failures: number; window_start: Date }>(takeStatement, values)
      if (!row || row.failures <= budget.failures) return 0
      return Math.max(1, Math.ceil((row.window_start.getTime() + budget.windowSeconds * 1_000 - now) / 1_000))
    },
    async giveBack(budget: Budget): Promise<void> {
      await database.query(giveBackStatement, [tenantId, budget.subject])
    },
    async clear(budget: Budget): Promise<void> {
      await database.query(clearStatement, [tenantId, budget.subject])
    },
  }
}
export type Attempts = ReturnType<typeof createAttempts>

function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  if (mapped?.[1]) return mapped[1]
  const [head = '', tail = ''] = ip.toLowerCase().split('%')[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const missing = ip.includes('::') ? Math.max(0, 8 - left.length - right.length) : 0
  return [...left, ...Array<string>(missing).fill('0'), ...right].slice(0, 4).join(':')
}
