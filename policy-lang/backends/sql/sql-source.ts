/**
 * Where the rows of entity types and tuples stand, as a filter needs to know it. Names are constants of the program: they are
 * placed in SQL, quoted. What comes from policies, requests or data is only ever bound.
 */
export type SqlSource = {
  readonly tenantId: string
  /** By entity type. A type without a row here has no rows: its attributes are absent. */
  readonly types: ReadonlyMap<string, SqlTable>
  /** Tuples; absent: relations are known through `held` alone. */
  readonly tuples?: { readonly table: string; readonly areRolesClosed?: boolean }
}

/** One table, or one type's rows of a table of many. */
export type SqlTable = {
  readonly table: string
  readonly idColumn: string
  readonly tenantColumn: string
  /** Rows of several types in one table: the column that says which. */
  readonly typeColumn?: string
  readonly attributes: { readonly [name: string]: SqlColumn }
  /** A jsonb column with every attribute by name; `attributes` stand before it. */
  readonly document?: string
}

/**
 * Where one attribute stands. `kind` is what the column is, which decides how it is read and whether an index on it can be
 * used; `any` is read through `to_jsonb` and always right.
 */
export type SqlColumn = {
  readonly kind: ColumnKind
  /** The type of an entity, where it is not the only declared one. */
  readonly typeColumn?: string
} & ({ readonly column: string; readonly path?: readonly string[] } | { readonly sql: string })
export type ColumnKind = 'text' | 'boolean' | 'integer' | 'timestamptz' | 'jsonb' | 'any'

/** An identifier in SQL. */
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

const textLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The column of a row. ORDER: a path makes it jsonb whatever the column was. */
export function columnSql(column: SqlColumn, row: string): { readonly sql: string; readonly kind: ColumnKind } {
  // A constant of the program over the row, which it calls `t`.
  if ('sql' in column) return { sql: `(select (${column.sql}) from (select ${row}.*) t)`, kind: column.kind }
  const sql = `${row}.${quoted(column.column)}`
  if (!column.path) return { sql, kind: column.kind }
  return { sql: `jsonb_extract_path(${[sql, ...column.path.map(textLiteral)].join(', ')})`, kind: 'jsonb' }
}
