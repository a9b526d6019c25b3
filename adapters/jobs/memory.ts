import type { Clock } from '../clock/port.ts'
import type { Database } from '../database/port.ts'
import type { Jobs } from './port.ts'

export type MemoryJobs = Jobs & {
  /** Runs every job that is due by the clock, and those that they enqueue; a failing one waits for its next turn. */
  runDue(): Promise<void>
  /** Jobs that failed too often, with the last error. */
  dead(): readonly { readonly name: string; readonly data: object; readonly error: unknown }[]
  /** What `schedule` was asked for; time does not run it. */
  scheduled(): ReadonlyMap<string, string>
}

type Waiting = {
  readonly name: string
  readonly data: object
  readonly key: string | undefined
  at: number
  failures: number
}

const retryDelayMilliseconds = 5_000
const retries = 5

/** For tests: jobs live in memory and run when told to. Not durable. */
export function memoryJobs(clock: Clock, database?: Pick<Database, 'afterCommit'>): MemoryJobs {
  const handlers = new Map<string, (data: object) => Promise<void>>()
  const schedules = new Map<string, string>()
  const dead: { name: string; data: object; error: unknown }[] = []
  let waiting: Waiting[] = []

  const add = (job: Waiting): void => {
    const isThere = job.key !== undefined && waiting.some(({ name, key }) => name === job.name && key === job.key)
    if (!isThere) waiting.push(job)
  }

  async function run(job: Waiting, handler: (data: object) => Promise<void>): Promise<void> {
    waiting = waiting.filter((other) => other !== job)
    try {
      await handler(job.data)
    } catch (error) {
      job.failures += 1
      job.at = clock.now() + retryDelayMilliseconds * 2 ** (job.failures - 1)
      if (job.failures > retries) dead.push({ name: job.name, data: job.data, error })
      else waiting.push(job)
    }
  }

  return {
    async enqueue(name, data, { startAfterSeconds = 0, key } = {}) {
      // A copy by way of JSON, as a database would keep it.
      const job = {
        name,
        data: JSON.parse(JSON.stringify(data)),
        key,
        at: clock.now() + startAfterSeconds * 1000,
        failures: 0,
      }
      if (database) database.afterCommit(() => add(job))
      else add(job)
    },
    async handle(name, handler) {
      handlers.set(name, handler)
    },
    async schedule(name, cron) {
      schedules.set(name, cron)
    },
    async runDue() {
      for (;;) {
        const job = waiting.find(({ name, at }) => at <= clock.now() && handlers.has(name))
        const handler = job && handlers.get(job.name)
        if (!job || !handler) return
        await run(job, handler)
      }
    },
    dead: () => dead,
    scheduled: () => schedules,
    stop: async () => {},
  }
}
