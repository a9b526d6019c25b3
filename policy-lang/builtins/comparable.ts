import type { Type } from '../ir/types.ts'

/** May values of the two types ever be equal, so that comparing them says something? An enum is a String (SPEC 4). */
export function comparable(left: Type, right: Type): boolean {
  if (left === right || isNothing(left) || isNothing(right)) return true
  if (left.kind === 'enum' && right.kind === 'enum') return left.values.some((value) => right.values.includes(value))
  if (left.kind === 'string' || right.kind === 'string') return isTextual(left) && isTextual(right)
  if (left.kind === 'entity' && right.kind === 'entity') return left.types.some((type) => right.types.includes(type))
  if (left.kind === 'set' && right.kind === 'set') return comparable(left.of, right.of)
  if (left.kind === 'map' && right.kind === 'map') return comparable(left.of, right.of)
  if (left.kind === 'record' && right.kind === 'record') return comparableRecords(left.fields, right.fields)
  return left.kind === right.kind
}

/** The element type of a set. */
export const elementOf = (set: Type): Type => (set.kind === 'set' ? set.of : set)

/** The type of a set made from members of two sets; undefined if they do not mix. */
export function combinedSet(left: Type, right: Type): Type | undefined {
  if (left.kind !== 'set' || right.kind !== 'set') return undefined
  if (left.of.kind === 'entity' && right.of.kind === 'entity')
    return { kind: 'set', of: { kind: 'entity', types: [...new Set([...left.of.types, ...right.of.types])].sort() } }
  if (!comparable(left.of, right.of)) return undefined
  return left.of.kind === 'string' ? left : right.of.kind === 'string' ? right : left
}

/** The element type of `[]`. */
const isNothing = (type: Type): boolean => type.kind === 'entity' && type.types.length === 0

const isTextual = (type: Type): boolean => type.kind === 'string' || type.kind === 'enum'

type Fields = (Type & { kind: 'record' })['fields']

function comparableRecords(left: Fields, right: Fields): boolean {
  return Object.keys(left).every((name) => {
    const [a, b] = [left[name], right[name]]
    return a !== undefined && (b === undefined || comparable(a.type, b.type))
  })
}
