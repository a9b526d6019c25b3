import type * as ast from '../ast/nodes.ts'
import { ruleDigest, ruleIdOf } from '../ir/canonical.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Rule } from '../ir/program.ts'
import type { FieldType } from '../ir/types.ts'
import { walk } from '../ir/walk.ts'
import type { ActionInfo, Unit } from '../resolve/environment.ts'
import { checkMarks, hasMark, markText } from '../resolve/marks.ts'
import { checkAdvise } from './advise.ts'
import type { Session } from './at.ts'
import { atTargets, checkCondition } from './condition.ts'
import type { DraftRule } from './draft.ts'
import { fieldLists } from './fields.ts'
import { withinOrganization } from './organization-rules.ts'
import { type Targets, targetsOf } from './targets.ts'

/** One `allow` or `deny`, whole or not at all. */
export function checkRule(item: ast.RuleItem, unit: Unit, session: Session): DraftRule | undefined {
  const { environment, reporter } = session
  checkMarks(item.marks, item.effect, reporter)
  checkClauses(item, unit, session)
  const targets = targetsOf(item, unit, { environment, reporter })
  if (!targets) return undefined
  checkDeputy(item, targets, unit, session)
  const checked = checkCondition(item, atTargets(targets, unit, session, 'rule'))
  const fields = item.fields && fieldLists(item.fields, targets.resources, reporter)
  const advise = checked && checkAdvise(item.advise, checked.at)
  if (!checked || !advise || (item.fields && !fields)) return undefined
  const condition =
    unit.layer === 'organization'
      ? withinOrganization(checked.condition, item, targets, unit, session)
      : checked.condition
  if (!condition) return undefined
  const failsOpen = hasMark(item.marks, 'failsOpen')
  checkWhole(condition, item, failsOpen, session)
  const rule: Omit<Rule, 'id'> = {
    effect: item.effect,
    layer: unit.layer,
    sealed: item.sealed,
    builtIn: false,
    disabled: false,
    actions: pairsOf(targets.actions),
    condition,
    advise,
    failsOpen,
    span: item.span,
    ...(unit.organization === undefined ? {} : { organization: unit.organization }),
    ...(fields ? { fields } : {}),
    ...(item.because ? { because: item.because.value } : {}),
    ...(item.doc === undefined ? {} : { doc: item.doc }),
  }
  const given = markText(item.marks, 'id')
  const whole: Rule = { ...rule, id: given ?? ruleIdOf(rule, unit.space.name) }
  return {
    rule: whole,
    digest: ruleDigest(whole),
    isNamed: given !== undefined,
    targets: targets.actions,
    ...readsOf(rule, targets),
  }
}

/** (action, resource type) pairs by wire name, in one order. */
export function pairsOf(actions: readonly ActionInfo[]): Rule['actions'] {
  return actions
    .map((action) => ({ action: action.wire, resourceType: action.resource.wire }))
    .sort((a, b) => compare(a.resourceType, b.resourceType) || compare(a.action, b.action))
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

function checkClauses(item: ast.RuleItem, unit: Unit, { reporter }: Session): void {
  if (item.effect === 'deny' && item.because && markText(item.marks, 'id') === undefined)
    reporter.report('F4011', item.because.span, 'a deny with `because` needs an id', {
      help: 'write `@id("…")` above it',
    })
  if (item.effect === 'allow' && item.because)
    reporter.report('F4012', item.because.span, 'an allow has no `because`: it explains a refusal')
  if (item.effect === 'allow' && item.advise[0])
    reporter.report('F4012', item.advise[0].span, 'an allow has no `advise`: it goes with a refusal')
  if (item.sealed && unit.layer === 'organization')
    reporter.report('F5002', item.span, 'an organization set cannot hold `sealed` rules')
}

/** A module writes rules only for actions that it declares: it must not speak for another (SPEC 6, confused deputy). */
function checkDeputy(item: ast.RuleItem, targets: Targets, unit: Unit, { reporter }: Session): void {
  if (unit.layer !== 'module') return
  const foreign = targets.actions.find((action) => action.unit.module !== unit.module)
  if (!foreign) return
  reporter.report(
    'F5001',
    item.actions.span,
    `module "${unit.module}" does not declare the action "${foreign.name}" on ${foreign.resource.name}`,
    {
      notes: [{ message: 'declared here', span: foreign.span }],
      help: 'write the rule in a tenant set',
    },
  )
}

/** What only the whole condition shows, functions expanded: caught errors, arguments of externs. */
function checkWhole(condition: Expr, item: ast.RuleItem, failsOpen: boolean, { reporter }: Session): void {
  walk(condition, (node) => {
    if (node.kind === 'attempt' && item.effect === 'deny' && !failsOpen)
      reporter.report('F3011', node.span, 'a deny that catches errors may vanish where it fails', {
        help: 'mark the rule `@failsOpen` if that is meant',
      })
    if (node.kind !== 'extern') return
    for (const arg of node.args)
      walk(arg, (inner) => {
        if (inner.kind === 'extern')
          reporter.report('F3015', inner.span, `an argument of "${node.name}" calls another extern`)
        if (inner.kind === 'variable' && inner.scope === 'local')
          reporter.report('F3015', node.span, `an argument of "${node.name}" depends on the variable of a quantifier`)
      })
  })
}

function readsOf(rule: Pick<Rule, 'condition' | 'advise'>, targets: Targets): Pick<DraftRule, 'reads' | 'readsAction'> {
  const reads = new Map<string, FieldType>()
  let readsAction = false
  const visit = (node: Expr) => {
    if (node.kind === 'variable' && node.name === 'action' && node.scope === 'request') readsAction = true
    // `permitted of` asks what the action's own name permits.
    if (node.kind === 'permitted') readsAction = true
    if (
      node.kind !== 'attribute' ||
      node.of.kind !== 'variable' ||
      node.of.name !== 'context' ||
      node.of.scope !== 'request'
    )
      return
    const field = Object.hasOwn(targets.context.fields, node.name) ? targets.context.fields[node.name] : undefined
    if (field) reads.set(node.name, field)
  }
  walk(rule.condition, visit)
  for (const { args } of rule.advise) for (const arg of Object.values(args)) walk(arg, visit)
  return { reads, readsAction }
}
