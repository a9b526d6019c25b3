import type { Type } from '../../ir/types.ts'

/** As the language writes it; entities by their wire names. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'entity':
      return type.types.join(' | ')
    case 'set':
      return `Set<${typeName(type.of)}>`
    case 'map':
      return `Map<String, ${typeName(type.of)}>`
    case 'enum':
      return 'String'
    default:
      return type.kind.charAt(0).toUpperCase() + type.kind.slice(1)
  }
}
