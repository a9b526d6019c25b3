import { type Attempts, type Budget, clientBudget, unknownClientBudget } from '../identity/attempts.ts'

/** Entries of this node's memory; beyond it the oldest are asked of the database again, at their next failure. */
const remembered = 10_000

/**
 * Bounds guesses at the secret of a client: per client and address, so that nobody can lock a client out from elsewhere
 * (security.md row 14). Failures are counted in the database, which is asked only when one happens; who has none left is
 * remembered here, so that a good secret costs nothing.
 */
export function createClientThrottle() {
  const exhausted = new Map<string, number>()
  const keyOf = (tenantId: string, { subject }: Budget) => JSON.stringify([tenantId, subject])
  return {
    /** Seconds until this client is listened to again from this address; 0: now. */
    waitSeconds(tenantId: string, clientId: string, ip: string, now: number): number {
      const until = exhausted.get(keyOf(tenantId, clientBudget(clientId, ip))) ?? 0
      return until > now ? Math.ceil((until - now) / 1_000) : 0
    },
    /** Counts one failure. False: there had been too many already, and nobody needs to hear of this one. */
    async failed(
      attempts: Attempts,
      of: { readonly tenantId: string; readonly clientId: string | undefined; readonly ip: string },
      now: number,
    ): Promise<boolean> {
      const { clientId, tenantId, ip } = of
      const budget = clientId === undefined ? unknownClientBudget(ip) : clientBudget(clientId, ip)
      const key = keyOf(tenantId, budget)
      if ((exhausted.get(key) ?? 0) > now) return false
      const waitSeconds = await attempts.take(budget, now)
      if (waitSeconds === 0) return true
      exhausted.delete(key)
      if (exhausted.size >= remembered) for (const oldest of exhausted.keys()) if (exhausted.delete(oldest)) break
      exhausted.set(key, now + waitSeconds * 1_000)
      return false
    },
  }
}
export type ClientThrottle = ReturnType<typeof createClientThrottle>
