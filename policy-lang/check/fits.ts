import type { FieldType, Type } from '../ir/types.ts'
import { sameType } from '../resolve/same-type.ts'

/** The element type of `[]`: no value has it, so it fits everything. */
export const nothing: Type = { kind: 'entity', types: [] }

/** May a value of `actual` stand where `expected` is wanted? An enum is a String (SPEC 4). */
export function fits(actual: Type, expected: Type): boolean {
  if (actual === expected) return true
  if (actual.kind === 'entity' && actual.types.length === 0) return true
  if (expected.kind === 'string') return actual.kind === 'string' || actual.kind === 'enum'
  if (actual.kind === 'entity' && expected.kind === 'entity')
    return actual.types.every((type) => expected.types.includes(type))
  if (actual.kind === 'set' && expected.kind === 'set') return fits(actual.of, expected.of)
  if (actual.kind === 'map' && expected.kind === 'map') return fits(actual.of, expected.of)
  if (actual.kind === 'record' && expected.kind === 'record') return fieldsFit(actual.fields, expected.fields)
  return sameType(actual, expected)
}

/** The narrowest type that both fit; undefined if there is none. */
export function joined(left: Type, right: Type): Type | undefined {
  if (fits(left, right)) return right
  if (fits(right, left)) return left
  if (left.kind === 'entity' && right.kind === 'entity')
    return { kind: 'entity', types: [...new Set([...left.types, ...right.types])].sort() }
  if (left.kind === 'enum' && right.kind === 'enum') return { kind: 'string' }
  if (left.kind !== 'set' || right.kind !== 'set') return undefined
  const of = joined(left.of, right.of)
  return of && { kind: 'set', of }
}

type Fields = { readonly [name: string]: FieldType }

function fieldsFit(actual: Fields, expected: Fields): boolean {
  if (Object.keys(actual).some((name) => !Object.hasOwn(expected, name))) return false
  return Object.entries(expected).every(([name, want]) => {
    const have = Object.hasOwn(actual, name) ? actual[name] : undefined
    if (!have) return want.optional
    return (want.optional || !have.optional) && fits(have.type, want.type)
  })
}
