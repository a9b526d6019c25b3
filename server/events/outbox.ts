import { AsyncLocalStorage } from 'node:async_hooks'
import type { Logger } from 'pino'
import type { Database, Statement } from '../../adapters/database/port.ts'
import type { OutboxRow } from '../area.ts'
import type { Metrics } from '../http/metrics.ts'
import { limits } from './limits.ts'

export type TopicHandler = (row: OutboxRow) => Promise<void>

/** Sends what transactions left in the outbox: at least once, retried with growing pauses, never lost by a restart. */
export type OutboxDispatcher = {
  /** Soon; called after commit. */
  wake(): void
  start(handlers: ReadonlyMap<string, TopicHandler>): void
  /** Finishes what is being sent. */
  stop(): Promise<void>
}

export function createOutboxDispatcher(deps: {
  readonly database: Database
  readonly log: Logger
  readonly metrics: Metrics
}): OutboxDispatcher {
  const { database } = deps
  const outside = AsyncLocalStorage.snapshot()
  let handlers: ReadonlyMap<string, TopicHandler> = new Map()
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  let isWoken = false
  let isStopped = true

  const sweep = async () => {
    do {
      isWoken = false
      const rows = await database.query<TakenRow>(take, [
        [...handlers.keys()],
        limits.outboxBatch,
        limits.outboxLeaseSeconds,
      ])
      await Promise.all(rows.map((row) => send(deps, handlers, row)))
      if (rows.length === limits.outboxBatch) isWoken = true
    } while (isWoken && !isStopped)
  }
  const run = () => {
    if (isStopped || handlers.size === 0) return
    isWoken = true
    running ??= outside(sweep)
      .catch((error) => deps.log.warn({ err: error }, 'the outbox cannot be read; trying again'))
      .finally(() => {
        running = undefined
      })
  }
  return {
    wake: run,
    start(all) {
      handlers = all
      isStopped = false
      timer = setInterval(run, limits.outboxSweepMilliseconds).unref()
      run()
    },
    async stop() {
      isStopped = true
      clearInterval(timer)
      await running
    },
  }
}

type TakenRow = {
  readonly tenant_id: string
  readonly id: string
  readonly topic: string
  readonly payload: { readonly [name: string]: unknown }
  readonly attempts: number
}

async function send(
  { database, log, metrics }: Parameters<typeof createOutboxDispatcher>[0],
  handlers: ReadonlyMap<string, TopicHandler>,
  row: TakenRow,
): Promise<void> {
  const { tenant_id: tenantId, id, topic, payload, attempts } = row
  try {
    await handlers.get(topic)?.({ tenantId, id, topic, payload })
    await database.query(markSent, [tenantId, id])
    metrics.outboxSent.inc({ outcome: 'sent' })
  } catch (error) {
    const isDead = attempts >= limits.outboxAttempts
    metrics.outboxSent.inc({ outcome: isDead ? 'dead' : 'retried' })
    log[isDead ? 'error' : 'warn']({ err: error, tenantId, topic, id, attempts }, 'an outbox row was not sent')
    // Where the database itself is away, the lease runs out and the row is taken again.
    await database.query(postpone, [tenantId, id, isDead ? null : 2 ** Math.min(attempts, 10)]).catch(() => undefined)
  }
}

const take: Statement = {
  name: 'outbox-take',
  text: `
update outbox o set attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3::int)
from (
  select tenant_id, id from outbox
  where sent_at is null and topic = any($1::text[]) and (next_attempt_at is null or next_attempt_at <= now())
  order by created_at, id limit $2 for update skip locked
) waiting
where o.tenant_id = waiting.tenant_id and o.id = waiting.id
returning o.tenant_id, o.id, o.topic, o.payload, o.attempts`,
}
const markSent: Statement = {
  name: 'outbox-sent',
  text: 'update outbox set sent_at = now() where tenant_id = $1 and id = $2',
}
const postpone: Statement = {
  name: 'outbox-postpone',
  text: `
update outbox set next_attempt_at = case when $3::int is null then 'infinity'::timestamptz else now() + make_interval(secs => $3::int) end
where tenant_id = $1 and id = $2`,
}
