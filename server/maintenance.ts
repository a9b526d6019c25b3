// What is done to an installation that does not run: wires the database as server/start.ts does, and nothing else.

import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { createServer, type Server as NetServer } from 'node:net'
import { DataFolderInUse, DataFolderUnwritable } from '../adapters/database/data-folder.ts'
import { SchemaIsNewer } from '../adapters/database/migrate.ts'
import { migrateDatabase, type OpenedDatabase, openDatabase } from '../adapters/database/open.ts'
import { type Database, DatabaseError } from '../adapters/database/port.ts'
import { ObjectStoreError } from '../adapters/object-store/port.ts'
import type { AreaTable } from './area.ts'
import type { Config } from './config/config.ts'
import { StartMistake } from './start-mistake.ts'

/** Applies what is missing; answers the ids. Throws StartMistake. */
export async function migrateServer(config: Config, areas: AreaTable): Promise<readonly string[]> {
  return withDatabase(config, async (database) => {
    const before = await appliedTo(database)
    await migrateDatabase(database, optionsOf(config), migrationsOf(areas))
    const after = await appliedTo(database)
    return [...after].filter((id) => !before.has(id)).sort()
  })
}

/** One thing that was looked at. `fail`: the server would not work. */
export type Finding = { readonly what: string; readonly state: 'ok' | 'warn' | 'fail'; readonly detail: string }

const tightBytes = 1024 ** 3
const oldestServer = 150_000

/** Looks and changes nothing, except that a missing data folder of the embedded database is made. */
export async function examineServer(config: Config, areas: AreaTable): Promise<readonly Finding[]> {
  return [
    dataFolder(config),
    await port(config),
    ...(await database(config, areas).catch((error) => [databaseFailure(error)])),
  ]
}

function dataFolder({ dataFolder: folder }: Config): Finding {
  const what = 'data folder'
  if (!existsSync(folder)) return { what, state: 'ok', detail: `${folder} will be made` }
  try {
    accessSync(folder, constants.R_OK | constants.W_OK)
  } catch {
    return { what, state: 'fail', detail: `${folder} cannot be written` }
  }
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const state = free < tightBytes ? 'warn' : 'ok'
  return { what, state, detail: `${folder}, ${Math.floor(free / 1024 ** 2)} MiB free` }
}

async function port({ host, port: number }: Config): Promise<Finding> {
  const server = createServer()
  const isFree = await listens(server, host, number)
  server.close()
  return isFree
    ? { what: 'port', state: 'ok', detail: `${number} is free` }
    : { what: 'port', state: 'warn', detail: `${number} is in use; a running Writ, or set PORT` }
}

const listens = (server: NetServer, host: string, number: number): Promise<boolean> =>
  new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(number, host, () => resolve(true))
  })

async function database(config: Config, areas: AreaTable): Promise<Finding[]> {
  return withDatabase(config, async (opened) => {
    const [row] = await opened.query<{ server_version_num: string }>({ name: '', text: 'show server_version_num' })
    const version = Number(row?.server_version_num)
    const applied = await appliedTo(opened)
    const missing = migrationsOf(areas).filter(({ id }) => !applied.has(id))
    return [
      {
        what: 'database',
        state: version < oldestServer ? 'fail' : 'ok',
        detail: `${opened.kind}, PostgreSQL ${Math.floor(version / 10_000)}${version < oldestServer ? '; 15 or newer is needed' : ''}`,
      },
      missing.length === 0
        ? { what: 'schema', state: 'ok', detail: 'up to date' }
        : {
            what: 'schema',
            state: 'warn',
            detail: `${missing.length} migrations are applied at the next start, or by "writ migrate"`,
          },
    ]
  })
}

/** A running server holds the embedded database; that is no fault. */
function databaseFailure(error: unknown): Finding {
  const cause = error instanceof StartMistake ? error.cause : error
  const state = cause instanceof DataFolderInUse ? 'warn' : 'fail'
  return { what: 'database', state, detail: error instanceof Error ? error.message : String(error) }
}

const optionsOf = ({ dataFolder: folder, databaseUrl, databaseMigrationUrl }: Config) => ({
  dataFolder: folder,
  ...(databaseUrl === undefined ? {} : { url: databaseUrl }),
  ...(databaseMigrationUrl === undefined ? {} : { migrationUrl: databaseMigrationUrl }),
})

/** Areas are asked for their tables only; nothing of them is built. */
const migrationsOf = (areas: AreaTable) =>
  areas({
    openObjects: () => Promise.reject(new ObjectStoreError('unavailable')),
    tell: () => undefined,
  }).flatMap((area) => area.migrations ?? [])

async function appliedTo(opened: Database): Promise<ReadonlySet<string>> {
  const [found] = await opened.query<{ name: string | null }>({
    name: '',
    text: `select to_regclass('writ_migration')::text as name`,
  })
  if (!found?.name) return new Set()
  const rows = await opened.query<{ id: string }>({ name: '', text: 'select id from writ_migration' })
  return new Set(rows.map(({ id }) => id))
}

async function withDatabase<T>(config: Config, run: (opened: OpenedDatabase) => Promise<T>): Promise<T> {
  const opened = openDatabase(optionsOf(config))
  try {
    await opened.ready()
    return await run(opened)
  } catch (error) {
    throw mistakeOf(error)
  } finally {
    await opened.close()
  }
}

function mistakeOf(error: unknown): unknown {
  if (error instanceof DataFolderInUse || error instanceof DataFolderUnwritable || error instanceof SchemaIsNewer) {
    return new StartMistake(error.message, { cause: error })
  }
  const isAway = error instanceof DatabaseError && (error.kind === 'unavailable' || error.kind === 'timeout')
  return isAway ? new StartMistake('the database cannot be reached', { cause: error, exitCode: 4 }) : error
}
