import { formatIp } from '../../builtins/ip-range.ts'
import type { Value } from '../../ir/nodes.ts'
import type { Type } from '../../ir/types.ts'
import { writeJson, writeValue } from '../../runtime/write-value.ts'
import { nothing, sqlType } from './read-attribute.ts'
import { type Compiling, isHoldable, type SqlScalar, type SqlValue, Untranslatable, unholdable } from './sql-value.ts'

/** A value that is known: bound, never spelled out. */
export function bindValue(at: Compiling, value: Value, type: Type): SqlValue {
  const sure = { missing: undefined, fails: undefined, isBound: true }
  if (typeof value !== 'object') return bindScalar(at, value, type)
  switch (value.kind) {
    case 'entity': {
      const isAlien = !isHoldable(value.id)
      const sql = isAlien ? at.bindings.bind('', 'text') : at.bindings.bind(value.id, 'text')
      const typeSql = at.bindings.bind(value.type, 'text')
      return { shape: 'entity', sql, typeSql, only: value.type, ...sure, isAlien }
    }
    case 'ip':
      return { shape: 'scalar', sql: at.bindings.bind(formatIp(value), 'inet'), ...sure }
    case 'set':
      return {
        shape: 'set',
        of: elementType(type, value.items),
        rows: bindRows(at, value.items, type),
        ...sure,
        isVoid: value.items.length === 0,
        isLossy: value.items.some(isLost),
      }
    // A member that PostgreSQL cannot hold is E or absence there and a value here: all or nothing.
    default: {
      if (!isHoldableInside(value)) throw new Untranslatable(`a record or map with ${unholdable}`)
      return { shape: 'json', sql: at.bindings.bind(writeJson(writeValue(value, type)), 'jsonb'), type, ...sure }
    }
  }
}

function isHoldableInside(value: Value): boolean {
  if (typeof value !== 'object') return typeof value !== 'string' || isHoldable(value)
  switch (value.kind) {
    case 'entity':
      return isHoldable(value.id)
    case 'set':
      return value.items.every(isHoldableInside)
    case 'map':
      return [...value.entries].every(([key, entry]) => isHoldable(key) && isHoldableInside(entry))
    case 'record':
      return [...value.fields.values()].every(isHoldableInside)
    case 'ip':
      return true
  }
}

const isLost = (item: Value): boolean => !isHoldableInside(item)

const elementType = (type: Type, items: readonly Value[]): Type => {
  if (type.kind === 'set') return type.of
  const [first] = items
  return typeof first === 'object' && first.kind === 'entity' ? { kind: 'entity', types: [] } : { kind: 'string' }
}

function bindScalar(at: Compiling, value: boolean | number | bigint | string, type: Type): SqlScalar {
  const sure = { shape: 'scalar', missing: undefined, fails: undefined, isBound: true, known: value } as const
  if (typeof value === 'boolean') return { ...sure, sql: value ? 'true' : 'false' }
  if (typeof value === 'string') {
    const isAlien = !isHoldable(value)
    return { ...sure, sql: at.bindings.bind(isAlien ? '' : value, 'text'), isAlien }
  }
  return { ...sure, sql: at.bindings.bind(value.toString(), sqlType(type)) }
}

/** Members that PostgreSQL cannot hold are left out: nothing stored equals them (`isLossy`). */
function bindRows(at: Compiling, items: readonly Value[], type: Type): string {
  const of = elementType(type, items)
  const { bind } = at.bindings
  if (of.kind === 'entity') {
    const entities = items.flatMap((item) =>
      typeof item === 'object' && item.kind === 'entity' && isHoldable(item.id) ? [item] : [],
    )
    const [ids, kinds] = [entities.map(({ id }) => id), entities.map((each) => each.type)]
    return `select u.v, u.k from unnest(${bind(ids, 'text[]')}, ${bind(kinds, 'text[]')}) u(v, k)`
  }
  if (of.kind === 'record' || of.kind === 'map') {
    const json = `[${items.map((item) => writeJson(writeValue(item, of))).join(',')}]`
    return `select e.j as v from jsonb_array_elements(${bind(json, 'jsonb')}) e(j)`
  }
  const scalars = items.map((item) => {
    if (typeof item !== 'object') return typeof item === 'string' && !isHoldable(item) ? undefined : String(item)
    if (item.kind === 'ip') return formatIp(item)
    throw new Untranslatable('a set of sets cannot be compared with data in SQL')
  })
  const held = scalars.filter((item) => item !== undefined)
  return `select u.v from unnest(${bind(held, `${sqlType(of)}[]`)}) u(v)`
}

/** Stands for a value of the type that a request will bring, where only the form of the filter is asked for. */
export function opaqueValue(at: Compiling, type: Type): SqlValue {
  const value = nothing(type)
  const sure = { missing: undefined, fails: undefined, isBound: true }
  if (value.shape === 'entity' && type.kind === 'entity' && type.types.length === 1) {
    const [only = ''] = type.types
    return { ...value, ...sure, only, typeSql: at.bindings.bind(only, 'text') }
  }
  return { ...value, ...sure }
}
