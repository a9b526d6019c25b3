import type { Database, Migration } from './port.ts'
import { errorCode } from './translate-error.ts'

/** The database was migrated by a newer Writ than this one. */
export class SchemaIsNewer extends Error {
  readonly unknown: readonly string[]
  constructor(unknown: readonly string[]) {
    super(`the database has migrations that this version does not know: ${unknown.join(', ')}; start the newer version`)
    this.unknown = unknown
  }
}

/** Any constant that nothing else locks: 'writ' in ASCII. */
const lockKey = 0x77726974
/** No limit on the work itself, but none waits for long behind a lock that a running node holds. */
const settings = { statement_timeout: '0', lock_timeout: '30s' }

/**
 * Brings the schema up to `migrations`, each in its own transaction; one query when nothing is to do. Several nodes may start at
 * once: the advisory lock lets one through. Throws SchemaIsNewer.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  const known = [...migrations].sort((left, right) => (left.id < right.id ? -1 : 1))
  if (new Set(known.map(({ id }) => id)).size !== known.length) throw new Error('two migrations have the same id')
  const applied = await readApplied(database)
  refuseNewer(known, applied)
  for (const migration of known) {
    if (!applied.has(migration.id)) await database.transaction(() => apply(database, migration, known), settings)
  }
}

async function apply(database: Database, migration: Migration, known: readonly Migration[]): Promise<void> {
  await database.query({ name: '', text: 'select pg_advisory_xact_lock($1)' }, [lockKey])
  await database.query({
    name: '',
    text: 'create table if not exists writ_migration (id text primary key, applied_at timestamptz not null default now())',
  })
  // Another node may have been here while this one waited.
  const rows = await database.query<{ id: string }>({ name: '', text: 'select id from writ_migration' })
  const applied = new Set(rows.map(({ id }) => id))
  refuseNewer(known, applied)
  if (applied.has(migration.id)) return
  await migration.up(async (sql) => void (await database.query({ name: '', text: sql })))
  await database.query({ name: '', text: 'insert into writ_migration (id) values ($1)' }, [migration.id])
}

function refuseNewer(known: readonly Migration[], applied: ReadonlySet<string>): void {
  const unknown = [...applied].filter((id) => !known.some((migration) => migration.id === id))
  if (unknown.length > 0) throw new SchemaIsNewer(unknown.sort())
}

/** SQLSTATE undefined_table. */
const undefinedTable = '42P01'

async function readApplied(database: Database): Promise<ReadonlySet<string>> {
  try {
    const rows = await database.query<{ id: string }>({ name: '', text: 'select id from writ_migration' })
    return new Set(rows.map(({ id }) => id))
  } catch (error) {
    if (errorCode(error) === undefinedTable) return new Set()
    throw error
  }
}
