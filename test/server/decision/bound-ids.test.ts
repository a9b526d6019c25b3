import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createBoundIds } from '../../../server/decision/bound-ids.ts'
import { identityBindings } from '../../../server/identity/bindings.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { listedPeople } from '../../../server/schema/0046-listed-people.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'

let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase({ migrations: [foundation, listedPeople] })
})
afterAll(() => opened.close())

test.each([
  ['User', 'account_listed'],
  ['Client', 'client_listed'],
])('a page of ids of %s is read from an index in the order of code points (SPEC 8.2)', async (type, index) => {
  const { database } = opened
  const asked: { readonly text: string; readonly values: readonly unknown[] }[] = []
  const noting = {
    ...database,
    query: async ({ text }: { readonly text: string }, values: readonly unknown[] = []) => {
      asked.push({ text, values })
      return []
    },
  } as typeof database
  await createBoundIds(noting, identityBindings).after('default', type, { after: 'a', count: 50 })
  // So few rows are read whole unless that is forbidden; a sort would show that no index has the order.
  const plan = await database.transaction(
    async () => {
      const [first] = asked
      return database.query<{ 'QUERY PLAN': string }>({ name: '', text: `explain ${first?.text}` }, first?.values)
    },
    { enable_seqscan: 'off', enable_bitmapscan: 'off' },
  )
  const text = plan.map((row) => row['QUERY PLAN']).join('\n')
  expect(text).toContain(index)
  expect(text).not.toContain('Sort')
})
