import type { AttributeType } from '../../ir/program.ts'
import type { Type } from '../../ir/types.ts'
import {
  decodeValue,
  distinctOf,
  entitySql,
  isOfColumn,
  isText,
  memberColumns,
  type Raw,
  scalarSql,
  setSql,
} from './decode.ts'
import { columnSql, quoted, type SqlTable } from './sql-source.ts'
import { type Compiling, type EntityLike, isNull, type SqlValue } from './sql-value.ts'

/** An attribute or link of an entity of one known type; missing where there is no row, no value, or one that does not fit. */
export function attributeOfType(
  at: Compiling,
  entity: Pick<EntityLike, 'sql' | 'row'>,
  type: string,
  attribute: AttributeType,
): SqlValue {
  const table = at.source.types.get(type)
  const row = entity.row ?? at.bindings.alias()
  const raw = table && rawColumn(at, table, row, attribute.name)
  if (!table || !raw) return nothing(attribute.type)
  if (entity.row !== undefined) return decodeValue(raw, attribute.type, at.bindings)
  return elsewhere(at, { table, type, id: entity.sql, row, raw }, attribute.type)
}

function rawColumn(at: Compiling, table: SqlTable, row: string, name: string): Raw | undefined {
  const column = table.attributes[name]
  if (column) {
    const typeSql = column.typeColumn === undefined ? undefined : `${row}.${quoted(column.typeColumn)}`
    return { ...columnSql(column, row), isColumn: true, ...(typeSql !== undefined && { typeSql }) }
  }
  if (table.document === undefined) return undefined
  return {
    sql: `(${row}.${quoted(table.document)} -> ${at.bindings.bind(name, 'text')})`,
    kind: 'jsonb',
    isColumn: false,
  }
}

/** Decoded inside the query that finds the row, so that the text stays small however long the path is. */
function elsewhere(
  at: Compiling,
  from: {
    readonly table: SqlTable
    readonly type: string
    readonly id: string
    readonly row: string
    readonly raw: Raw
  },
  type: Type,
): SqlValue {
  const { bindings } = at
  const { raw } = from
  const of = (sql: string) =>
    `(select ${sql} from ${rowsOf(at, from.table, from.type, from.row)} and ${idIs(from.table, from.row, from.id)})`
  switch (type.kind) {
    case 'entity': {
      const entity = entitySql(raw, type.types, bindings)
      const sql = of(entity.sql)
      const typeSql = entity.only === undefined ? of(entity.typeSql) : entity.typeSql
      return {
        shape: 'entity',
        ...entity,
        sql,
        typeSql,
        missing: isNull(sql),
        fails: undefined,
        isOfColumn: isOfColumn(raw),
      }
    }
    case 'set': {
      const set = of(setSql(raw, type.of, bindings).sql)
      const element = memberColumns(
        { sql: 'e.j', kind: 'jsonb', isColumn: raw.isColumn, isMember: true },
        type.of,
        bindings,
      )
      const rows = `select ${distinctOf(type.of)}${element.columns} from jsonb_array_elements(${set}) e(j)`
      return { shape: 'set', rows, of: type.of, missing: isNull(set), fails: undefined }
    }
    default: {
      const sql = of(scalarSql(raw, type, bindings))
      const shape = type.kind === 'record' || type.kind === 'map' ? 'json' : 'scalar'
      return shape === 'json'
        ? { shape, sql, type, missing: isNull(sql), fails: undefined }
        : { shape, sql, missing: isNull(sql), fails: undefined, isOfColumn: isText(type) && isOfColumn(raw) }
    }
  }
}

/** `from` and `where` of the tenant's rows of a type. */
export function rowsOf(at: Compiling, table: SqlTable, type: string, row: string): string {
  const tenant = `${row}.${quoted(table.tenantColumn)} = ${at.bindings.bind(at.source.tenantId, 'text')}`
  const kind =
    table.typeColumn === undefined ? '' : ` and ${row}.${quoted(table.typeColumn)} = ${at.bindings.bind(type, 'text')}`
  return `${quoted(table.table)} ${row} where ${tenant}${kind}`
}
export const idIs = (table: SqlTable, row: string, id: string): string => `${row}.${quoted(table.idColumn)} = ${id}`

/** A value of the type that is not there. */
export function nothing(type: Type): SqlValue {
  const gone = { missing: 'true', fails: undefined }
  switch (type.kind) {
    case 'entity':
      return { shape: 'entity', sql: 'null::text', typeSql: 'null::text', ...gone }
    case 'set':
      return { shape: 'set', rows: emptyRows(type.of), of: type.of, ...gone }
    case 'record':
    case 'map':
      return { shape: 'json', sql: 'null::jsonb', type, ...gone }
    default:
      return { shape: 'scalar', sql: `null::${sqlType(type)}`, ...gone }
  }
}

export const emptyRows = (of: Type): string =>
  of.kind === 'entity'
    ? 'select null::text as v, null::text as k where false'
    : `select null::${sqlType(of)} as v where false`

export function sqlType(type: Type): string {
  switch (type.kind) {
    case 'bool':
      return 'boolean'
    case 'int':
    case 'decimal':
    case 'duration':
    case 'time':
      return 'numeric'
    case 'ip':
      return 'inet'
    case 'string':
    case 'enum':
    case 'entity':
      return 'text'
    default:
      return 'jsonb'
  }
}
