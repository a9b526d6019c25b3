import type { FieldType, Type } from '../ir/types.ts'

/** Are the two types the same? Enums by values and order, whatever their names. */
export function sameType(left: Type, right: Type): boolean {
  if (left === right) return true
  switch (left.kind) {
    case 'enum':
      return right.kind === 'enum' && sameEnum(left, right)
    case 'entity':
      return right.kind === 'entity' && left.types.join('\u0000') === right.types.join('\u0000')
    case 'set':
    case 'map':
      return right.kind === left.kind && sameType(left.of, right.of)
    case 'record':
      return right.kind === 'record' && sameFields(left.fields, right.fields)
    default:
      return left.kind === right.kind
  }
}

export const sameField = (left: FieldType, right: FieldType): boolean =>
  left.optional === right.optional && left.spelled === right.spelled && sameType(left.type, right.type)

type Enum = Type & { readonly kind: 'enum' }

function sameEnum(left: Enum, right: Enum): boolean {
  if (left.ordered !== right.ordered || left.values.length !== right.values.length) return false
  return left.values.every((value, index) =>
    left.ordered ? right.values[index] === value : right.values.includes(value),
  )
}

type Fields = { readonly [name: string]: FieldType }

function sameFields(left: Fields, right: Fields): boolean {
  const names = Object.keys(left)
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => {
      const other = Object.hasOwn(right, name) ? right[name] : undefined
      return left[name] !== undefined && other !== undefined && sameField(left[name], other)
    })
  )
}
