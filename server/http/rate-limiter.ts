import { errors } from './errors.ts'
import { limits, type RateLimit } from './limits.ts'
import { createTokenBuckets } from './token-buckets.ts'

/** Takes tokens for one request, or throws 429 with Retry-After. */
export type RateLimiter = {
  take(request: {
    readonly per: RateLimit['per']
    readonly key: string
    readonly method: string
    readonly path: string
    readonly now: number
  }): void
}

export function createRateLimiter(rows: readonly RateLimit[]): RateLimiter {
  const limited = rows.map((row) => ({
    row,
    buckets: createTokenBuckets({ burst: row.burst, perSecond: row.perSecond, capacity: limits.buckets }),
  }))
  return {
    take({ per, key, method, path, now }) {
      for (const { row, buckets } of limited) {
        if (row.per !== per || (row.methods && !row.methods.includes(method))) continue
        if (!row.paths.some((prefix) => path.startsWith(prefix))) continue
        const seconds = buckets.take(key, now)
        if (seconds === 0) continue
        throw errors.too_many_requests({
          headers: { 'retry-after': String(seconds) },
          privateDetail: `limit ${row.name}`,
        })
      }
    },
  }
}
