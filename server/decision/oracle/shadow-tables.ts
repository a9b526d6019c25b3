import type { Database } from '../../../adapters/database/port.ts'

/** A row as JSON by column; a column that is not named is NULL. */
export type ShadowRow = { readonly [column: string]: unknown }

/**
 * A database whose named tables have these rows and no others, for reading alone: each statement is given them under the names of
 * the tables, which the names of queries go before. Nothing is written; constraints do not hold.
 */
export function shadowTables(
  database: Pick<Database, 'query'>,
  tables: ReadonlyMap<string, readonly ShadowRow[]>,
): Pick<Database, 'query' | 'inTransaction'> {
  const rows = new Map([...tables].map(([table, all]) => [table, JSON.stringify(all)]))
  return {
    inTransaction: () => false,
    query({ text }, values = []) {
      const named = [...rows].filter(([table]) => text.includes(quoted(table)))
      const all = [...values, ...named.map(([, json]) => json)]
      const queries = named.map(([table], index) => {
        const source = `json_populate_recordset(null::${quoted(table)}, $${values.length + index + 1}::json)`
        return `${quoted(table)} as materialized (select * from ${source})`
      })
      return database.query({ name: '', text: queries.length > 0 ? `with ${queries.join(', ')} ${text}` : text }, all)
    },
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
