import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { migrate } from '../../../adapters/database/migrate.ts'
import type { Database } from '../../../adapters/database/port.ts'
import { openServer } from '../../../adapters/database/server.ts'
import { foundation } from '../../../server/schema/0001-foundation.ts'
import { describeWith } from '../../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { databaseContract, sample } from './contract.ts'
import { migrateContract } from './migrate-contract.ts'

describeWith(realPostgresNeed, 'database on a real PostgreSQL', () => {
  let postgres: RealPostgres
  let database: Database
  const opened: Database[] = []
  const open = async (): Promise<Database> => {
    const server = openServer({ url: await postgres.createDatabase(), statementTimeoutMilliseconds: 1_000 })
    opened.push(server)
    return server
  }
  beforeAll(async () => {
    postgres = await startRealPostgres()
    database = await open()
    await migrate(database, [sample])
  })
  afterAll(async () => {
    for (const server of opened) await server.close()
    await postgres?.stop()
  })

  databaseContract(() => database)
  describe('migrate', () => migrateContract(open))

  test('a statement that outlives its time is a timeout, and the connection serves on', async () => {
    await expect(database.query({ name: '', text: 'select pg_sleep(5)' })).rejects.toMatchObject({ kind: 'timeout' })
    expect(await database.isReachable(2_000)).toBe(true)
  })

  test('uses at most 20 connections', async () => {
    const pids = await Promise.all(
      Array.from({ length: 64 }, () =>
        database.query({ name: '', text: 'select pg_backend_pid() as pid, pg_sleep(0.01)' }),
      ),
    )
    expect(new Set(pids.flat().map((row) => row.pid)).size).toBeLessThanOrEqual(20)
  })

  test('of two transactions that read and write crosswise, one is told serialization', async () => {
    await database.query({ name: '', text: `insert into other values ('a'), ('b')` })
    const bothRead = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
    const cross = (own: 0 | 1): Promise<void> =>
      database.transaction(async () => {
        await database.query({ name: '', text: 'set transaction isolation level serializable' })
        await database.query({ name: '', text: 'select count(*) from other' })
        bothRead[own].resolve()
        await Promise.all(bothRead.map(({ promise }) => promise))
        await database.query({ name: '', text: 'insert into other values ($1)' }, [`new-${own}`])
      })
    const results = await Promise.allSettled([cross(0), cross(1)])
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(1)
    expect(refused[0]).toMatchObject({ reason: { kind: 'serialization' } })
  })

  test('the tenant wall hides and refuses rows of another tenant from a role that is no superuser', async () => {
    const walled = await open()
    await migrate(walled, [foundation])
    await walled.query({ name: '', text: `insert into tenant (id, name) values ('a', 'A'), ('b', 'B')` })
    await walled.query({ name: '', text: `insert into account (tenant_id, id) values ('a', '1'), ('b', '2')` })
    await walled.transaction(
      async () => {
        expect(await walled.table('account').pluck('id')).toEqual(['1'])
        const foreign = walled.transaction(() => walled.table('account').insert({ tenant_id: 'b', id: '3' }))
        await expect(foreign).rejects.toMatchObject({ code: '42501' })
      },
      { 'writ.tenant': 'a' },
    )
  })

  test('a server that dies and returns: unavailable meanwhile, then answers without a restart', async () => {
    if (!postgres.isOwn) return
    await database.query({ name: 'kept', text: 'insert into other values ($1)' }, ['before'])
    await postgres.crash()
    await expect(
      database.query({ name: 'kept', text: 'insert into other values ($1)' }, ['lost']),
    ).rejects.toMatchObject({
      kind: 'unavailable',
    })
    expect(await database.isReachable(500)).toBe(false)
    await postgres.start()
    expect(await database.isReachable(5_000)).toBe(true)
    await database.query({ name: 'kept', text: 'insert into other values ($1)' }, ['after'])
    const rows = await database.table('other').whereIn('id', ['before', 'lost', 'after']).orderBy('id').pluck('id')
    expect(rows).toEqual(['after', 'before'])
  })

  test('a connection that dies inside a transaction rejects it as unavailable and leaves nothing', async () => {
    const run = database.transaction(async () => {
      await database.query({ name: '', text: `insert into other values ('half')` })
      await database.query({ name: '', text: 'select pg_terminate_backend(pg_backend_pid())' })
    })
    await expect(run).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await database.table('other').where({ id: 'half' })).toEqual([])
  })
})
