import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { type Job, PgBoss } from 'pg-boss'
import type { Database } from '../database/port.ts'
import type { Jobs } from './port.ts'

export type PostgresJobs = Jobs & {
  /**
   * Makes or brings up the schema `pgboss` and starts the workers; call it once, after the server answers. Everything but
   * `enqueue` may be called before; `enqueue` throws until it is done.
   */
  start(): Promise<void>
}

export type PostgresJobsOptions = {
  readonly onError?: (error: unknown) => void
  /** First pause before a failed job is tried again; it doubles. */
  readonly retryDelaySeconds?: number
  readonly retryLimit?: number
  /** An idle queue costs one query in this time; a job enqueued on this node is fetched at once. At least 0.5. */
  readonly pollingSeconds?: number
}

const polling = 5
const retryDelay = 5
const retries = 5
/** A handler that takes longer is taken for dead and its job given to another node. */
const longestRunSeconds = 300

/**
 * pg-boss on our own `Database`: its statements join the transaction they are sent in, and the embedded database's one session
 * serves both.
 */
export function postgresJobs(database: Database, options: PostgresJobsOptions = {}): PostgresJobs {
  const boss = new PgBoss({
    db: { executeSql: async (text, values) => ({ rows: await database.query({ name: '', text }, values) }) },
    backend: database.kind === 'embedded' ? 'pglite' : 'postgres',
    // Advice for large queues on a server; on the one session it would only cost.
    monitorVacuum: database.kind === 'server',
    reindex: database.kind === 'server',
  })
  boss.on('error', (error) => options.onError?.(error))
  // Workers and timers outlive whoever starts them, so they must not run in that one's transaction.
  const outside = AsyncLocalStorage.snapshot()
  const started = Promise.withResolvers<void>()
  started.promise.catch(() => {})
  const known = new Set<string>()
  const workers = new Map<string, string>()
  let isStarted = false

  async function ensureQueue(name: string): Promise<void> {
    if (known.has(name)) return
    const policy = {
      // One waiting job per singletonKey; any number running.
      policy: 'short',
      retryLimit: options.retryLimit ?? retries,
      retryDelay: options.retryDelaySeconds ?? retryDelay,
      retryBackoff: true,
      expireInSeconds: longestRunSeconds,
    }
    await boss.createQueue(`${name}.dead`)
    await boss.createQueue(name, { ...policy, deadLetter: `${name}.dead` })
    // A queue that a transaction made is gone if that one rolls back.
    if (!database.inTransaction()) known.add(name)
  }

  return {
    start: () =>
      outside(async () => {
        await boss.start()
        isStarted = true
        started.resolve()
      }),
    async enqueue(name, data, { startAfterSeconds = 0, key } = {}) {
      if (!isStarted) throw new Error('jobs are enqueued after `start`')
      await ensureQueue(name)
      await boss.send(name, data, { singletonKey: key ?? randomUUID(), startAfter: startAfterSeconds })
      const worker = workers.get(name)
      if (worker !== undefined && startAfterSeconds === 0) database.afterCommit(() => boss.notifyWorker(worker))
    },
    handle: (name, handler) =>
      outside(async () => {
        await started.promise
        await ensureQueue(name)
        const settings = { pollingIntervalSeconds: options.pollingSeconds ?? polling, batchSize: 1 }
        const worker = await boss.work(name, settings, async (jobs: Job<object>[]) => {
          // After a job there may be more: look again at once, instead of after the pause of an idle queue.
          boss.notifyWorker(worker)
          for (const job of jobs) await handler(job.data ?? {})
        })
        workers.set(name, worker)
      }),
    schedule: (name, cron) =>
      outside(async () => {
        await started.promise
        await ensureQueue(name)
        await boss.schedule(name, cron, {}, { tz: 'UTC' })
      }),
    stop: (timeoutMilliseconds) =>
      outside(async () => {
        if (isStarted) await boss.stop({ graceful: true, timeout: timeoutMilliseconds })
      }),
  }
}
