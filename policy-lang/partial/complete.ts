import type { Facts } from '../entities/facts.ts'
import { actionKey, type Program } from '../ir/program.ts'
import type { Decision, EvaluateOptions, Request } from '../runtime/decision.ts'
import { evaluate } from '../runtime/evaluate.ts'
import { adviceOf, environmentOf } from '../runtime/interpret.ts'
import { type Counted, judge, refusal } from '../runtime/judge.ts'
import { LimitReached } from '../runtime/limits.ts'
import { anyOf, isTrue } from '../runtime/outcome.ts'
import type { Residual } from './partial-evaluate.ts'

/** The decision once everything is known: what evaluating the request whole would have said (SPEC 7.6). */
export function completeResidual(
  program: Program,
  residual: Residual,
  asked: { readonly facts: Facts; readonly request: Request; readonly options: EvaluateOptions },
): Decision {
  const { facts, request, options } = asked
  const { subject, resource } = request
  const action = program.actions.get(actionKey(request.action, resource.type))
  const branch = residual.branches.find(
    (each) =>
      each.action === request.action && each.subjectType === subject.type && each.resourceType === resource.type,
  )
  if (!action || !branch) return refusal('unknown-action')
  const env = environmentOf(program, facts, request, { options, action })
  const allows: number[] = []
  const denies: number[] = []
  const errors: Counted['errors'][number][] = []
  const degraded: number[] = []
  try {
    for (const { index, rule, entries } of branch.rules) {
      const outcome = anyOf(
        entries.map((entry) => {
          return entry.outcome ?? evaluate(entry.condition, { ...env, action: entry.as, effect: rule.effect })
        }),
      )
      if (outcome.degraded) degraded.push(index)
      if (outcome.kind === 'error') errors.push({ rule: index, cause: outcome.cause })
      if (isTrue(outcome)) (rule.effect === 'deny' ? denies : allows).push(index)
      else if (outcome.kind === 'error' && rule.effect === 'deny') denies.push(index)
    }
  } catch (error) {
    if (error instanceof LimitReached) return refusal('limit')
    throw error
  }
  return judge(program, resource.type, { allows, denies, errors, degraded }, (rule) => adviceOf(rule, env))
}
