import { expect, test } from '@jest/globals'
import type { Database } from '../../../adapters/database/port.ts'
import { createReadSoon } from '../../../server/issuance/read-soon.ts'

/** A database that counts what it is asked, and answers that there is no such tenant. */
function counting(state: { inTransaction: boolean; fails?: boolean; until?: Promise<void> }) {
  const asked: (readonly unknown[])[] = []
  const database = {
    inTransaction: () => state.inTransaction,
    query: async (_: unknown, values: readonly unknown[]) => {
      asked.push(values)
      await state.until
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
  expect(asked).toEqual([
    [
      ['t', 't'],
      ['c', 'd'],
    ],
  ])
})

test('who asks while a read is under way gets the next one, together with all who came meanwhile', async () => {
  const gate = Promise.withResolvers<void>()
  const { database, asked } = counting({ inTransaction: false, until: gate.promise })
  const read = createReadSoon(database)
  const first = read(whose, 1)
  while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const later = ['c', 'd', 'e', 'c'].map((clientId) => read({ ...whose, clientId }, 1))
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  expect(asked).toHaveLength(1)
  gate.resolve()
  await Promise.all([first, ...later])
  expect(asked.slice(1)).toEqual([
    [
      ['t', 't', 't'],
      ['c', 'd', 'e'],
    ],
  ])
})

test('people are read one by one, clients for themselves together', async () => {
  const { database, asked } = counting({ inTransaction: false })
  const read = createReadSoon(database)
  await Promise.all([read({ ...whose, accountId: 'a' }, 1), read(whose, 1), read({ ...whose, clientId: 'd' }, 1)])
  expect(asked).toHaveLength(2)
  expect(asked.some((values) => values.includes('a'))).toBe(true)
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
