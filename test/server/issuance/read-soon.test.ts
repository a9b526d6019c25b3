import { expect, test } from '@jest/globals'
import type { Database } from '../../../adapters/database/port.ts'
import { createReadSoon } from '../../../server/issuance/read-soon.ts'

/** A database that counts what it is asked, and answers that there is no such tenant. */
function counting(state: { inTransaction: boolean; fails?: boolean }) {
  const asked: (readonly unknown[])[] = []
  const database = {
    inTransaction: () => state.inTransaction,
    query: async (_: unknown, values: readonly unknown[]) => {
      asked.push(values)
      if (state.fails) throw new Error('gone')
      return []
    },
  } as unknown as Database // the reader uses nothing else
  return { database, asked }
}
const whose = { tenantId: 't', clientId: 'c', accountId: undefined }

test('who asks for the same in one turn shares a read that begins after all of them', async () => {
  const { database, asked } = counting({ inTransaction: false })
  const read = createReadSoon(database)
  const reads = [read(whose, 1), read(whose, 1), read({ ...whose, clientId: 'd' }, 1)]
  expect(asked).toEqual([])
  await Promise.all(reads)
  expect(asked).toHaveLength(2)
})

test('whoever asks once it has begun gets a later one', async () => {
  const { database, asked } = counting({ inTransaction: false })
  const read = createReadSoon(database)
  await read(whose, 1)
  await read(whose, 2)
  expect(asked).toHaveLength(2)
})

test('inside of a transaction nothing is shared', async () => {
  const { database, asked } = counting({ inTransaction: true })
  const read = createReadSoon(database)
  await Promise.all([read(whose, 1), read(whose, 1)])
  expect(asked).toHaveLength(2)
})

test('a read that fails fails for each who shares it, and the next one is read anew', async () => {
  const state = { inTransaction: false, fails: true }
  const { database, asked } = counting(state)
  const read = createReadSoon(database)
  for (const result of await Promise.allSettled([read(whose, 1), read(whose, 1)]))
    expect(result.status).toBe('rejected')
  state.fails = false
  await expect(read(whose, 1)).resolves.toBeUndefined()
  expect(asked).toHaveLength(2)
})
