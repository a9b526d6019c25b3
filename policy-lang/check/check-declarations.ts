import type { Delegate, ExternType, TupleCondition } from '../ir/program.ts'
import type { Environment } from '../resolve/environment.ts'
import type { Reporter } from '../resolve/reporter.ts'
import type { Session } from './at.ts'
import { builtinDenies } from './builtin-denies.ts'
import { constantOf } from './constants.ts'
import { checkDelegate } from './delegates.ts'
import type { DraftRule } from './draft.ts'
import { checkExpression } from './expression.ts'
import { checkExterns } from './externs.ts'
import { functionBody } from './functions.ts'
import { checkTupleConditions } from './tuple-conditions.ts'

/** All that rules, tests and proofs lean on, checked. Nothing in it changes any more: it may serve several compilations. */
export type CheckedDeclarations = {
  readonly environment: Environment
  readonly externs: ReadonlyMap<string, ExternType>
  readonly tupleConditions: ReadonlyMap<string, TupleCondition>
  readonly delegates: readonly Delegate[]
  /** The denies that declarations bring. */
  readonly denies: readonly DraftRule[]
}

/** ORDER: constants and functions first, so that whoever uses one later finds it finished. */
export function checkDeclarations(environment: Environment, reporter: Reporter): CheckedDeclarations {
  const session = startSession(environment, reporter)
  for (const space of environment.spaces.values()) {
    for (const info of space.consts.values()) constantOf(info, session)
    for (const info of space.fns.values()) functionBody(info, info.item.name.span, session)
  }
  const externs = checkExterns(session)
  const tupleConditions = checkTupleConditions(session)
  const delegates = environment.units.flatMap((unit) =>
    unit.declarations.flatMap((item) => (item.kind === 'delegate' ? (checkDelegate(item, unit, session) ?? []) : [])),
  )
  return { environment, externs, tupleConditions, delegates, denies: builtinDenies(environment) }
}

export const startSession = (environment: Environment, reporter: Reporter): Session => ({
  environment,
  reporter,
  nesting: { now: 0, deepest: 0 },
  check: checkExpression,
})
