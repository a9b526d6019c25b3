import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Database } from '../../../adapters/database/port.ts'
import { openServer } from '../../../adapters/database/server.ts'
import { inProcessNotices } from '../../../adapters/notice/in-process.ts'
import type { NoticeBus } from '../../../adapters/notice/port.ts'
import { postgresNotices } from '../../../adapters/notice/postgres.ts'
import { describeWith } from '../../kit/availability.ts'
import { openTestDatabase, type TestDatabase } from '../../kit/database.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'

type Given = { readonly bus: NoticeBus; readonly database: Database }

async function until(isTrue: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 10_000; !isTrue() && Date.now() < deadline; ) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** What every NoticeBus does. */
function noticeContract(given: () => Given): void {
  test('every listener of the channel hears a notice once, the sender too; others do not', async () => {
    const heard: string[] = []
    await given().bus.subscribe('one', (payload) => heard.push(`first ${payload}`))
    await given().bus.subscribe('one', (payload) => heard.push(`second ${payload}`))
    await given().bus.subscribe('two', (payload) => heard.push(`other ${payload}`))
    await given().bus.publish('one', "it's")
    await given().bus.publish('two', 'end')
    await until(() => heard.includes('other end'))
    expect(heard).toEqual(["first it's", "second it's", 'other end'])
  })

  test('in a transaction it is sent after the commit, and never after a rollback', async () => {
    const heard: string[] = []
    const { bus, database } = given()
    await bus.subscribe('joined', (payload) => heard.push(payload))
    await database
      .transaction(async () => {
        await bus.publish('joined', 'undone')
        throw new Error('no')
      })
      .catch(() => {})
    await database.transaction(async () => {
      await bus.publish('joined', 'done')
      expect(heard).toEqual([])
    })
    await until(() => heard.length > 0)
    expect(heard).toEqual(['done'])
  })

  test('who stopped listening hears nothing more; a listener that throws harms nobody', async () => {
    const heard: string[] = []
    const stop = await given().bus.subscribe('quiet', () => heard.push('stopped'))
    await given().bus.subscribe('quiet', () => {
      throw new Error('listener')
    })
    await given().bus.subscribe('quiet', (payload) => heard.push(payload))
    await stop()
    await given().bus.publish('quiet', 'x')
    await until(() => heard.length > 0)
    expect(heard).toEqual(['x'])
  })

  test('a payload has at most 7,000 bytes', async () => {
    await expect(given().bus.publish('big', 'é'.repeat(3_500))).resolves.toBeUndefined()
    await expect(given().bus.publish('big', `${'é'.repeat(3_500)}x`)).rejects.toThrow('7000')
  })
}

describe('notices in one process', () => {
  let opened: TestDatabase
  let bus: NoticeBus
  beforeAll(async () => {
    opened = await openTestDatabase({ migrations: [] })
    bus = inProcessNotices(opened.database)
  })
  afterAll(async () => {
    await bus.close()
    await opened.close()
  })
  noticeContract(() => ({ bus, database: opened.database }))
})

describeWith(realPostgresNeed, 'notices through a real PostgreSQL', () => {
  let postgres: RealPostgres
  let database: Database
  let bus: NoticeBus
  let healed = 0
  beforeAll(async () => {
    postgres = await startRealPostgres()
    const url = await postgres.createDatabase()
    database = openServer({ url })
    bus = postgresNotices({
      url,
      database,
      onHealed: () => {
        healed += 1
      },
    })
  })
  afterAll(async () => {
    await bus?.close()
    await database?.close()
    await postgres?.stop()
  })
  noticeContract(() => ({ bus, database }))

  test('after its connection was lost it listens again and says that notices may be missing', async () => {
    const heard: string[] = []
    await bus.subscribe('healing', (payload) => heard.push(payload))
    await database.query({
      name: '',
      text: `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'writ notices'`,
    })
    await until(() => healed > 0)
    expect(healed).toBe(1)
    await bus.publish('healing', 'again')
    await until(() => heard.length > 0)
    expect(heard).toEqual(['again'])
  })
})
