import { expect, test } from '@jest/globals'
import pino from 'pino'
import { fixedClock } from '../../../adapters/clock/fixed-clock.ts'
import type { Database } from '../../../adapters/database/port.ts'
import { inProcessNotices } from '../../../adapters/notice/in-process.ts'
import { createChangeFeed } from '../../../server/events/change-feed.ts'

/** A database whose answers are taken when the question is asked, and arrive when the test says so. */
function slowDatabase() {
  let committed = 0n
  const waiting: (() => void)[] = []
  const query = (_: unknown, values: readonly unknown[] = []) => {
    const answer =
      values.length === 1
        ? [{ position: committed.toString() }]
        : [{ newest: committed.toString(), position: '0', changes: null }]
    if (values.length === 1) return Promise.resolve(answer)
    return new Promise((resolve) => waiting.push(() => resolve(answer)))
  }
  return {
    // The feed asks nothing else of it.
    database: { query, inTransaction: () => false } as unknown as Database,
    commit: (position: bigint) => {
      committed = position
    },
    async answer() {
      waiting.shift()?.()
      await new Promise((resolve) => setImmediate(resolve))
    },
    waiting,
  }
}

test('catching up never joins a reading that began before: it promises what was committed until now (admin.md §7)', async () => {
  const { database, commit, answer, waiting } = slowDatabase()
  const log = pino({ level: 'silent' })
  const feed = createChangeFeed({ database, notice: inProcessNotices(database), clock: fixedClock(0), log })
  await feed.follow('t')
  const early = feed.catchUp('t')
  commit(7n)
  const [late, later] = [feed.catchUp('t'), feed.catchUp('t')]
  await answer()
  expect(await early).toBe(0n)
  expect(waiting).toHaveLength(1)
  await answer()
  expect([await late, await later]).toEqual([7n, 7n])
  expect(waiting).toHaveLength(0)
})

test('a reading that fails does not fail those that come after it', async () => {
  const { database, commit, answer, waiting } = slowDatabase()
  let fails = true
  const failing = {
    ...database,
    query: (...args: Parameters<Database['query']>) => {
      const isReading = args[1]?.length === 3
      if (!isReading || !fails) return database.query(...args)
      fails = false
      return new Promise((_, reject) => waiting.push(() => reject(new Error('gone'))))
    },
  } as Database // `query` is generic; the stub answers as its statement says
  const log = pino({ level: 'silent' })
  const feed = createChangeFeed({ database: failing, notice: inProcessNotices(database), clock: fixedClock(0), log })
  await feed.follow('t')
  const early = feed.catchUp('t')
  const late = feed.catchUp('t')
  commit(3n)
  await Promise.all([expect(early).rejects.toThrow('gone'), answer()])
  await answer()
  expect(await late).toBe(3n)
})
