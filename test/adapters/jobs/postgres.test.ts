import { afterAll, beforeAll, describe } from '@jest/globals'
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
  beforeAll(async () => {
    const place = await url()
    opened = await openTestDatabase({ migrations: [], ...(place ? { url: place } : {}) })
    jobs = postgresJobs(opened.database)
    await jobs.start()
  })
  afterAll(async () => {
    await jobs.stop(2_000)
    await opened.close()
  })
  jobsContract(() => ({ jobs, database: opened.database, settle }))
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
