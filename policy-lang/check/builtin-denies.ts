import * as primitive from '../builtins/primitive-types.ts'
import { ruleDigest } from '../ir/canonical.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Rule } from '../ir/program.ts'
import type { ActionInfo, Environment, RecordType } from '../resolve/environment.ts'
import type { Span } from '../source/span.ts'
import { conjunction } from './connectives.ts'
import type { DraftRule } from './draft.ts'
import { literal } from './literals.ts'
import { pairsOf } from './rules.ts'

/**
 * The denies that declarations bring (SPEC 3): `scope:<s>` for requests through a client without the scope, and
 * `via:<type>.<action>` for delegated requests whose actor the action does not name.
 */
export function builtinDenies(environment: Environment): DraftRule[] {
  const byScope = new Map<string, ActionInfo[]>()
  const denies: DraftRule[] = []
  for (const actions of environment.actions.values())
    for (const action of actions.values()) {
      if (action.scope !== undefined) byScope.set(action.scope, [...(byScope.get(action.scope) ?? []), action])
      denies.push(viaDeny(action, environment.standard.context))
    }
  for (const [scope, actions] of byScope) denies.push(scopeDeny(scope, actions, environment.standard.context))
  return denies
}

function scopeDeny(scope: string, actions: readonly ActionInfo[], context: RecordType): DraftRule {
  const span = actions[0]?.item.scope?.span ?? nowhere
  const scopes = member('scopes', context, span)
  const has: Expr = {
    kind: 'in',
    mode: 'set',
    left: literal(scope, primitive.string, span),
    right: scopes,
    type: primitive.bool,
    span,
  }
  const missing: Expr = { kind: 'not', operand: has, type: primitive.bool, span }
  const condition = conjunction([isGiven('client', context, span), missing], span)
  return draft(`scope:${scope}`, actions, condition)
}

function viaDeny(action: ActionInfo, context: RecordType): DraftRule {
  const span = action.span
  const given = isGiven('actor', context, span)
  const id = `via:${action.resource.wire}.${action.wire}`
  if (action.via.length === 0) return draft(id, [action], given)
  const operand: Expr = { ...member('actor', context, span), optional: false }
  const named: Expr = { kind: 'isType', operand, types: action.via, type: primitive.bool, span }
  const other: Expr = { kind: 'not', operand: named, type: primitive.bool, span }
  return draft(id, [action], conjunction([given, other], span))
}

const nowhere: Span = { file: 0, start: 0, end: 0 }

function member(name: string, context: RecordType, span: Span): Expr & { kind: 'attribute' } {
  const of: Expr = { kind: 'variable', name: 'context', scope: 'request', type: context, span }
  const field = context.fields[name] ?? { type: primitive.bool, optional: true }
  return { kind: 'attribute', of, name, optional: field.optional, safe: false, type: field.type, span }
}

const isGiven = (name: string, context: RecordType, span: Span): Expr => ({
  kind: 'has',
  of: { ...member(name, context, span), optional: true },
  type: primitive.bool,
  span,
})

function draft(id: string, actions: readonly ActionInfo[], condition: Expr): DraftRule {
  const rule: Rule = {
    id,
    effect: 'deny',
    layer: 'platform',
    sealed: true,
    builtIn: true,
    disabled: false,
    actions: pairsOf(actions),
    condition,
    advise: [],
    failsOpen: false,
    span: condition.span,
  }
  // Standard context: every action has it, required or not, so a built-in deny flows wherever `implies` leads.
  return { rule, digest: ruleDigest(rule), isNamed: true, targets: actions, reads: new Map(), readsAction: false }
}
