import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '../../adapters/database/migrate.ts'
import { type OpenedDatabase, openDatabase } from '../../adapters/database/open.ts'
import type { Migration } from '../../adapters/database/port.ts'
import { foundation } from '../../server/schema/0001-foundation.ts'

export type TestDatabase = {
  readonly database: OpenedDatabase
  /** Empties every table, and keeps the schema: for `beforeEach`. */
  empty(): Promise<void>
  close(): Promise<void>
}

/**
 * A migrated, empty database of its own for one test file: open in `beforeAll`, `empty()` in `beforeEach`, `close()` in
 * `afterAll`. Embedded, in a temporary folder (about half a second); on a real PostgreSQL with the `url` of
 * `RealPostgres.createDatabase`.
 */
export async function openTestDatabase(
  options: { readonly url?: string; readonly migrations?: readonly Migration[] } = {},
): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-test-'))
  const database = openDatabase({ dataFolder: folder, ...(options.url ? { url: options.url } : {}) })
  await migrate(database, options.migrations ?? [foundation])
  return {
    database,
    empty: () => emptyTables(database),
    async close() {
      await database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function emptyTables(database: OpenedDatabase): Promise<void> {
  const tables = await database.query<{ name: string }>({
    name: '',
    text: `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' and tablename <> 'writ_migration'`,
  })
  if (tables.length > 0) {
    await database.query({
      name: '',
      text: `truncate ${tables.map(({ name }) => name).join(', ')} restart identity cascade`,
    })
  }
}
