import type { Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { type EvaluationFailure, overflow } from './builtin.ts'

export const smallestInt = -(2n ** 63n)
export const largestInt = 2n ** 63n - 1n
/** Years 0001 to 9999 (SPEC 4). */
export const earliestTime = Date.UTC(2000, 0, 1) - 63_082_281_600_000
export const latestTime = 253_402_300_799_999

/** The one form of an integer value: a number where it is safe, else a bigint; outside 64 bits a failure. */
export function integerValue(exact: bigint): number | bigint | EvaluationFailure {
  if (exact < smallestInt || exact > largestInt) return overflow
  const near = Number(exact)
  return Number.isSafeInteger(near) ? near : exact
}

export const isInteger = (value: Value | undefined): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint'

/** An instant outside the years that FBAC knows is an overflow too. */
export function within(result: Type, value: number | bigint | EvaluationFailure): Value | EvaluationFailure {
  if (result.kind !== 'time' || typeof value === 'object') return value
  return value >= earliestTime && value <= latestTime ? value : overflow
}
