import type { Database } from '../../adapters/database/port.ts'
import {
  type ColumnKind,
  compileFilter,
  type EntityStore,
  type EntityValue,
  type Filter,
  type SqlColumn,
  type SqlSource,
  type SqlTable,
  type Value,
} from '../../policy-lang/index.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { BoundRows } from './bound-rows.ts'
import type { AttributeSource, EntityBinding } from './entity-binding.ts'
import type { ExternCalls } from './extern-calls.ts'
import type { Graphs } from './graphs.ts'
import { readLoaded } from './loaded-facts.ts'

/** Who lists what. `row`: the alias of the listed table in the caller's query. */
export type RowQuestion = {
  readonly subject: EntityValue
  readonly action: string
  readonly type: string
  readonly context: ReadonlyMap<string, Value>
  readonly now: number
  readonly row?: string
  readonly firstBinding?: number
}
/**
 * A condition on stored rows that is TRUE exactly where a check would allow (SPEC 7.7). Ask it with `jit` off: compiling a
 * condition that is asked once to machine code costs seconds.
 */
export type PartialFilter = (policy: ActivePolicy, question: RowQuestion) => Promise<Filter>

export function createPartialFilter(deps: {
  readonly database: Database
  readonly bindings: readonly EntityBinding[]
  readonly graphs: Graphs
  readonly boundRows: BoundRows
  readonly externs: ExternCalls
}): PartialFilter {
  let tables: ReadonlyMap<string, SqlTable> | undefined
  return async (policy, { now, row, firstBinding, ...question }) => {
    tables ??= await tablesOf(deps.database, deps.bindings)
    const known = tables
    const { program, tenantId } = policy
    const source = sourceOf(tenantId, [...program.entityTypes.keys()], known)
    const isElsewhere = (type: string) => known.has(type)
    const request = {
      subject: question.subject,
      action: question.action,
      resource: { kind: 'entity', type: question.type, id: '' },
      context: question.context,
    } as const
    const asking = { policy, asked: { request, given: [] }, now, open: () => deps.graphs.of(policy) }
    return readLoaded<Filter, EntityStore>(deps, asking, ({ base, facts, options, isLast }) => {
      // What is still missing after so many rounds would count as absent: nobody may see anything by that.
      if (isLast) return { ok: true, sql: 'false', bindings: [] }
      return compileFilter(program, facts, question, {
        ...options,
        source,
        memory: { store: base, isElsewhere },
        ...(row !== undefined && { row }),
        ...(firstBinding !== undefined && { firstBinding }),
      })
    })
  }
}

const entityTable: SqlTable = {
  table: 'entity',
  idColumn: 'id',
  tenantColumn: 'tenant_id',
  typeColumn: 'type',
  attributes: {},
  document: 'attributes',
}

/** Types of modules and of the server stand in their own tables, all others in the tenant's entity table. */
function sourceOf(tenantId: string, types: readonly string[], bound: ReadonlyMap<string, SqlTable>): SqlSource {
  const all = types.map((type) => [type, bound.get(type) ?? entityTable] as const)
  return { tenantId, types: new Map(all), tuples: { table: 'relation' } }
}

async function tablesOf(
  database: Database,
  bindings: readonly EntityBinding[],
): Promise<ReadonlyMap<string, SqlTable>> {
  const rows = await database.query<{
    readonly table_name: string
    readonly column_name: string
    readonly udt_name: string
  }>(
    {
      name: 'filter-columns',
      text: `select table_name, column_name, udt_name from information_schema.columns
where table_schema = current_schema() and table_name = any($1::text[])`,
    },
    [[...new Set(bindings.map(({ table }) => table))]],
  )
  const kinds = new Map(rows.map((row) => [`${row.table_name}.${row.column_name}`, kindOf(row.udt_name)]))
  return new Map(
    bindings.map(({ type, table, idColumn, tenantColumn = 'tenant_id', attributes }) => {
      const kind = (column: string): ColumnKind => kinds.get(`${table}.${column}`) ?? 'any'
      const columns = Object.entries(attributes).map(([name, source]) => [name, columnOf(source, kind)] as const)
      return [type, { table, idColumn, tenantColumn, attributes: Object.fromEntries(columns) }]
    }),
  )
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
