import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import type { EntityStore, Program } from '../../policy-lang/index.ts'
import type { Change, ChangeFeed } from '../events/change.ts'
import type { ActivePolicy } from './active-policy.ts'
import { limits } from './limits.ts'
import type { Loading } from './load-facts.ts'
import { createTenantGraph, schemaOf, type TenantGraph } from './tenant-graph.ts'

/** The graphs of the tenants that somebody asks about, followed by the change feed. */
export type Graphs = {
  /** At once where the graph is there and nothing is known to have changed; else a promise. */
  of(policy: ActivePolicy): EntityStore | Promise<EntityStore>
  /** Drops graphs that nobody has asked about for long. */
  evictIdle(): void
  /** What the graphs in memory hold, the largest first. */
  sizes(): readonly GraphSize[]
}

export type GraphSize = { readonly tenantId: string } & EntityStore['size']

type Held = {
  readonly graph: TenantGraph
  pending: Change[]
  /** Set while the graph is read or lags behind. */
  busy: Promise<void> | undefined
  usedAt: number
  isRead: boolean
}

type Deps = {
  readonly database: Database
  readonly changes: ChangeFeed
  readonly clock: Clock
  readonly log: Logger
  /** Types that live in tables of their own: the graph has nothing of them but ids. */
  readonly isBound: (type: string) => boolean
}

export function createGraphs(deps: Deps): Graphs {
  const { database, changes, clock, log, isBound } = deps
  const tenants = new Map<string, Map<string, Held>>()
  // What is shared must not be read inside somebody's transaction.
  const outside = AsyncLocalStorage.snapshot()
  const schemas = new WeakMap<Program, string>()
  const schemaKey = (program: Program): string => {
    const known = schemas.get(program) ?? schemaOf(program)
    schemas.set(program, known)
    return known
  }

  /** Until it succeeds, decisions that need the graph wait for it or fail with it: never answer from a state known to be old. */
  const follow = (held: Held): Promise<void> => {
    if (held.pending.length === 0) return held.busy ?? Promise.resolve()
    held.busy ??= (async () => {
      try {
        while (held.pending.length > 0) {
          const batch = held.pending
          held.pending = []
          try {
            await outside(() => held.graph.apply(batch))
            held.isRead = true
          } catch (error) {
            held.pending = [...batch, ...held.pending]
            throw error
          }
        }
      } finally {
        // In the same step as the last look at what is pending: a change that came in between would be waited for by nobody.
        held.busy = undefined
      }
    })()
    return held.busy
  }
  changes.onChange((set) => {
    const relevant = set.changes.filter((change) => concernsGraph(change, isBound))
    if (relevant.length === 0) return
    for (const held of tenants.get(set.tenantId)?.values() ?? []) {
      held.pending.push(...relevant)
      follow(held).catch((error) => log.warn({ err: error, tenantId: set.tenantId }, 'changed facts cannot be read'))
    }
  })
  const open = async (policy: ActivePolicy, key: string): Promise<Held> => {
    await changes.follow(policy.tenantId)
    const schemasOfTenant = tenants.get(policy.tenantId) ?? new Map<string, Held>()
    tenants.set(policy.tenantId, schemasOfTenant)
    const known = schemasOfTenant.get(key)
    if (known) return known
    const graph = createTenantGraph(database, policy.tenantId, policy.program, {
      refused: ({ code, message }) =>
        log.warn({ tenantId: policy.tenantId, code, why: message }, 'a stored entity is not used'),
      loads: tellsOfLoading(deps, policy.tenantId),
    })
    const held: Held = { graph, pending: [{ kind: 'everything' }], busy: undefined, usedAt: clock.now(), isRead: false }
    schemasOfTenant.set(key, held)
    return held
  }
  const settle = async (policy: ActivePolicy, key: string): Promise<EntityStore> => {
    const held = tenants.get(policy.tenantId)?.get(key) ?? (await open(policy, key))
    await follow(held)
    return held.graph.store
  }
  return {
    of(policy) {
      const key = schemaKey(policy.program)
      const held = tenants.get(policy.tenantId)?.get(key)
      const isBehind = !held || held.busy !== undefined || held.pending.length > 0
      // Inside a transaction nobody may wait for another session (the embedded database has one): the graph as it stands is
      // what a decision a moment earlier would have seen.
      if (isBehind && !(held?.isRead && database.inTransaction())) return settle(policy, key)
      held.usedAt = clock.now()
      return held.graph.store
    },
    sizes: () =>
      [...tenants]
        .flatMap(([tenantId, schemas]) => [...schemas.values()].map(({ graph }) => ({ tenantId, ...graph.store.size })))
        .sort((a, b) => b.bytes - a.bytes),
    evictIdle() {
      const oldest = clock.now() - limits.idleGraphMilliseconds
      for (const [tenantId, held] of tenants) {
        for (const [key, { usedAt, busy }] of held) if (usedAt < oldest && !busy) held.delete(key)
        if (held.size === 0) tenants.delete(tenantId)
      }
    },
  }
}

/** Says how far a long reading is, and what a long one has read; most are over before the first word. */
function tellsOfLoading({ clock, log }: Pick<Deps, 'clock' | 'log'>, tenantId: string): () => Loading {
  return () => {
    const began = clock.now()
    let said = began
    return {
      progress(read) {
        if (clock.now() - said < limits.loadProgressMilliseconds) return
        said = clock.now()
        log.info({ tenantId, ...read }, 'facts are being read')
      },
      done(read) {
        if (said !== began) log.info({ tenantId, ...read, milliseconds: clock.now() - began }, 'facts have been read')
      },
    }
  }
}

function concernsGraph(change: Change, isBound: (type: string) => boolean): boolean {
  // Sub-organizations inherit assignments, though their rows stand in a table.
  if (change.kind === 'entity') return change.entity.type === 'Organization' || !isBound(change.entity.type)
  return change.kind === 'relation' || change.kind === 'role' || change.kind === 'everything'
}
