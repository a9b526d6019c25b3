import { expect, test } from '@jest/globals'
import type { Database } from '../../../adapters/database/port.ts'
import type { Jobs } from '../../../adapters/jobs/port.ts'

export type GivenJobs = {
  readonly jobs: Jobs
  readonly database: Database
  settle(isDone: () => boolean): Promise<void>
}

/** What every version of Jobs does. */
export function jobsContract(given: () => GivenJobs): void {
  const collect = async (name: string): Promise<object[]> => {
    const seen: object[] = []
    await given().jobs.handle(name, async (data) => void seen.push(data))
    return seen
  }

  test('a job reaches its handler with its data', async () => {
    const seen = await collect('plain')
    await given().jobs.enqueue('plain', { n: 1 })
    await given().settle(() => seen.length > 0)
    expect(seen).toEqual([{ n: 1 }])
  })

  test('a job enqueued in a transaction exists if and only if that commits', async () => {
    const seen = await collect('joined')
    const { jobs, database } = given()
    await expect(
      database.transaction(async () => {
        await jobs.enqueue('joined', { n: 'rolled back' })
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    await database.transaction(async () => {
      await jobs.enqueue('joined', { n: 'committed' })
    })
    await given().settle(() => seen.length > 0)
    expect(seen).toEqual([{ n: 'committed' }])
  })

  test('one waiting job per name and key; jobs without a key do not replace each other', async () => {
    const { jobs } = given()
    for (const n of [1, 2, 3]) await jobs.enqueue('keyed', { n }, { key: 'same' })
    await jobs.enqueue('keyed', { n: 4 }, { key: 'other' })
    await jobs.enqueue('keyed', { n: 5 })
    await jobs.enqueue('keyed', { n: 6 })
    const seen: number[] = []
    await jobs.handle('keyed', async (data) => void seen.push('n' in data ? Number(data.n) : 0))
    await given().settle(() => seen.length >= 4)
    expect(seen.sort()).toEqual([1, 4, 5, 6])
  })
}
