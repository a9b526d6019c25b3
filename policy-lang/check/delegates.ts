import type * as ast from '../ast/nodes.ts'
import type { Delegate, Proof } from '../ir/program.ts'
import type { Unit } from '../resolve/environment.ts'
import { checkMarks } from '../resolve/marks.ts'
import type { Session } from './at.ts'
import { atTargets, checkCondition } from './condition.ts'
import { fieldLists } from './fields.ts'
import { pairsOf } from './rules.ts'
import { targetsOf } from './targets.ts'

/** `delegate`: what organizations may open by allows of their own (SPEC 6). */
export function checkDelegate(item: ast.DelegateItem, unit: Unit, session: Session): Delegate | undefined {
  if (unit.layer === 'organization') return undefined
  const targets = targetsOf(item, unit, session)
  if (!targets) return undefined
  const foreign = targets.actions.find((action) => unit.layer === 'module' && action.unit.module !== unit.module)
  if (foreign)
    session.reporter.report(
      'F5001',
      item.actions.span,
      `module "${unit.module}" does not declare the action "${foreign.name}" on ${foreign.resource.name}`,
      {
        notes: [{ message: 'declared here', span: foreign.span }],
        help: 'delegate it in a tenant set',
      },
    )
  const checked = checkCondition(item, atTargets(targets, unit, session, 'rule'))
  return (
    checked && { actions: pairsOf(targets.actions), condition: checked.condition, layer: unit.layer, span: item.span }
  )
}

/** `prove`: checked like a rule and kept for the solver. */
export function checkProof(item: ast.ProveItem, unit: Unit, session: Session): Proof | undefined {
  checkMarks(item.marks, 'none', session.reporter)
  const targets = targetsOf(item, unit, session)
  if (!targets) return undefined
  const checked = checkCondition(item, atTargets(targets, unit, session, 'proof'))
  const fields = item.fields && fieldLists(item.fields, targets.resources, session.reporter)
  if (!checked || (item.fields && !fields)) return undefined
  return {
    title: item.title.value,
    mode: item.mode,
    actions: pairsOf(targets.actions),
    condition: checked.condition,
    span: item.span,
    ...(fields ? { fields } : {}),
  }
}
