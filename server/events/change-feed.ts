import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database, Statement } from '../../adapters/database/port.ts'
import type { NoticeBus } from '../../adapters/notice/port.ts'
import type { Change, ChangeFeed, ChangeSet } from './change.ts'
import { limits } from './limits.ts'

export const changeChannel = 'writ_change'

export type RunningChangeFeed = ChangeFeed & {
  /** For `withTransaction`: what this node has just committed. */
  committed(set: ChangeSet): void
  start(): Promise<void>
  stop(): Promise<void>
}

type Followed = {
  seen: bigint
  readAt: number
  reading: Promise<bigint> | undefined
  /** Begins when `reading` has ended, for whoever came after it had begun. */
  next: Promise<bigint> | undefined
}

export function createChangeFeed(deps: {
  readonly database: Database
  readonly notice: NoticeBus
  readonly clock: Clock
  readonly log: Logger
}): RunningChangeFeed {
  const { database, notice, clock, log } = deps
  const followed = new Map<string, Followed>()
  const listeners = new Set<(set: ChangeSet) => void>()
  // Listeners and polls must not join the transaction in whose context a notice happens to arrive.
  const outside = AsyncLocalStorage.snapshot()
  // Not the clock of decisions, which tests hold still: this measures the world.
  let heardAt = performance.now()
  let timer: NodeJS.Timeout | undefined
  let unsubscribe: (() => Promise<void>) | undefined

  const tell = (set: ChangeSet) => {
    for (const listener of listeners) {
      try {
        listener(set)
      } catch (error) {
        log.error({ err: error, tenantId: set.tenantId }, 'a listener of changes failed')
      }
    }
  }
  const read = async (tenantId: string, tenant: Followed): Promise<bigint> => {
    const isFarBehind = clock.now() - tenant.readAt > limits.changesKeptMilliseconds / 2
    for (;;) {
      const rows = await database.query<ChangeRow>(readChanges, [
        tenantId,
        tenant.seen.toString(),
        limits.changesReadAtOnce,
      ])
      const newest = BigInt(rows[0]?.newest ?? tenant.seen)
      const sets = rows.filter((row) => row.changes !== null)
      for (const row of sets) {
        const position = BigInt(row.position)
        if (position <= tenant.seen) continue
        tenant.seen = position
        tell({ tenantId, position, changes: row.changes ?? [] })
      }
      if (sets.length === limits.changesReadAtOnce) continue
      if (newest > tenant.seen) tenant.seen = newest
      if (isFarBehind) tell({ tenantId, position: tenant.seen, changes: [{ kind: 'everything' }] })
      tenant.readAt = clock.now()
      heardAt = performance.now()
      return tenant.seen
    }
  }
  const catchUp = (tenantId: string): Promise<bigint> => {
    const tenant = followed.get(tenantId)
    if (!tenant || database.inTransaction()) return follow(tenantId)
    if (!tenant.reading) return begin(tenantId, tenant)
    // What is being read may miss what has been committed since it began: the caller is promised that, so it waits for the next.
    tenant.next ??= tenant.reading
      .catch(() => undefined)
      .then(() => {
        tenant.next = undefined
        return tenant.reading ?? begin(tenantId, tenant)
      })
    return tenant.next
  }
  const begin = (tenantId: string, tenant: Followed): Promise<bigint> => {
    tenant.reading = outside(() => read(tenantId, tenant)).finally(() => {
      tenant.reading = undefined
    })
    return tenant.reading
  }
  const follow = async (tenantId: string): Promise<bigint> => {
    const known = followed.get(tenantId)
    if (known) return known.seen
    // Inside a transaction nobody may wait for another session (the embedded database has one): then it begins at zero, and
    // the next poll reads what is kept; reading again is harmless.
    const [row] = database.inTransaction()
      ? []
      : await outside(() => database.query<{ position: string }>(readPosition, [tenantId]))
    const tenant = followed.get(tenantId) ?? {
      seen: BigInt(row?.position ?? 0),
      readAt: clock.now(),
      reading: undefined,
      next: undefined,
    }
    followed.set(tenantId, tenant)
    return tenant.seen
  }
  const poll = async () => {
    const rows = await database.query<{ tenant_id: string; position: string }>(readPositions, [[...followed.keys()]])
    heardAt = performance.now()
    const moved = rows.filter((row) => BigInt(row.position) > (followed.get(row.tenant_id)?.seen ?? 0n))
    for (const row of moved) await catchUp(row.tenant_id)
    const now = clock.now()
    for (const row of rows) {
      const tenant = followed.get(row.tenant_id)
      if (tenant) tenant.readAt = now
    }
  }
  const schedule = () => {
    timer = setTimeout(() => {
      poll()
        .catch((error) => log.warn({ err: error }, 'changes cannot be read; trying again'))
        .finally(() => {
          if (timer) schedule()
        })
    }, limits.pollMilliseconds).unref()
  }
  return {
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    seen: (tenantId) => followed.get(tenantId)?.seen ?? 0n,
    follow,
    silence: () => performance.now() - heardAt,
    catchUp,
    committed(set) {
      const tenant = followed.get(set.tenantId)
      if (!tenant || set.position <= tenant.seen) return
      // Another node's transaction may lie between: then the rows are read, in order.
      if (set.position === tenant.seen + 1n && !tenant.reading) {
        tenant.seen = set.position
        if (set.changes.length > 0) outside(() => tell(set))
      } else {
        catchUp(set.tenantId).catch((error) => log.warn({ err: error }, 'changes cannot be read; trying again'))
      }
    },
    async start() {
      unsubscribe = await notice.subscribe(changeChannel, (payload) => {
        const [tenantId = '', position = '0'] = payload.split(' ')
        const tenant = followed.get(tenantId)
        if (!tenant || BigInt(position) <= tenant.seen) return
        catchUp(tenantId).catch((error) => log.warn({ err: error }, 'changes cannot be read; trying again'))
      })
      schedule()
    },
    async stop() {
      clearTimeout(timer)
      timer = undefined
      await unsubscribe?.()
      await Promise.allSettled([...followed.values()].flatMap((tenant) => [tenant.reading, tenant.next]))
    },
  }
}

type ChangeRow = {
  readonly newest: string
  readonly position: string
  readonly changes: Change[] | null
}

const readPosition: Statement = {
  name: 'changes-position',
  text: 'select position from tenant_revision where tenant_id = $1',
}
const readPositions: Statement = {
  name: 'changes-positions',
  text: 'select tenant_id, position from tenant_revision where tenant_id = any($1::text[])',
}
const readChanges: Statement = {
  name: 'changes-read',
  text: `
select r.position as newest, c.position, c.changes
from tenant_revision r left join tenant_change c on c.tenant_id = r.tenant_id and c.position > $2::bigint
where r.tenant_id = $1 order by c.position limit $3`,
}
