import { earliestTime, isInteger, latestTime } from '../builtins/integer.ts'
import type { Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'

/**
 * Is this a value of the type, members and all? A record may lack required members: reading one is E `missing` (SPEC 5).
 * Undeclared members never get this far: readers drop them.
 */
export function hasType(value: Value, type: Type): boolean {
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean'
    case 'int':
    case 'decimal':
    case 'duration':
      return isInteger(value)
    case 'time':
      return typeof value === 'number' && value >= earliestTime && value <= latestTime
    case 'string':
      return typeof value === 'string'
    case 'enum':
      return typeof value === 'string' && type.values.includes(value)
    case 'ip':
      return typeof value === 'object' && value.kind === 'ip'
    case 'entity':
      return typeof value === 'object' && value.kind === 'entity' && type.types.includes(value.type)
    case 'set':
      return typeof value === 'object' && value.kind === 'set' && value.items.every((item) => hasType(item, type.of))
    case 'map':
      return (
        typeof value === 'object' &&
        value.kind === 'map' &&
        [...value.entries.values()].every((entry) => hasType(entry, type.of))
      )
    case 'record':
      return (
        typeof value === 'object' &&
        value.kind === 'record' &&
        Object.entries(type.fields).every(([name, field]) => {
          const member = value.fields.get(name)
          return member === undefined || hasType(member, field.type)
        })
      )
  }
}
