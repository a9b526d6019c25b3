import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type PostgresJobs, postgresJobs } from '../../../adapters/jobs/postgres.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { jobsContract } from './contract.ts'

async function settle(isDone: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; !isDone() && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function suite(url: () => Promise<string | undefined>): void {
  let opened: TestDatabase
  let jobs: PostgresJobs
  const errors: unknown[] = []
  beforeAll(async () => {
    const place = await url()
    opened = await openTestDatabase({ migrations: [], ...(place ? { url: place } : {}) })
    jobs = postgresJobs(opened.database, {
      retryDelaySeconds: 0,
      pollingSeconds: 0.5,
      retryLimit: 2,
      onError: (error) => errors.push(error),
    })
    await jobs.start()
  })
  afterAll(async () => {
    await jobs.stop(2_000)
    await opened.close()
  })
  jobsContract(() => ({ jobs, database: opened.database, settle }))

  test('a failing job is tried again and then kept in the dead-letter queue', async () => {
    let attempts = 0
    const dead: object[] = []
    await jobs.handle('bad.dead', async (data) => void dead.push(data))
    await jobs.handle('bad', async () => {
      attempts += 1
      throw new Error('broken')
    })
    await jobs.enqueue('bad', { n: 1 })
    await settle(() => dead.length > 0)
    expect([attempts, dead]).toEqual([3, [{ n: 1 }]])
  })

  test('a schedule is kept, and pg-boss reports no error of its own', async () => {
    await jobs.schedule('nightly', '0 3 * * *')
    const rows = await opened.database.query({ name: '', text: 'select name, cron from pgboss.schedule' })
    expect(rows).toEqual([{ name: 'nightly', cron: '0 3 * * *' }])
    expect(errors).toEqual([])
  })
}

describe('pg-boss on the embedded database', () => suite(async () => undefined))

describeWith(realPostgresNeed, 'pg-boss on a real PostgreSQL', () => {
  let postgres: RealPostgres
  beforeAll(async () => {
    postgres = await startRealPostgres()
  })
  afterAll(() => postgres?.stop())
  suite(() => postgres.createDatabase())
})
