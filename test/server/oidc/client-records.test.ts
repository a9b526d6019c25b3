import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createClientRecords } from '../../../server/oidc/client-records.ts'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
const names = ['a', 'b', 'c', 'd']
beforeAll(async () => {
  rig = await openRig()
  await rig.seed.tenant('acme')
  for (const name of names) await rig.seed.client(name, { grantTypes: ['client_credentials'], scope: 'access' })
})
afterAll(() => rig.close())

function open() {
  const asked: (readonly string[])[] = []
  let until: Promise<void> | undefined
  const database = {
    ...rig.database,
    query: async (statement: unknown, values: readonly unknown[]) => {
      asked.push(values[1] as readonly string[]) // ids
      const rows = await rig.database.query(statement as { name: string; text: string }, values)
      await until
      return rows
    },
  } as typeof rig.database
  let now = 0
  const records = createClientRecords(database, { now: () => now })
  return {
    records,
    asked,
    wait: (seconds: number) => (now += seconds * 1_000),
    hold: (gate: Promise<void>) => (until = gate),
  }
}

test('a record is read again after five seconds, and is the same object where nothing changed', async () => {
  const { records, asked, wait } = open()
  const first = await records.find('default', 'a')
  wait(4.9)
  expect(await records.find('default', 'a')).toBe(first)
  expect(asked).toHaveLength(1)
  wait(0.1)
  expect(await records.find('default', 'a')).toBe(first)
  expect(asked).toHaveLength(2)
  await rig.seed.run(`update client set name = 'Another' where id = 'a'`, [])
  wait(5)
  expect(await records.find('default', 'a')).toMatchObject({ id: 'a', name: 'Another' })
})

test('clients in use that are due soon are read along with the first; unused ones are not', async () => {
  const { records, asked, wait } = open()
  for (const name of names) await records.find('default', name)
  wait(3)
  for (const name of ['a', 'b', 'c']) await records.find('default', name)
  wait(2)
  asked.length = 0
  for (const name of ['a', 'b', 'c']) await records.find('default', name)
  expect(asked).toEqual([['a', 'b', 'c']])
})

test('one that is disabled is gone, whoever it was read along with; another tenant has none of them', async () => {
  const { records, wait } = open()
  for (const name of names) await records.find('default', name)
  wait(3)
  for (const name of names) await records.find('default', name)
  await rig.seed.run(`update client set status = 'disabled' where id = 'd'`, [])
  wait(2)
  await records.find('default', 'a')
  expect(await records.find('default', 'd')).toBeUndefined()
  await rig.seed.run(`update client set status = 'active' where id = 'd'`, [])
  expect(await records.find('default', 'd')).toBeDefined()
  expect(await records.find('acme', 'a')).toBeUndefined()
})

test('what is forgotten while it is read along is not kept', async () => {
  const { records, asked, wait, hold } = open()
  for (const name of ['a', 'b']) await records.find('default', name)
  wait(3)
  await records.find('default', 'b')
  wait(2)
  const gate = Promise.withResolvers<void>()
  hold(gate.promise)
  const reading = records.find('default', 'a')
  records.forget('default', 'b')
  gate.resolve()
  await reading
  asked.length = 0
  await records.find('default', 'b')
  expect(asked).toEqual([['b']])
})
