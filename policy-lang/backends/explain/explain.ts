import type { Facts } from '../../entities/facts.ts'
import { actionKey, type Program, type Rule } from '../../ir/program.ts'
import type { EvaluateOptions, Request } from '../../runtime/decision.ts'
import type { Environment } from '../../runtime/evaluate.ts'
import { adviceOf, environmentOf, interpret, isKnownSubject } from '../../runtime/interpret.ts'
import { type Counted, judge } from '../../runtime/judge.ts'
import { LimitReached } from '../../runtime/limits.ts'
import { anyOf, isTrue } from '../../runtime/outcome.ts'
import { createLocate } from '../../source/places.ts'
import { aboutOf, explainChanges, explainRule } from './explain-rule.ts'
import type { CallerExplanation, Explanation, FullExplanation } from './explanation.ts'
import { judgeFormula, type Turned } from './formula.ts'
import { type Asked, type JudgedRule, judgeRules } from './judge-rules.ts'
import { type Changes, cheapestChanges, findNearMiss, joined } from './near-miss.ts'
import { callerNearMisses, holdsForAnyResource, isOwn } from './own-view.ts'

export type ExplainQuestion = {
  readonly facts: Facts
  readonly request: Request
  readonly options: EvaluateOptions
  /** `full` needs the right to explain; it shows values and relations, marked ones masked. */
  readonly audience: Explanation['audience']
}

/**
 * Why a request is decided as it is, and what would flip it (SPEC 7.4). The decision is the reference interpreter's.
 *
 * @example explain(program, { facts, request, options, audience: 'caller' })
 */
export function explain(program: Program, question: ExplainQuestion & { readonly audience: 'full' }): FullExplanation
export function explain(
  program: Program,
  question: ExplainQuestion & { readonly audience: 'caller' },
): CallerExplanation
export function explain(program: Program, question: ExplainQuestion): Explanation
export function explain(program: Program, question: ExplainQuestion): Explanation {
  const { facts, request, options, audience } = question
  const decision = interpret(program, facts, request, options)
  const isFull = audience === 'full'
  const silent: Explanation = isFull
    ? { audience: 'full', decision, remarks: decision.code === undefined ? [] : [decision.code], rules: [] }
    : { audience: 'caller', allowed: decision.decision, texts: [], advice: [], nearMisses: [] }
  const action = program.actions.get(actionKey(request.action, request.resource.type))
  if (!action || !isKnownSubject(program, request) || decision.code === 'limit') return silent
  const env = environmentOf(program, facts, request, { options, action })
  const locate = createLocate(program.places)
  try {
    const asked: Asked = { program, request, decision, judged: judgeRules(program, env), env, action, locate }
    return isFull ? explainFully(asked) : explainToCaller(asked)
  } catch (error) {
    // What could be decided may still be too much to explain.
    if (error instanceof LimitReached) return silent
    throw error
  }
}

function explainFully(asked: Asked): FullExplanation {
  const { judged, decision, request, action } = asked
  const accepts = action.subjects === 'anyone' || action.subjects.includes(request.subject.type)
  const remarks = [
    ...(accepts ? [] : ['subject-not-accepted']),
    ...(decision.code === undefined ? [] : [decision.code]),
  ]
  const rules = judged.map((each) => explainRule(each, asked))
  const found = nearMissOf(asked)
  const changes = found && explainChanges(found.changes, asked)
  return {
    audience: 'full',
    decision,
    remarks,
    rules,
    ...(found && changes ? { nearMiss: { changes, decision: !decision.decision, isSmallest: found.isSmallest } } : {}),
  }
}

function nearMissOf(asked: Asked) {
  const { judged, decision } = asked
  const formulas = judged.flatMap(({ ways }) => ways.map(({ formula }) => formula))
  return findNearMiss({
    formulas,
    decide: (turned) => decideWith(asked, turned),
    guesses: decision.decision ? guessesToDeny(judged) : guessesToAllow(judged),
    about: (atom) => aboutOf(atom.expr),
  })
}

/** The decision with some atoms turned; without any, that of the interpreter. */
function decideWith({ program, request, judged }: Asked, turned: Turned): boolean {
  const counted: { [list in 'allows' | 'denies']: number[] } = { allows: [], denies: [] }
  for (const { index, rule, ways } of judged) {
    const outcome = anyOf(ways.map(({ formula }) => judgeFormula(formula, turned)))
    if (rule.effect === 'deny' ? isTrue(outcome) || outcome.kind === 'error' : isTrue(outcome)) {
      counted[rule.effect === 'deny' ? 'denies' : 'allows'].push(index)
    }
  }
  const all: Counted = { ...counted, errors: [], degraded: [] }
  return judge(program, request.resource.type, all, () => []).decision
}

/** One allow and no deny; or, for a sealed allow, those denies that count against it: trying out tells. */
function guessesToAllow(judged: readonly JudgedRule[]): readonly Changes[] {
  const denies = judged.filter(({ rule }) => rule.effect === 'deny')
  const off = joined(denies.flatMap(({ ways }) => ways.map(({ formula }) => cheapestChanges(formula, false))))
  return judged
    .filter(({ rule }) => rule.effect === 'allow')
    .flatMap(({ ways }) => ways)
    .flatMap(({ formula }) => {
      const on = cheapestChanges(formula, true)
      return [joined([on, off]), on].flatMap((changes) => changes ?? [])
    })
}

/** No allow, or one deny. */
function guessesToDeny(judged: readonly JudgedRule[]): readonly Changes[] {
  const each = (effect: Rule['effect'], wanted: boolean) =>
    judged
      .filter(({ rule }) => rule.effect === effect)
      .flatMap(({ ways }) => ways.map(({ formula }) => cheapestChanges(formula, wanted)))
  return [joined(each('allow', false)), ...each('deny', true)].flatMap((changes) => changes ?? [])
}

/**
 * What a caller without the right to explain may know: texts and advice of what it was about to do anyway. Where no allow
 * counted, a resource that is unknown and one that is invisible answer alike: only denies that hold whatever the resource.
 */
function explainToCaller(asked: Asked): CallerExplanation {
  const { program, request, decision, judged, env } = asked
  const isAnonymous = request.subject.type === 'Anonymous'
  const isVisible = judged.some(
    ({ rule, ways }) =>
      rule.effect === 'allow' && ways.some(({ formula }) => isTrue(judgeFormula(formula, () => undefined))),
  )
  const open = judgeRules(program, env, true)
  const told = isVisible ? decision : consolationOf(program, open, env)
  return {
    audience: 'caller',
    allowed: decision.decision,
    texts: told.texts,
    advice: isAnonymous ? [] : told.advice,
    nearMisses: isAnonymous || decision.decision ? [] : callerNearMisses(open, asked),
  }
}

function consolationOf(program: Program, judged: readonly JudgedRule[], env: Environment) {
  const denies = judged.filter(({ rule, ways }) => rule.effect === 'deny' && ways.some(holdsForAnyResource))
  const indexes = denies.map(({ index }) => index)
  const counted: Counted = { allows: [], denies: indexes, errors: [], degraded: [] }
  const isTold = (rule: Rule) => rule.advise.every(({ args }) => Object.values(args).every(isOwn))
  return judge(program, env.request.resource.type, counted, (rule) => (isTold(rule) ? adviceOf(rule, env) : []))
}
