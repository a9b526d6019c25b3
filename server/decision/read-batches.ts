import type { Database } from '../../adapters/database/port.ts'

/** Rows that are in memory at once. */
const rowsAtOnce = 1_000

/**
 * Rows of a query of any length, some at a time, by a cursor: to be called inside a transaction. Others get their turn between
 * batches.
 */
export async function* readBatches<Row extends object>(
  database: Database,
  { name, text, values }: { readonly name: string; readonly text: string; readonly values: readonly unknown[] },
): AsyncGenerator<readonly Row[]> {
  await database.query({ name: '', text: `declare ${name} no scroll cursor for ${text}` }, values)
  const fetch = (): Promise<Row[]> => database.query<Row>({ name: '', text: `fetch ${rowsAtOnce} from ${name}` })
  let rows = await fetch()
  while (rows.length > 0) {
    // The database reads on while these are worked on.
    const next = rows.length < rowsAtOnce ? Promise.resolve([]) : fetch()
    // Whoever stops in the middle does not wait for it.
    next.catch(() => undefined)
    yield rows
    rows = await next
  }
  await database.query({ name: '', text: `close ${name}` })
}
