import type * as ast from '../ast/nodes.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import type { Environment, RecordType, Unit } from '../resolve/environment.ts'
import type { Reporter } from '../resolve/reporter.ts'
import type { Known } from './narrowing.ts'

/** Where an expression stands: what its names mean and what is known there. Never changed, only replaced. */
export type At = {
  readonly session: Session
  readonly unit: Unit
  readonly place: 'rule' | 'fn' | 'const' | 'test' | 'proof' | 'expression'
  /** Names of the author: binders, parameters, variables of quantifiers, `let`s of tests. */
  readonly locals: ReadonlyMap<string, Expr>
  /** Absent in functions, constants and tests. */
  readonly request?: RequestTypes
  /** The standard context, and in rules the arguments that every action has. Absent in constants and tests. */
  readonly context?: RecordType
  readonly known: Known
  /** Counters of the rule that is being checked. */
  readonly tally: Tally
}

export type RequestTypes = {
  readonly subject: readonly string[]
  readonly resource: readonly string[]
  readonly actions: readonly string[]
}

/** `size` grows with every function that is expanded; `retries` bounds how often guards are sought in another order. */
export type Tally = { locals: number; size: number; retries: number; tooLarge: boolean }

/** What every check of one compilation shares. `check` is the way back into the table of expression kinds. */
export type Session = {
  readonly environment: Environment
  readonly reporter: Reporter
  /** How deep functions and constants lean on each other here, and how deep those did that were asked for. */
  readonly nesting: Nesting
  readonly check: (node: ast.Expr, at: At, expected?: Type) => Expr | undefined
}

export type Nesting = { readonly now: number; deepest: number }

/** For a declaration that is checked once, with a reporter of its own. */
export const innerSession = (session: Session, reporter: Reporter): Session => ({
  ...session,
  reporter,
  nesting: { now: session.nesting.now + 1, deepest: 0 },
})

/** The order of declarations must not show: depth is counted even where the work was done before. */
export function leanOn(session: Session, depth: number): void {
  session.nesting.deepest = Math.max(session.nesting.deepest, depth)
}

export const newTally = (): Tally => ({ locals: 0, size: 0, retries: 64, tooLarge: false })

export const freshIn =
  (tally: Tally) =>
  (name: string): string => {
    tally.locals += 1
    return `${name}$${tally.locals}`
  }

/** What is inside `( … )`. */
export function ungroup(node: ast.Expr): ast.Expr {
  let inner = node
  while (inner.kind === 'group') inner = inner.inner
  return inner
}
