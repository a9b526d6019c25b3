import type { Type } from '../../ir/types.ts'
import type { ColumnKind } from './sql-source.ts'
import { type Bindings, isNull, type SqlScalar, type SqlValue, Untranslatable } from './sql-value.ts'

/** A column, or a member of jsonb, as a value of the declared type: NULL where it does not fit (SPEC 5.5). */
export type Raw = {
  readonly sql: string
  readonly kind: ColumnKind
  /** Says the type of an entity of several types. */
  readonly typeSql?: string
  /** Stands in a column of a table: a text alone may be the id of an entity. */
  readonly isColumn: boolean
  /** One of a set in that column. */
  readonly isMember?: boolean
}

/** `sql` of a scalar or record. Sets and entities have their own. */
export function scalarSql(raw: Raw, type: Type, bindings: Bindings): string {
  const { sql, kind } = raw
  switch (type.kind) {
    case 'string':
      return kind === 'text' ? sql : `writ_text(${asJson(raw)})`
    case 'enum': {
      const text = kind === 'text' ? sql : `writ_text(${asJson(raw)})`
      return `writ_enum(${text}, ${bindings.bind(type.values, 'text[]')})`
    }
    case 'bool':
      return kind === 'boolean' ? sql : `writ_bool(${asJson(raw)})`
    case 'int':
      return kind === 'integer' ? `${sql}::numeric` : number(raw, 'int')
    case 'decimal':
      return number(raw, 'decimal')
    case 'duration':
      return kind === 'integer' ? `${sql}::numeric` : number(raw, 'duration')
    case 'time':
      return kind === 'timestamptz' ? `writ_milliseconds(${sql})` : `writ_time(${asJson(raw)})`
    case 'ip':
      return kind === 'text' ? `writ_address(${sql})` : `writ_ip(${asJson(raw)})`
    default:
      return `(case when jsonb_typeof(${asJson(raw)}) = 'object' then ${asJson(raw)} end)`
  }
}

/** A column may be numeric, a text of digits, or a double, which has 53 bits also where it came out of jsonb. */
function number(raw: Raw, type: 'int' | 'decimal' | 'duration'): string {
  if (!raw.isColumn || raw.isMember) return `writ_${type}(${asJson(raw)})`
  const isDouble =
    raw.kind === 'any'
      ? `(pg_typeof(${raw.sql}) in ('real'::regtype, 'double precision'::regtype))`
      : String(raw.kind === 'jsonb')
  return `writ_column_${type}(${asJson(raw)}, ${isDouble})`
}

export const asJson = ({ sql, kind }: Raw): string => (kind === 'jsonb' ? sql : `to_jsonb(${sql})`)

/** Id and type of an entity. */
export function entitySql(
  raw: Raw,
  types: readonly string[],
  bindings: Bindings,
): { readonly sql: string; readonly typeSql: string; readonly only?: string } {
  const only = types.length === 1 ? types[0] : undefined
  if (raw.kind === 'text' || raw.typeSql !== undefined) {
    const id = raw.kind === 'text' ? raw.sql : `writ_text(${asJson(raw)})`
    if (raw.typeSql === undefined) {
      // A text alone does not say which of several types it is of: missing.
      return only === undefined ? { sql: 'null::text', typeSql: 'null::text' } : { sql: id, ...typed(only, bindings) }
    }
    const named = only === undefined ? raw.typeSql : `coalesce(${raw.typeSql}, ${bindings.bind(only, 'text')})`
    const typeSql = `writ_enum(${named}, ${bindings.bind(types, 'text[]')})`
    const sql = `(case when ${typeSql} is not null then ${id} end)`
    return only === undefined ? { sql, typeSql } : { sql, ...typed(only, bindings) }
  }
  const alone = raw.isColumn && only !== undefined ? bindings.bind(only, 'text') : 'null::text'
  const args = `${asJson(raw)}, ${bindings.bind(types, 'text[]')}, ${alone}`
  const sql = `writ_entity_id(${args})`
  return only === undefined ? { sql, typeSql: `writ_entity_type(${args})` } : { sql, ...typed(only, bindings) }
}

const typed = (only: string, bindings: Bindings) => ({ typeSql: bindings.bind(only, 'text'), only })

/** A set as jsonb, NULL where it is no array or one member does not fit (SPEC 4.9), and its members as rows. */
export function setSql(raw: Raw, of: Type, bindings: Bindings): { readonly sql: string; readonly rows: string } {
  const element = memberColumns({ sql: 'e.j', kind: 'jsonb', isColumn: raw.isColumn, isMember: true }, of, bindings)
  const sql = wholeSet(raw, of, bindings)
  return { sql, rows: `select ${distinctOf(of)}${element.columns} from jsonb_array_elements(${sql}) e(j)` }
}

/** Equality of records is not SQL's: their sets are only ever looked through, one by one, and never counted. */
export const distinctOf = ({ kind }: Type): string => (kind === 'record' || kind === 'map' ? '' : 'distinct ')

function wholeSet(raw: Raw, of: Type, bindings: Bindings): string {
  const json = asJson(raw)
  switch (of.kind) {
    case 'enum':
      return `writ_set_of_enum(${json}, ${bindings.bind(of.values, 'text[]')})`
    case 'entity': {
      const [only] = of.types
      const alone =
        raw.isColumn && of.types.length === 1 && only !== undefined ? bindings.bind(only, 'text') : 'null::text'
      return `writ_set_of_entity(${json}, ${bindings.bind(of.types, 'text[]')}, ${alone})`
    }
    // Any object is a record or map, whatever it lacks (SPEC 5.5).
    case 'map':
    case 'record':
      return `writ_set_of_record(${json})`
    case 'set':
      throw new Untranslatable('a set of sets has no form in SQL')
    default:
      return `writ_set_of_${of.kind}(${json})`
  }
}

/** Columns `v`, and `k` for entities, of one member. */
export function memberColumns(
  raw: Raw,
  of: Type,
  bindings: Bindings,
): { readonly v: string; readonly columns: string } {
  if (of.kind === 'entity') {
    const { sql, typeSql } = entitySql(raw, of.types, bindings)
    return { v: sql, columns: `${sql} as v, ${typeSql} as k` }
  }
  const v = scalarSql(raw, of, bindings)
  return { v, columns: `${v} as v` }
}

/** A value of the type from a column; `missing` and `fails` are `absence` of what was read. */
export function decodeValue(raw: Raw, type: Type, bindings: Bindings): SqlValue {
  switch (type.kind) {
    case 'entity': {
      const entity = entitySql(raw, type.types, bindings)
      const columns =
        raw.kind === 'text' && raw.typeSql !== undefined
          ? { columns: { id: raw.sql, type: raw.typeSql, types: type.types } }
          : {}
      const missing = isNull(entity.sql)
      return { shape: 'entity', ...entity, ...columns, missing, fails: undefined, isOfColumn: isOfColumn(raw) }
    }
    case 'set': {
      const { sql, rows } = setSql(raw, type.of, bindings)
      return { shape: 'set', rows, of: type.of, missing: isNull(sql), fails: undefined }
    }
    case 'record':
    case 'map': {
      const sql = scalarSql(raw, type, bindings)
      return { shape: 'json', sql, type, missing: isNull(sql), fails: undefined }
    }
    default: {
      const sql = scalarSql(raw, type, bindings)
      return {
        shape: 'scalar',
        sql,
        missing: isNull(sql),
        fails: undefined,
        isOfColumn: isText(type) && isOfColumn(raw),
        ...columnOf(raw, type),
      }
    }
  }
}

/** A column whose order and equality are those of the values that are read from it. */
function columnOf({ sql, kind, isColumn }: Raw, type: Type): Pick<SqlScalar, 'column'> {
  if (!isColumn) return {}
  const isPlain =
    (kind === 'integer' && (type.kind === 'int' || type.kind === 'duration')) ||
    (kind === 'timestamptz' && type.kind === 'time')
  if (isPlain) return { column: { sql, kind } }
  return kind === 'text' && type.kind === 'enum' ? { column: { sql, kind, members: type.values } } : {}
}

export const isOfColumn = (raw: Raw): boolean => raw.kind === 'text' || raw.typeSql !== undefined
export const isText = ({ kind }: Type): boolean => kind === 'string' || kind === 'enum'
