import { formatDecimal } from '../builtins/decimal-text.ts'
import { formatIp } from '../builtins/ip-range.ts'
import type { Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import type { Json } from './strict-json.ts'

/**
 * JSON that `readValue` reads back. Without a type, Time, Duration and Decimal are plain integers: the value alone does not
 * say which it is. Integers beyond 2^53 are bigints; `writeJson` writes their digits.
 */
export function writeValue(value: Value, type?: Type): Json {
  if (typeof value !== 'object') return writePrimitive(value, type)
  switch (value.kind) {
    case 'entity':
      return { type: value.type, id: value.id }
    case 'ip':
      return formatIp(value)
    case 'set':
      return value.items.map((item) => writeValue(item, type?.kind === 'set' ? type.of : undefined))
    case 'map':
      return writeMembers(value.entries, () => (type?.kind === 'map' ? type.of : undefined))
    case 'record':
      return writeMembers(value.fields, (name) => (type?.kind === 'record' ? type.fields[name]?.type : undefined))
  }
}

/** JSON text; a bigint is written as its digits. */
export function writeJson(json: Json): string {
  if (typeof json === 'bigint') return json.toString()
  if (Array.isArray(json)) return `[${json.map(writeJson).join(',')}]`
  if (typeof json !== 'object' || json === null) return JSON.stringify(json)
  return `{${Object.entries(json)
    .map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`)
    .join(',')}}`
}

function writePrimitive(value: Exclude<Value, object>, type: Type | undefined): Json {
  if (type?.kind === 'time' && typeof value === 'number') return new Date(value).toISOString()
  if (type?.kind === 'decimal' && (typeof value === 'number' || typeof value === 'bigint')) return formatDecimal(value)
  return value
}

function writeMembers(members: ReadonlyMap<string, Value>, typeOf: (name: string) => Type | undefined): Json {
  const written: { [name: string]: Json } = Object.create(null)
  for (const [name, member] of members) written[name] = writeValue(member, typeOf(name))
  return written
}
