import type * as ast from '../ast/nodes.ts'
import * as primitive from '../builtins/primitive-types.ts'
import { ruleDigest } from '../ir/canonical.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Delegate } from '../ir/program.ts'
import type { EntityInfo, Unit } from '../resolve/environment.ts'
import type { Span } from '../source/span.ts'
import { type At, newTally, type Session } from './at.ts'
import { conjunction, disjunction } from './connectives.ts'
import type { DraftRule } from './draft.ts'
import { literal } from './literals.ts'
import { followPath } from './members.ts'
import type { Targets } from './targets.ts'

/**
 * Every rule of an organization means `… and resource.organization in O`, sub-organizations included, added here and not by
 * the author; resources without organization are out of reach (SPEC 6).
 */
export function withinOrganization(
  condition: Expr,
  item: ast.RuleItem,
  targets: Targets,
  unit: Unit,
  session: Session,
): Expr | undefined {
  const outside = targets.resources.find((info) => info.organizationPath === undefined)
  if (outside) {
    session.reporter.report(
      'F5003',
      item.resource?.span ?? item.span,
      `${outside.name} has no organization, so an organization set cannot rule over it`,
    )
    return undefined
  }
  const at: At = { session, unit, place: 'rule', locals: new Map(), known: undefined, tally: newTally() }
  const tests = targets.resources.map((info) => {
    const test = insideTest(info, unit.organization ?? '', item.span, at)
    return targets.resources.length === 1
      ? test
      : conjunction([isType('resource', [info.wire], item.span), test], item.span)
  })
  return conjunction([condition, disjunction(tests, item.span)], item.span)
}

function insideTest(info: EntityInfo, organization: string, span: Span, at: At): Expr {
  const type = { kind: 'entity', types: [info.wire] } as const
  const resource: Expr = { kind: 'variable', name: 'resource', scope: 'request', type, span }
  const left = followPath(resource, info.organizationPath ?? [], false, at) ?? resource
  const right = literal(
    { kind: 'entity', type: 'Organization', id: organization },
    { kind: 'entity', types: ['Organization'] },
    span,
  )
  return { kind: 'in', mode: 'hierarchy', left, right, type: primitive.bool, span }
}

export function isType(variable: 'resource' | 'subject', types: readonly string[], span: Span): Expr {
  const operand: Expr = { kind: 'variable', name: variable, scope: 'request', type: { kind: 'entity', types }, span }
  return { kind: 'isType', operand, types, type: primitive.bool, span }
}

/** An allow of an organization counts only where a delegate of the module or tenant also holds (SPEC 6). */
export function openByDelegates(draft: DraftRule, delegates: readonly Delegate[], session: Session): DraftRule {
  const { rule } = draft
  if (rule.layer !== 'organization' || rule.effect !== 'allow') return draft
  const openings = delegates.flatMap((delegate) => openingOf(rule, delegate) ?? [])
  if (openings.length === 0)
    session.reporter.report(
      'F9006',
      rule.span,
      'no delegate opens these actions to organizations, so this allow never counts',
    )
  const opened = openings.length === 0 ? literal(false, primitive.bool, rule.span) : disjunction(openings, rule.span)
  const open = { ...rule, condition: conjunction([rule.condition, opened], rule.span) }
  return {
    ...draft,
    readsAction: draft.readsAction || openings.some((opening) => opening.kind === 'and'),
    rule: open,
    digest: ruleDigest(open),
  }
}

/** The delegate's condition for the pairs that it shares with the rule; undefined if it shares none. */
function openingOf(rule: DraftRule['rule'], delegate: Delegate): Expr | undefined {
  const shared = rule.actions.filter((pair) =>
    delegate.actions.some((other) => other.action === pair.action && other.resourceType === pair.resourceType),
  )
  if (shared.length === 0) return undefined
  if (shared.length === rule.actions.length) return delegate.condition
  const type = {
    kind: 'enum',
    values: [...new Set(rule.actions.map((pair) => pair.action))].sort(),
    ordered: false,
  } as const
  const pairs = shared.map((pair) => {
    const left: Expr = { kind: 'variable', name: 'action', scope: 'request', type, span: rule.span }
    const right = literal(pair.action, type, rule.span)
    const named: Expr = { kind: 'compare', op: 'eq', left, right, type: primitive.bool, span: rule.span }
    return conjunction([named, isType('resource', [pair.resourceType], rule.span)], rule.span)
  })
  return conjunction([disjunction(pairs, rule.span), delegate.condition], rule.span)
}
