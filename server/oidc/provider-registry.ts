import type { Tenant } from '../tenancy/tenant.ts'

/** Kept by recency of use. */
const keptProviders = 200
/** Whoever has not been asked for this long is built again when somebody asks: that takes milliseconds. */
const idleMilliseconds = 15 * 60_000

export type ProviderRegistry<Built> = {
  /** Built at first use. Whoever holds one finishes on it, whatever happens here meanwhile. */
  of(tenant: Tenant): Promise<Built>
  /** Built anew at the next request: keys, rules or the tenant itself changed. */
  forget(tenantId: string): void
  /** Drops what nobody has asked for in a while, and tells whose it was. */
  dropIdle(): readonly string[]
}

/**
 * What serves each tenant, while somebody uses it (provider.md §8). INVARIANT: nothing else in the process refers to what is built,
 * so that dropping it gives the memory back as soon as the last request on it has ended. It owns no timer: whoever sweeps asks.
 */
export function createProviderRegistry<Built>({
  build,
  now,
}: {
  readonly build: (tenant: Tenant) => Promise<Built>
  readonly now: () => number
}): ProviderRegistry<Built> {
  const built = new Map<string, { readonly issuer: string; readonly provider: Promise<Built>; usedAt: number }>()
  return {
    async of(tenant) {
      const known = built.get(tenant.id)
      const entry =
        known?.issuer === tenant.issuer ? known : { issuer: tenant.issuer, provider: build(tenant), usedAt: 0 }
      entry.usedAt = now()
      // ORDER: the map is in the order of use, the oldest first.
      built.delete(tenant.id)
      built.set(tenant.id, entry)
      const oldest = built.size > keptProviders ? built.keys().next().value : undefined
      if (oldest !== undefined) built.delete(oldest)
      try {
        return await entry.provider
      } catch (error) {
        if (built.get(tenant.id) === entry) built.delete(tenant.id)
        throw error
      }
    },
    forget: (tenantId) => {
      built.delete(tenantId)
    },
    dropIdle() {
      const before = now() - idleMilliseconds
      const idle = [...built].filter(([, { usedAt }]) => usedAt <= before).map(([tenantId]) => tenantId)
      for (const tenantId of idle) built.delete(tenantId)
      return idle
    },
  }
}
