import type { Type } from '../ir/types.ts'

const words: { readonly [kind: string]: string } = {
  bool: 'Bool',
  int: 'Int',
  decimal: 'Decimal',
  string: 'String',
  time: 'Time',
  duration: 'Duration',
  ip: 'Ip',
}

/** A type as an author would write it. */
export function typeText(type: Type): string {
  switch (type.kind) {
    case 'enum':
      return type.name ?? type.values.map((value) => JSON.stringify(value)).join(type.ordered ? ' < ' : ' | ')
    case 'entity':
      if (type.types.length > 4) return 'an entity'
      return type.types.join(' | ') || 'nothing'
    case 'record':
      return `{ ${Object.entries(type.fields)
        .map(([name, field]) => `${field.spelled ?? name}${field.optional ? '?' : ''}: ${typeText(field.type)}`)
        .join(', ')} }`
    case 'set':
      return `Set<${typeText(type.of)}>`
    case 'map':
      return `Map<${typeText(type.of)}>`
    default:
      return words[type.kind] ?? type.kind
  }
}
