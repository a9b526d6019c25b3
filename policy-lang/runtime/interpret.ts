import type { Facts } from '../entities/facts.ts'
import type { Value } from '../ir/nodes.ts'
import { type ActionType, actionKey, type PartitionEntry, type Program, type Rule } from '../ir/program.ts'
import type { Decision, EvaluateOptions, Request } from './decision.ts'
import { type Environment, evaluate, evaluateCondition } from './evaluate.ts'
import { createRelationSolver } from './hold-relation.ts'
import { type Counted, judge, refusal } from './judge.ts'
import { LimitReached, limits } from './limits.ts'
import { allOf, anyOf, isTrue, type Outcome } from './outcome.ts'

/** The reference interpreter: small, slow, obviously right. It is the meaning; other executors must agree with it (SPEC 7). */
export function interpret(program: Program, facts: Facts, request: Request, options: EvaluateOptions): Decision {
  const action = program.actions.get(actionKey(request.action, request.resource.type))
  if (!action || !isKnownSubject(program, request)) return refusal('unknown-action')
  const env = environmentOf(program, facts, request, { options, action })
  try {
    const counted = countRules(program, env, partitionOf(program, request))
    return judge(program, request.resource.type, counted, (rule) => adviceOf(rule, env))
  } catch (error) {
    if (error instanceof LimitReached) return refusal('limit')
    throw error
  }
}

/** One rule's condition with delegates, for every way in which it came into the partition. */
export function judgeRule(program: Program, env: Environment, entries: readonly PartitionEntry[]): Outcome {
  return anyOf(
    entries.map((entry) => {
      const rule = ruleAt(program, entry)
      const seen: Environment = { ...env, action: entry.as, effect: rule.effect }
      const condition = evaluate(rule.condition, seen)
      if (rule.layer !== 'organization' || rule.effect === 'deny') return condition
      // An organization's allow counts only where a delegate of the module or tenant also holds (SPEC 6).
      const { type } = env.request.resource
      const delegates = program.delegates.filter(({ actions }) =>
        actions.some(({ action, resourceType }) => action === entry.as && resourceType === type),
      )
      return allOf([condition, anyOf(delegates.map((delegate) => evaluate(delegate.condition, seen)))])
    }),
  )
}

/** The environment of one decision. */
export function environmentOf(
  program: Program,
  facts: Facts,
  request: Request,
  world: { readonly options: EvaluateOptions; readonly action: ActionType },
): Environment {
  const env: Environment = {
    program,
    facts,
    request,
    options: world.options,
    context: completeContext(request, world.options.now, world.action),
    action: request.action,
    effect: 'allow',
    locals: new Map(),
    budget: { steps: limits.steps },
    relations: createRelationSolver({
      program,
      facts,
      now: world.options.now,
      condition: (name, stored) => evaluateCondition(name, stored, env),
    }),
  }
  return env
}

/** Entries that may decide: allows only for subjects that their own action and the asked one accept (SPEC 3, implies). */
export function partitionOf(program: Program, request: Request): readonly PartitionEntry[] {
  const { resource, subject } = request
  const accepts = (name: string): boolean => {
    const action = program.actions.get(actionKey(name, resource.type))
    return action !== undefined && (action.subjects === 'anyone' || action.subjects.includes(subject.type))
  }
  const entries = program.partitions.get(actionKey(request.action, resource.type)) ?? []
  return entries.filter((entry) => {
    const rule = ruleAt(program, entry)
    return rule.effect === 'deny' || (accepts(request.action) && accepts(entry.as))
  })
}

export const ruleAt = (program: Program, entry: PartitionEntry): Rule => {
  const rule = program.rules[entry.rule]
  if (!rule) throw new Error(`partition names rule ${entry.rule}, which the program does not have`)
  return rule
}

export const isKnownSubject = (program: Program, request: Request): boolean =>
  request.subject.type === 'Anonymous' || program.entityTypes.has(request.subject.type)

/** Standard context that is always there: `now`, and empty `scopes` and `priorActors` unless the action asks for them. */
export function completeContext(request: Request, now: number, action: ActionType): ReadonlyMap<string, Value> {
  const context = new Map(request.context)
  context.set('now', now)
  for (const name of ['scopes', 'priorActors']) {
    if (!context.has(name) && action.arguments[name] === undefined) context.set(name, { kind: 'set', items: [] })
  }
  return context
}

function countRules(program: Program, env: Environment, entries: readonly PartitionEntry[]): Counted {
  const allows: number[] = []
  const denies: number[] = []
  const errors: Counted['errors'][number][] = []
  const degraded: number[] = []
  const byRule = Map.groupBy(entries, (entry) => entry.rule)
  for (const [index, own] of [...byRule].sort(([a], [b]) => a - b)) {
    const outcome = judgeRule(program, env, own)
    const isDeny = own.some((entry) => ruleAt(program, entry).effect === 'deny')
    if (outcome.degraded) degraded.push(index)
    if (outcome.kind === 'error') errors.push({ rule: index, cause: outcome.cause })
    // A failing allow does not count; a failing deny does (SPEC 5).
    if (isDeny ? isTrue(outcome) || outcome.kind === 'error' : isTrue(outcome)) (isDeny ? denies : allows).push(index)
  }
  return { allows, denies, errors, degraded }
}

/** An argument that fails is left out: the checker has made sure that none can (SPEC 5). */
export function adviceOf(rule: Rule, env: Environment): Decision['advice'] {
  return rule.advise.map(({ name, args }) => {
    const values = Object.entries(args).flatMap(([argument, expr]): [string, Value][] => {
      const outcome = evaluate(expr, { ...env, effect: rule.effect })
      return outcome.kind === 'value' ? [[argument, outcome.value]] : []
    })
    return { name, args: Object.fromEntries(values) }
  })
}
