import type * as ast from '../ast/nodes.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { Expr } from '../ir/nodes.ts'
import { mayBeAbsent } from '../ir/walk.ts'
import { entityTypesOf } from '../resolve/type-of-node.ts'
import type { Span } from '../source/span.ts'
import type { At } from './at.ts'
import { disjunction } from './connectives.ts'
import { literal } from './literals.ts'
import { isFreeName } from './names.ts'
import type { Known } from './narrowing.ts'
import { holdersOf, relationTest } from './relation-tests.ts'
import { typeText } from './type-text.ts'

/** What a subject pattern tests, and the types of the subjects that pass. */
export type Pattern = { readonly test: Expr; readonly types: readonly string[]; readonly known: Known; readonly at: At }

/**
 * `to` of a rule: types, or relations of a path, joined by `or` (SPEC 3). `at.request.subject` are the types that the actions
 * accept; the pattern narrows them.
 */
export function checkPattern(pattern: ast.SubjectPattern, at: At): Pattern | undefined {
  const accepted = at.request?.subject ?? []
  const parts = pattern.parts.map((part) => checkPart(part, accepted, at))
  const present = parts.filter((part) => part !== undefined)
  if (present.length < parts.length) return undefined
  const types = [...new Set(present.flatMap((part) => part.types))].sort()
  const binders = pattern.parts.flatMap((part) => (part.kind === 'relationPart' ? [] : (part.binder ?? [])))
  const binder = binders[0]
  if (binder && pattern.parts.length > 1) {
    at.session.reporter.report('F4009', binder.span, `"${binder.text}" names one of several subject patterns`, {
      help: 'write `subject`, or two rules',
    })
    return undefined
  }
  if (binder && !isFreeName(binder, at)) return undefined
  const tests = present.flatMap((part) => part.tests)
  const test =
    tests.length === 0 || present.some((part) => part.tests.length === 0)
      ? always(pattern.span)
      : disjunction(tests, pattern.span)
  const request = at.request && { ...at.request, subject: types }
  const subject: Expr = subjectVariable(types, pattern.span)
  const locals = binder ? new Map(at.locals).set(binder.text, subject) : at.locals
  const known = present.length === 1 ? (present[0]?.known ?? at.known) : at.known
  return { test, types, known, at: { ...at, locals, known, ...(request ? { request } : {}) } }
}

const always = (span: Span): Expr => literal(true, primitive.bool, span)

export const subjectVariable = (types: readonly string[], span: Span): Expr => ({
  kind: 'variable',
  name: 'subject',
  scope: 'request',
  type: { kind: 'entity', types },
  span,
})

type CheckedPart = { readonly tests: readonly Expr[]; readonly types: readonly string[]; readonly known: Known }

/** No test: every subject that the actions accept passes. */
function checkPart(part: ast.SubjectPart, accepted: readonly string[], at: At): CheckedPart | undefined {
  if (part.kind === 'anyonePart') return { tests: [], types: accepted, known: at.known }
  if (part.kind === 'typePart') return checkTypes(part, accepted, at)
  return checkRelations(part, accepted, at)
}

function checkTypes(
  part: ast.SubjectPart & { kind: 'typePart' },
  accepted: readonly string[],
  at: At,
): CheckedPart | undefined {
  const { environment, reporter } = at.session
  const named = part.types.map((name) => entityTypesOf(name, { environment, unit: at.unit, reporter }))
  const types = new Set<string>()
  for (const some of named) {
    if (!some) return undefined
    for (const type of some) types.add(type)
  }
  const passing = accepted.filter((type) => types.has(type))
  if (passing.length === 0)
    return neverMatches(part.types.map((name) => name.text).join(' | '), part.span, accepted, at)
  const operand = subjectVariable(accepted, part.span)
  const test: Expr = { kind: 'isType', operand, types: [...types].sort(), type: primitive.bool, span: part.span }
  return { tests: [test], types: passing, known: at.known }
}

function checkRelations(
  part: ast.SubjectPart & { kind: 'relationPart' },
  accepted: readonly string[],
  at: At,
): CheckedPart | undefined {
  const of = at.session.check(part.of, at)
  if (!of) return undefined
  const tests: Expr[] = []
  const types = new Set<string>()
  for (const relation of part.relations) {
    if (relation.text === 'permitted') {
      const test = permitted(of, part.span, at)
      if (!test) return undefined
      tests.push(test)
      for (const type of accepted) types.add(type)
      continue
    }
    const subject = subjectVariable(accepted, relation.span)
    const span = { ...part.span, start: relation.span.start }
    const test = relationTest(subject, relation, of, span, at)
    if (test?.kind !== 'holds') return undefined
    tests.push(test)
    for (const type of holdersOf(test, at)) types.add(type)
  }
  const passing = accepted.filter((type) => types.has(type))
  return passing.length === 0
    ? neverMatches(part.relations.map((name) => name.text).join(', '), part.span, accepted, at)
    : { tests, types: passing, known: at.known }
}

/** `permitted of x`: subjects with a role at `x` whose stored permissions hold (SPEC 3). */
function permitted(of: Expr, span: Span, at: At): Expr | undefined {
  if (of.type.kind === 'entity' && !mayBeAbsent(of)) return { kind: 'permitted', of, type: primitive.bool, span }
  at.session.reporter.report(
    'F3001',
    of.span,
    `an entity is wanted here, and this is ${mayBeAbsent(of) ? 'optional' : typeText(of.type)}`,
  )
  return undefined
}

function neverMatches(what: string, span: Span, accepted: readonly string[], at: At): undefined {
  at.session.reporter.report('F4008', span, `no subject of these actions is ${what}`, {
    help: `they accept ${typeText({ kind: 'entity', types: accepted })}`,
  })
  return undefined
}
