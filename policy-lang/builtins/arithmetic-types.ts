import type { Type } from '../ir/types.ts'
import { duration, time } from './primitive-types.ts'

const scalar = new Set<Type['kind']>(['int', 'decimal', 'duration'])

/** `+`: two of one kind, or an instant and a duration. */
export function sumType([left, right]: readonly Type[]): Type | undefined {
  if (!left || !right) return undefined
  if (left.kind === right.kind) return scalar.has(left.kind) ? left : undefined
  const kinds = [left.kind, right.kind]
  return kinds.includes('time') && kinds.includes('duration') ? time : undefined
}

/** `-`: two of one kind, an instant less a duration, or the duration between two instants. */
export function differenceType([left, right]: readonly Type[]): Type | undefined {
  if (!left || !right) return undefined
  if (left.kind === 'time') return right.kind === 'time' ? duration : right.kind === 'duration' ? time : undefined
  return left.kind === right.kind && scalar.has(left.kind) ? left : undefined
}

/** `*`: one side is an Int. */
export function productType([left, right]: readonly Type[]): Type | undefined {
  if (!left || !right) return undefined
  if (right.kind === 'int') return scalar.has(left.kind) ? left : undefined
  return left.kind === 'int' && scalar.has(right.kind) ? right : undefined
}

/** Unary `-`. */
export const negativeType = ([operand]: readonly Type[]): Type | undefined =>
  operand && scalar.has(operand.kind) ? operand : undefined
