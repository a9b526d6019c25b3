import pg from 'pg'
import { makeDatabase } from './database.ts'
import { type EmbeddedServer, startEmbedded } from './embedded.ts'
import { migrate } from './migrate.ts'
import { type Database, DatabaseError, type Migration } from './port.ts'
import { guardPool, openServer } from './server.ts'
import { translateError } from './translate-error.ts'
import { valueTypes } from './value-types.ts'

export type OpenOptions = {
  /** A real PostgreSQL. Absent: the embedded database in `dataFolder`. */
  readonly url?: string
  /** The role that owns the schema, where it is another than the one in `url`. */
  readonly migrationUrl?: string
  readonly dataFolder: string
  /** One line for the log when a connection or the embedded database is lost; holds no values. */
  readonly onEvent?: (text: string) => void
}

export type OpenedDatabase = Database & {
  /**
   * Resolves when the database takes statements (which wait for that by themselves). Rejects with DataFolderInUse,
   * DataFolderUnwritable or DatabaseError `unavailable`.
   */
  ready(): Promise<void>
  /** The embedded database's process, for tests and diagnosis. */
  embeddedProcessId(): number | undefined
}

/** One session: statements queue behind each other, so patience is longer than on a server. */
const embeddedQueueMilliseconds = 30_000
const embeddedQueryMilliseconds = 30_000

/** Opens the database. Returns at once: the embedded one starts in the background while the rest of the program loads. */
export function openDatabase(options: OpenOptions): OpenedDatabase {
  if (options.url !== undefined) {
    const server = openServer({ url: options.url, ...(options.onEvent ? { onEvent: options.onEvent } : {}) })
    return {
      ...server,
      ready: async () => void (await server.query({ name: '', text: 'select 1' })),
      embeddedProcessId: () => undefined,
    }
  }
  return openEmbedded(options)
}

/** Runs `migrations`, as the role of `migrationUrl` where one is given; see migrate.ts for what it refuses. */
export async function migrateDatabase(
  database: Database,
  options: OpenOptions,
  migrations: readonly Migration[],
): Promise<void> {
  if (options.url === undefined || options.migrationUrl === undefined) return migrate(database, migrations)
  const owner = openServer({ url: options.migrationUrl, maximumConnections: 1 })
  try {
    await migrate(owner, migrations)
  } finally {
    await owner.close()
  }
}

function openEmbedded(options: OpenOptions): OpenedDatabase {
  const onEvent = options.onEvent ?? (() => {})
  const embedded = startEmbedded(options.dataFolder, onEvent)
  const pool = new pg.Pool({
    ...embedded.address(),
    user: 'postgres',
    database: 'postgres',
    max: 1,
    // The one session is kept: opening it again costs more than it holds.
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: embeddedQueueMilliseconds,
    query_timeout: embeddedQueryMilliseconds,
    types: valueTypes,
  })
  guardPool(pool, onEvent)
  const database = makeDatabase({
    kind: 'embedded',
    pool,
    connect: () => connectEmbedded(pool, embedded),
    // A statement cannot be cancelled in a single-session PostgreSQL; what it had committed is on disk.
    onStuck: () => embedded.replaceChild(),
    onTaskError: (error) => onEvent(`an after-commit task failed: ${String(error)}`),
    close: () => embedded.close(),
  })
  return { ...database, ready: () => embedded.whenUp(), embeddedProcessId: () => embedded.processId() }
}

const restartPatienceMilliseconds = 5_000
const retryMilliseconds = 20

/**
 * Between the end of a child and the news of it, its socket refuses or breaks; the next child is up within half a second. Nothing
 * was sent yet, so trying again is safe.
 */
async function connectEmbedded(pool: pg.Pool, embedded: EmbeddedServer): Promise<pg.PoolClient> {
  const deadline = Date.now() + restartPatienceMilliseconds
  for (;;) {
    await embedded.whenUp()
    if (pool.ending) throw new DatabaseError('unavailable', undefined, new Error('the database is closed'))
    // A restarted child on loopback has another port; pg reads the options at each connect.
    Object.assign(pool.options, embedded.address())
    try {
      return await pool.connect()
    } catch (error) {
      const translated = translateError(error)
      const isLost = translated instanceof DatabaseError && translated.kind === 'unavailable'
      if (!isLost || Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, retryMilliseconds))
    }
  }
}
