/** Token buckets of this node, by key. */
export type TokenBuckets = {
  /** Takes one token; answers 0, or the whole seconds until one is there. */
  take(key: string, now: number): number
  readonly size: number
}

/** `capacity` bounds memory: beyond it the key that was made first is forgotten, and with it at most one burst. */
export function createTokenBuckets(options: {
  readonly burst: number
  readonly perSecond: number
  readonly capacity: number
}): TokenBuckets {
  const { burst, perSecond, capacity } = options
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    take(key, now) {
      const bucket = buckets.get(key)
      if (!bucket) {
        if (buckets.size >= capacity) forgetOldest(buckets)
        buckets.set(key, { tokens: burst - 1, at: now })
        return 0
      }
      const elapsed = Math.max(0, now - bucket.at)
      bucket.tokens = Math.min(burst, bucket.tokens + (elapsed * perSecond) / 1000)
      bucket.at = Math.max(now, bucket.at)
      if (bucket.tokens < 1) return Math.max(1, Math.ceil((1 - bucket.tokens) / perSecond))
      bucket.tokens -= 1
      return 0
    },
    get size() {
      return buckets.size
    },
  }
}

function forgetOldest(buckets: Map<string, unknown>): void {
  for (const key of buckets.keys()) {
    buckets.delete(key)
    return
  }
}
