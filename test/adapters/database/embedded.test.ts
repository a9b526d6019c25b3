import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import { DataFolderInUse, DataFolderUnwritable } from '../../../adapters/database/data-folder.ts'
import { migrate } from '../../../adapters/database/migrate.ts'
import { type OpenedDatabase, openDatabase } from '../../../adapters/database/open.ts'
import { databaseContract, sample } from './contract.ts'
import { migrateContract } from './migrate-contract.ts'

const folders: string[] = []
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-embedded-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

describe('embedded database', () => {
  let database: OpenedDatabase
  const opened: OpenedDatabase[] = []
  const open = (dataFolder = newFolder()): OpenedDatabase => {
    const next = openDatabase({ dataFolder })
    opened.push(next)
    return next
  }
  beforeAll(async () => {
    database = openDatabase({ dataFolder: newFolder() })
    await migrate(database, [sample])
  })
  afterEach(async () => {
    for (const next of opened.splice(0)) await next.close()
  })
  afterAll(() => database.close())

  databaseContract(() => database)
  describe('migrate', () => migrateContract(async () => open()))

  test('a second start on the same data folder is told so, and the first serves on', async () => {
    const folder = newFolder()
    const first = open(folder)
    await first.ready()
    const second = open(folder)
    await expect(second.ready()).rejects.toThrow(DataFolderInUse)
    await expect(second.query({ name: '', text: 'select 1' })).rejects.toThrow(DataFolderInUse)
    expect(await first.isReachable(2_000)).toBe(true)
  })

  test('a data folder that cannot be made is told so', async () => {
    const file = join(newFolder(), 'file')
    writeFileSync(file, '')
    await expect(open(join(file, 'data')).ready()).rejects.toThrow(DataFolderUnwritable)
  })

  test('no other user of the machine can walk into the database', async () => {
    const folder = join(newFolder(), 'data')
    await open(folder).ready()
    expect(statSync(folder).mode & 0o077).toBe(0)
    expect(statSync(join(folder, 'pg')).mode & 0o077).toBe(0)
  })

  test('kill -9 of the child during writes loses nothing that was acknowledged, and the database returns by itself', async () => {
    const next = open()
    await migrate(next, [sample])
    const acknowledged: string[] = []
    const killed = new Promise<void>((resolve) => {
      const write = async (): Promise<void> => {
        for (let index = 0; ; index++) {
          await next.query({ name: '', text: 'insert into other values ($1)' }, [`w${index}`])
          acknowledged.push(`w${index}`)
          if (index === 50) setImmediate(() => process.kill(next.embeddedProcessId() ?? 0, 'SIGKILL'))
        }
      }
      write().catch((error) => {
        expect(error).toMatchObject({ kind: 'unavailable' })
        resolve()
      })
    })
    await killed
    expect(await next.isReachable(10_000)).toBe(true)
    const stored = await next.table('other').pluck('id')
    expect(acknowledged.length).toBeGreaterThan(50)
    expect(new Set(stored)).toEqual(new Set([...acknowledged, ...stored.slice(-1)]))
    expect(stored.length).toBeLessThanOrEqual(acknowledged.length + 1)
  })

  test('data is there after a close and a new start', async () => {
    const folder = newFolder()
    const first = open(folder)
    await migrate(first, [sample])
    await first.query({ name: '', text: `insert into other values ('kept')` })
    await first.close()
    expect(await open(folder).table('other').pluck('id')).toEqual(['kept'])
  })
})
