import { expect, test } from '@jest/globals'
import { migrate, SchemaIsNewer } from '../../../adapters/database/migrate.ts'
import type { Database, Migration } from '../../../adapters/database/port.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'

const step = (id: string, sql: string): Migration => ({ id, up: (run) => run(sql) })

/** What `migrate` does on every Database. `empty` answers one without any table. */
export function migrateContract(empty: () => Promise<Database>): void {
  const applied = async (database: Database): Promise<unknown[]> =>
    (await database.query({ name: '', text: 'select id from writ_migration order by id' })).map((row) => row.id)

  test('applies what is missing in order of id, once, also when asked four times at the same time', async () => {
    const database = await empty()
    const steps = [step('0002-b', 'alter table a add column b int'), step('0001-a', 'create table a ()')]
    await Promise.all([1, 2, 3, 4].map(() => migrate(database, steps)))
    await migrate(database, steps)
    expect(await applied(database)).toEqual(['0001-a', '0002-b'])
  })

  test('a step that fails leaves nothing of itself and keeps the steps before', async () => {
    const database = await empty()
    const steps = [step('0001-a', 'create table a ()'), step('0002-b', 'create table b (); select 1/0')]
    await expect(migrate(database, steps)).rejects.toMatchObject({ code: '22012' })
    expect(await applied(database)).toEqual(['0001-a'])
    await migrate(database, [step('0001-a', ''), step('0002-b', 'create table b ()')])
    expect(await applied(database)).toEqual(['0001-a', '0002-b'])
  })

  test('refuses a database that a newer version migrated, before it changes anything', async () => {
    const database = await empty()
    await migrate(database, [step('0001-a', 'create table a ()'), step('0009-future', 'create table f ()')])
    const run = migrate(database, [step('0001-a', ''), step('0002-b', 'create table b ()')])
    await expect(run).rejects.toThrow(SchemaIsNewer)
    await expect(run).rejects.toMatchObject({ unknown: ['0009-future'] })
    expect(await applied(database)).toEqual(['0001-a', '0009-future'])
  })

  test('the foundation applies', async () => {
    const database = await empty()
    await migrate(database, [foundation])
    expect(await applied(database)).toEqual(['0001-foundation'])
  })
}
