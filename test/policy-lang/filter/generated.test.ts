import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { tupleConditions } from '../../../server/schema/0013-tuple-conditions.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, startRealPostgres } from '../../kit/postgres.ts'
import { compareGenerated } from './agreement.ts'
import { createFunctions } from './filter-rows.ts'
import { filterServerNeed } from './server-need.ts'

const migrations = [foundation, tupleConditions]
const worlds = Number(process.env.WRIT_FILTER_RUNS ?? 150)
const batch = 500

const refusedEver = ['who is permitted cannot be said in SQL: roles are worked out in memory']

async function agrees(opened: TestDatabase, count: number): Promise<void> {
  await createFunctions(opened.database)
  const first = Number(process.env.WRIT_FILTER_SEED ?? 1)
  process.stderr.write(`filters of ${count} generated programs and data, WRIT_FILTER_SEED=${first}\n`)
  let compared = 0
  const refused = new Map<string, number>()
  for (let done = 0; done < count; done += batch) {
    const size = { seed: first + done, worlds: Math.min(batch, count - done), questions: 2 }
    const found = await compareGenerated(opened.database, size)
    expect(found.differences.slice(0, 3)).toEqual([])
    compared += found.compared
    for (const [message, times] of found.refused) refused.set(message, (refused.get(message) ?? 0) + times)
    await opened.empty()
  }
  process.stderr.write(`${compared} compared, refused: ${JSON.stringify(Object.fromEntries(refused))}\n`)
  expect(compared).toBeGreaterThan(count)
  // The list may only become shorter.
  expect(refusedEver).toEqual(expect.arrayContaining([...refused.keys()]))
}

describe('rows that a filter chooses are rows that checks allow, over generated programs and data (SPEC 7.7)', () => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await openTestDatabase({ migrations })
  }, 60_000)
  afterAll(() => opened?.close())
  test('embedded', () => agrees(opened, Math.min(worlds, 150)), 600_000)
})

describeWith(filterServerNeed, 'the same on a PostgreSQL server', () => {
  let postgres: RealPostgres
  let opened: TestDatabase
  beforeAll(async () => {
    postgres = await startRealPostgres()
    opened = await openTestDatabase({ migrations, url: await postgres.createDatabase() })
  }, 60_000)
  afterAll(async () => {
    await opened?.close()
    await postgres?.stop()
  })
  test('server', () => agrees(opened, worlds), 3_600_000)
})
