import type { Database } from '../../adapters/database/port.ts'
import type { ColumnKind, Program, SqlColumn, SqlSource, SqlTable } from '../../policy-lang/index.ts'
import type { AttributeSource, EntityBinding } from './entity-binding.ts'

/** What filters know of the tables of bound types; read once from the database's own catalogue. */
export type FilterTables = {
  readonly types: ReadonlyMap<string, SqlTable>
  readonly columnsOf: (table: string) => readonly TableColumn[]
}
export type TableColumn = {
  readonly name: string
  /** PostgreSQL's own name of its type: `timestamptz`. */
  readonly type: string
  /** Absent: that of the database. */
  readonly collation?: string
  readonly isNullable: boolean
}

export function createFilterTables(
  database: Database,
  bindings: readonly EntityBinding[],
): () => Promise<FilterTables> {
  let known: FilterTables | undefined
  return async () => {
    known ??= await readTables(database, bindings)
    return known
  }
}

/** Types of modules and of the server stand in their own tables, all others in the tenant's entity table. */
export function filterSource(tenantId: string, { entityTypes }: Program, { types }: FilterTables): SqlSource {
  const all = [...entityTypes.keys()].map((type) => [type, types.get(type) ?? entityTable] as const)
  return { tenantId, types: new Map(all), tuples: { table: 'relation' } }
}

const entityTable: SqlTable = {
  table: 'entity',
  idColumn: 'id',
  tenantColumn: 'tenant_id',
  typeColumn: 'type',
  attributes: {},
  document: 'attributes',
}

async function readTables(database: Database, bindings: readonly EntityBinding[]): Promise<FilterTables> {
  const rows = await database.query<{
    readonly table_name: string
    readonly column_name: string
    readonly udt_name: string
    readonly collation_name: string | null
    readonly is_nullable: 'YES' | 'NO'
  }>(
    {
      name: 'filter-columns',
      text: `select table_name, column_name, udt_name, collation_name, is_nullable from information_schema.columns
where table_schema = current_schema() and table_name = any($1::text[]) order by table_name, ordinal_position`,
    },
    [[...new Set([...bindings.map(({ table }) => table), 'entity', 'relation'])]],
  )
  const byTable = Map.groupBy(rows, (row) => row.table_name)
  const columnsOf = (table: string): readonly TableColumn[] =>
    (byTable.get(table) ?? []).map((row) => ({
      name: row.column_name,
      type: row.udt_name,
      isNullable: row.is_nullable === 'YES',
      ...(row.collation_name === null ? {} : { collation: row.collation_name }),
    }))
  const types = bindings.map(({ type, table, idColumn, tenantColumn = 'tenant_id', attributes }) => {
    const kinds = new Map(columnsOf(table).map((column) => [column.name, kindOf(column.type)]))
    const kind = (column: string): ColumnKind => kinds.get(column) ?? 'any'
    const columns = Object.entries(attributes).map(([name, source]) => [name, columnOf(source, kind)] as const)
    return [type, { table, idColumn, tenantColumn, attributes: Object.fromEntries(columns) }] as const
  })
  return { types: new Map(types), columnsOf }
}

function columnOf(source: AttributeSource, kindOfColumn: (column: string) => ColumnKind): SqlColumn {
  if (typeof source === 'string') return { column: source, kind: kindOfColumn(source) }
  if ('sql' in source) return { sql: source.sql, kind: 'any' }
  const { column, path, typeColumn } = source
  return {
    column,
    kind: path ? 'jsonb' : kindOfColumn(column),
    ...(path && { path }),
    ...(typeColumn !== undefined && { typeColumn }),
  }
}

/** What a column is in PostgreSQL; whatever is not named here is read through `to_jsonb`. */
function kindOf(name: string): ColumnKind {
  switch (name) {
    case 'text':
    case 'varchar':
      return 'text'
    case 'bool':
      return 'boolean'
    case 'int2':
    case 'int4':
    case 'int8':
      return 'integer'
    case 'timestamptz':
      return 'timestamptz'
    case 'jsonb':
      return 'jsonb'
    default:
      return 'any'
  }
}
