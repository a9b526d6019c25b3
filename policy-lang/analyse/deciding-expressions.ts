import type { EntityValue, Expr } from '../ir/nodes.ts'
import { actionKey, type Program } from '../ir/program.ts'
import { partitionOf, ruleAt } from '../runtime/interpret.ts'

export type Asked = { readonly action: string; readonly subjectType: string; readonly resourceType: string }

/** Everything that is evaluated for such a request: conditions and advice of its rules, and the delegates that open them. */
export function decidingExpressions(program: Program, asked: Asked): readonly Expr[] {
  const uid = (type: string): EntityValue => ({ kind: 'entity', type, id: '' })
  const { action, subjectType, resourceType } = asked
  const entries = partitionOf(program, {
    action,
    subject: uid(subjectType),
    resource: uid(resourceType),
    context: new Map(),
  })
  const rules = entries.map((entry) => ruleAt(program, entry))
  const names = new Set(entries.map((entry) => actionKey(entry.as, resourceType)))
  const delegates = program.delegates.filter((delegate) =>
    delegate.actions.some((each) => names.has(actionKey(each.action, each.resourceType))),
  )
  const advice = rules.flatMap((rule) => rule.advise.flatMap(({ args }) => Object.values(args)))
  return [...rules.map((rule) => rule.condition), ...advice, ...delegates.map(({ condition }) => condition)]
}
