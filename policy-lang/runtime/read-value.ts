import { isFailure } from '../builtins/builtin.ts'
import { parseDecimal } from '../builtins/decimal-text.ts'
import { distinctValues } from '../builtins/equal-values.ts'
import { integerValue } from '../builtins/integer.ts'
import { parseIp } from '../builtins/ip-range.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { hasType } from './has-type.ts'
import { readDuration, readInstant } from './read-instant.ts'
import type { Json } from './strict-json.ts'

/** A JSON value as a value of the type; undefined if it is none, which counts as missing (SPEC 5). Unknown members are dropped. */
export function readValue(json: Json | undefined, type: Type): Value | undefined {
  if (json === undefined || json === null) return undefined
  switch (type.kind) {
    case 'bool':
      return typeof json === 'boolean' ? json : undefined
    case 'int':
      return typeof json === 'bigint' || Number.isSafeInteger(json) ? readInteger(json) : undefined
    case 'decimal':
      return readDecimal(extension(json, 'decimal'))
    case 'duration':
      return readMilliseconds(extension(json, 'duration'))
    case 'time': {
      const text = extension(json, 'datetime')
      return typeof text === 'string' ? readInstant(text) : undefined
    }
    case 'ip': {
      const text = extension(json, 'ip')
      return typeof text === 'string' ? parseIp(text) : undefined
    }
    case 'string':
    case 'enum':
      return typeof json === 'string' && hasType(json, type) ? json : undefined
    case 'entity': {
      const entity = readEntity(isObject(json) && '__entity' in json ? json.__entity : json)
      return entity && type.types.includes(entity.type) ? entity : undefined
    }
    case 'set': {
      if (!isArray(json)) return undefined
      const items = json.map((item) => readValue(item, type.of))
      return items.every(isPresent) ? { kind: 'set', items: distinctValues(items) } : undefined
    }
    case 'map': {
      if (!isObject(json)) return undefined
      const entries = Object.entries(json).map(([key, item]) => [key, readValue(item, type.of)] as const)
      return { kind: 'map', entries: new Map(entries.flatMap(([key, item]) => (isPresent(item) ? [[key, item]] : []))) }
    }
    case 'record':
      return isObject(json) ? readRecord(json, type.fields) : undefined
  }
}

/** `{"type","id"}`; undefined if it is anything else. */
export function readEntity(json: Json | undefined): EntityValue | undefined {
  if (!isObject(json) || typeof json.type !== 'string' || typeof json.id !== 'string') return undefined
  return { kind: 'entity', type: json.type, id: json.id }
}

export const isObject = (json: Json | undefined): json is { readonly [name: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
export const isArray = (json: Json | undefined): json is readonly Json[] => Array.isArray(json)

const isPresent = (value: Value | undefined): value is Value => value !== undefined

/** Members that fit; one that is missing or of another type is E where it is read (SPEC 5). */
function readRecord(json: { readonly [name: string]: Json }, fields: (Type & { kind: 'record' })['fields']) {
  const members = new Map<string, Value>()
  for (const [name, field] of Object.entries(fields)) {
    const value = readValue(Object.hasOwn(json, name) ? json[name] : undefined, field.type)
    if (value !== undefined) members.set(name, value)
  }
  return { kind: 'record', fields: members } as const
}

/** `{"__extn":{"fn","arg"}}`, `{"fn","arg"}`, or the argument alone, as the schema already says which it is. */
function extension(json: Json, fn: string): Json | undefined {
  const inner = isObject(json) && '__extn' in json ? json.__extn : json
  if (!isObject(inner)) return inner
  return inner.fn === fn ? inner.arg : undefined
}

function readInteger(json: Json): Value | undefined {
  const value = typeof json === 'bigint' || typeof json === 'number' ? integerValue(BigInt(json)) : undefined
  return value === undefined || isFailure(value) ? undefined : value
}

/** A JSON number is read by its digits, so 0.1 is one tenth. */
function readDecimal(json: Json | undefined): Value | undefined {
  if (typeof json !== 'string' && typeof json !== 'number' && typeof json !== 'bigint') return undefined
  const exact = parseDecimal(String(json))
  return exact === undefined ? undefined : readInteger(exact)
}

/** ms as a number, or text with units. */
function readMilliseconds(json: Json | undefined): Value | undefined {
  if (typeof json === 'bigint' || Number.isSafeInteger(json)) return readInteger(json as number | bigint)
  const exact = typeof json === 'string' ? readDuration(json) : undefined
  return exact === undefined ? undefined : readInteger(exact)
}
