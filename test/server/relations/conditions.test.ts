import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { openTestDatabase } from '../../kit/database.ts'

let opened: Awaited<ReturnType<typeof openTestDatabase>>
beforeAll(async () => {
  opened = await openTestDatabase({ migrations: [foundation] })
  await opened.database.query({ name: '', text: `insert into tenant (id, name) values ('t', 'T')` })
}, 60_000)
afterAll(() => opened.close())

const insert = (columns: string, values: string) =>
  opened.database.query({
    name: '',
    text: `insert into relation (tenant_id, resource_type, resource_id, relation, subject_type, subject_id${columns})
           values ('t', 'Document', 'd1', 'viewer', 'User', 'ann'${values})`,
  })

test('a tuple with a condition cannot be stored while the server does not read conditions: it would open a door', async () => {
  await expect(insert(', condition_name', `, 'inOfficeHours'`)).rejects.toMatchObject({ kind: 'check' })
  await expect(insert(', condition_context', `, '{}'`)).rejects.toMatchObject({ kind: 'check' })
})

test('a tuple without one can', async () => {
  await expect(insert('', '')).resolves.toEqual([])
})
