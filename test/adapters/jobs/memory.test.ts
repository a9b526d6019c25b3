import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { fixedClock } from '../../../adapters/clock/fixed-clock.ts'
import { memoryJobs } from '../../../adapters/jobs/memory.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { jobsContract } from './contract.ts'

describe('jobs in memory', () => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await openTestDatabase({ migrations: [] })
  })
  afterAll(() => opened.close())

  describe('contract', () => {
    let jobs: ReturnType<typeof memoryJobs>
    beforeAll(() => {
      jobs = memoryJobs(fixedClock(), opened.database)
    })
    jobsContract(() => ({ jobs, database: opened.database, settle: () => jobs.runDue() }))
  })

  test('a failing job is tried again with a growing pause and is dead after six attempts', async () => {
    const clock = fixedClock()
    const jobs = memoryJobs(clock)
    let attempts = 0
    await jobs.handle('bad', async () => {
      attempts += 1
      throw new Error('broken')
    })
    await jobs.enqueue('bad', {})
    await jobs.runDue()
    expect(attempts).toBe(1)
    clock.advance(4_999)
    await jobs.runDue()
    expect(attempts).toBe(1)
    clock.advance(1)
    await jobs.runDue()
    expect(attempts).toBe(2)
    for (let pause = 0; pause < 6; pause++) {
      clock.advance(3_600_000)
      await jobs.runDue()
    }
    expect([attempts, jobs.dead().length]).toEqual([6, 1])
  })
})
