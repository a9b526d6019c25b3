import type { Facts } from '../../entities/facts.ts'
import type { Program } from '../../ir/program.ts'
import type { Decision, EvaluateOptions, Request } from '../../runtime/decision.ts'
import { interpret } from '../../runtime/interpret.ts'

/** Judges requests against one program. Answers exactly what `interpret` answers. */
export type Evaluator = {
  readonly program: Program
  decide(facts: Facts, request: Request, options: EvaluateOptions): Decision
  allows(facts: Facts, request: Request, options: EvaluateOptions): boolean
}

export function createEvaluator(program: Program): Evaluator {
  return {
    program,
    decide: (facts, request, options) => interpret(program, facts, request, options),
    allows: (facts, request, options) => interpret(program, facts, request, options).decision,
  }
}
