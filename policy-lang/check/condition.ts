import type * as ast from '../ast/nodes.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Unit } from '../resolve/environment.ts'
import type { Span } from '../source/span.ts'
import { type At, newTally, type Session } from './at.ts'
import { checkAll, conjunction, flatten } from './connectives.ts'
import { isFreeName } from './names.ts'
import { checkPattern } from './pattern.ts'
import type { Targets } from './targets.ts'

type Conditional = {
  readonly resource?: ast.ResourcePattern
  readonly subject: ast.SubjectPattern
  readonly when: readonly ast.Expr[]
  readonly unless: readonly ast.Expr[]
  readonly span: Span
}

export type Checked = { readonly condition: Expr; readonly at: At }

/** Where the conditions of a rule, delegate or proof stand. */
export function atTargets(targets: Targets, unit: Unit, session: Session, place: 'rule' | 'proof'): At {
  const request = {
    subject: targets.subjects,
    resource: targets.resources.map((info) => info.wire).sort(),
    actions: [...new Set(targets.actions.map((action) => action.wire))].sort(),
  }
  return {
    session,
    unit,
    place,
    locals: new Map(),
    request,
    context: targets.context,
    known: undefined,
    tally: newTally(),
  }
}

/** Pattern ∧ every `when` ∧ not any `unless` (SPEC 5); clauses flow into each other (SPEC 4, narrowing). */
export function checkCondition(node: Conditional, outer: At): Checked | undefined {
  const bound = bindResource(node.resource, outer)
  const pattern = bound && checkPattern(node.subject, bound)
  // Without a subject type the clauses would be full of echoes; without a resource too.
  if (!pattern) return undefined
  const parts = [
    ...node.when.flatMap((clause) => flatten(clause, 'and')).map((part) => ({ node: part, negated: false })),
    ...node.unless.flatMap((clause) => flatten(clause, 'or')).map((part) => ({ node: part, negated: true })),
  ]
  if (parts.length === 0) return { condition: pattern.test, at: pattern.at }
  const clauses = checkAll(parts, 'and', node.span, pattern.at)
  if (!clauses) return undefined
  const isAlways = pattern.test.kind === 'literal'
  return { condition: isAlways ? clauses : conjunction([pattern.test, clauses], node.span), at: pattern.at }
}

function bindResource(pattern: ast.ResourcePattern | undefined, at: At): At | undefined {
  const binder = pattern?.binder
  if (!binder || !at.request) return at
  if (!isFreeName(binder, at)) return undefined
  const types = at.request.resource
  const resource: Expr = {
    kind: 'variable',
    name: 'resource',
    scope: 'request',
    type: { kind: 'entity', types },
    span: binder.span,
  }
  return { ...at, locals: new Map(at.locals).set(binder.text, resource) }
}
