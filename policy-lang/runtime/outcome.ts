import type { Value } from '../ir/nodes.ts'
import type { Cause } from './decision.ts'

/**
 * What an expression yields: a value, absent, or E with its cause (SPEC 5). `degraded`: a failed extern made it so.
 */
export type Outcome =
  | { readonly kind: 'value'; readonly value: Value; readonly degraded: boolean }
  | { readonly kind: 'absent'; readonly degraded: boolean }
  | { readonly kind: 'error'; readonly cause: Cause; readonly degraded: boolean }

export type Failed = Outcome & { readonly kind: 'error' }

export const valued = (value: Value, degraded = false): Outcome => ({ kind: 'value', value, degraded })
export const absent: Outcome = { kind: 'absent', degraded: false }
export const errorOf = (cause: Cause, degraded = false): Failed => ({ kind: 'error', cause, degraded })
export const present = (value: Value | undefined): Outcome => (value === undefined ? absent : valued(value))

export const isTrue = (outcome: Outcome): boolean => outcome.kind === 'value' && outcome.value === true
export const isFalse = (outcome: Outcome): boolean => outcome.kind === 'value' && outcome.value === false

/**
 * Kleene's `and`: one false decides, else E stays, else true. Degraded only where the failed extern mattered: a healthy false
 * decides alone. So neither the order of operands nor stopping early can be seen.
 */
export const allOf = (outcomes: readonly Outcome[]): Outcome => combine(outcomes, false)
/** Kleene's `or`. */
export const anyOf = (outcomes: readonly Outcome[]): Outcome => combine(outcomes, true)

/** The E of several operands: the first by code and path, whatever their order. */
export function firstFailure(outcomes: readonly Outcome[]): Failed | undefined {
  let found: Failed | undefined
  for (const outcome of outcomes) {
    if (outcome.kind !== 'error') continue
    if (!found || causeKey(outcome.cause) < causeKey(found.cause)) found = outcome
  }
  return (
    found &&
    errorOf(
      found.cause,
      outcomes.some((outcome) => outcome.kind === 'error' && outcome.degraded),
    )
  )
}

/** Order of causes, so that one of several is chosen the same way everywhere. */
export const causeKey = (cause: Cause): string => `${cause.code} ${cause.path ?? ''}`

/** E if any operand is E, else what `compute` says; degraded if any operand is. */
export function strict(operands: readonly Outcome[], compute: () => Outcome): Outcome {
  const failure = firstFailure(operands)
  if (failure) return failure
  const result = compute()
  return operands.some((operand) => operand.degraded) ? { ...result, degraded: true } : result
}

function combine(outcomes: readonly Outcome[], decisive: boolean): Outcome {
  const deciding = outcomes.filter((outcome) => outcome.kind === 'value' && outcome.value === decisive)
  if (deciding.length > 0)
    return valued(
      decisive,
      deciding.every((outcome) => outcome.degraded),
    )
  return (
    firstFailure(outcomes) ??
    valued(
      !decisive,
      outcomes.some((outcome) => outcome.degraded),
    )
  )
}
