import type { Expr } from '../../ir/nodes.ts'
import type { ActionType, Program, Rule } from '../../ir/program.ts'
import { conditionOf } from '../../optimise/plan-partition.ts'
import { simplify } from '../../optimise/simplify.ts'
import type { Decision, Request } from '../../runtime/decision.ts'
import type { Environment } from '../../runtime/evaluate.ts'
import { partitionOf, ruleAt } from '../../runtime/interpret.ts'
import type { Locate } from '../../source/places.ts'
import { type Formula, formulaOf } from './formula.ts'

/** One rule of the partition with its condition for each way in which it came there. */
export type JudgedRule = {
  readonly index: number
  readonly rule: Rule
  readonly ways: readonly { readonly as: string; readonly formula: Formula; readonly env: Environment }[]
}
export type Asked = {
  readonly program: Program
  readonly request: Request
  readonly decision: Decision
  readonly judged: readonly JudgedRule[]
  readonly env: Environment
  readonly action: ActionType
  /** Spans of a program count from their items. */
  readonly locate: Locate
}

/** `isOpen`: the shape of formulas hangs on no value, so that it tells none. Sorted by id. */
export function judgeRules(program: Program, env: Environment, isOpen = false): readonly JudgedRule[] {
  const { request } = env
  const { subject, resource } = request
  const byRule = new Map<number, JudgedRule['ways'][number][]>()
  for (const entry of partitionOf(program, request)) {
    const { effect } = ruleAt(program, entry)
    const known = { as: entry.as, subjectType: subject.type, resourceType: resource.type }
    const condition: Expr = simplify(conditionOf(program, entry, resource.type), known)
    const seen: Environment = { ...env, action: entry.as, effect }
    const way = { as: entry.as, formula: formulaOf(condition, seen, `${entry.rule} ${entry.as}`, isOpen), env: seen }
    byRule.set(entry.rule, [...(byRule.get(entry.rule) ?? []), way])
  }
  return [...byRule]
    .sort(([a], [b]) => a - b)
    .flatMap(([index, ways]) => {
      const rule = program.rules[index]
      return rule ? [{ index, rule, ways }] : []
    })
}
