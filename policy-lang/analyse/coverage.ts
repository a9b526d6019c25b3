import { createEntityStore } from '../entities/store.ts'
import type { Expr } from '../ir/nodes.ts'
import { type ActionType, actionKey, type Program, type Rule, type TestCase } from '../ir/program.ts'
import type { Request } from '../runtime/decision.ts'
import { evaluate } from '../runtime/evaluate.ts'
import { environmentOf, judgeRule, partitionOf, ruleAt } from '../runtime/interpret.ts'
import { isFalse, isTrue } from '../runtime/outcome.ts'
import { externsOfTest } from '../runtime/run-tests.ts'
import { createLocate } from '../source/places.ts'
import type { Span } from '../source/span.ts'

/** What the tests of a program have shown (SPEC 9): the gate of publishing compares it with the set's threshold. */
export type Coverage = {
  readonly rules: readonly RuleCoverage[]
  /** Rules seen counting; built-in ones are left out. */
  readonly coveredRules: number
  /** Atomic conditions, and those seen both as true and as false. */
  readonly conditions: number
  readonly coveredConditions: number
}
export type RuleCoverage = {
  readonly id: string
  readonly effect: Rule['effect']
  readonly span: Span
  /** The rule was seen counting, and asked without counting. */
  readonly counted: boolean
  readonly notCounted: boolean
  readonly conditions: readonly { readonly span: Span; readonly seenTrue: boolean; readonly seenFalse: boolean }[]
}

/** `step` is called after each test item. */
export function measureCoverage(program: Program, step: () => void = () => undefined): Coverage {
  const seen = program.rules.map(
    (rule): Seen => ({
      rule,
      counted: false,
      notCounted: false,
      atoms: atomsOf(rule.condition).map((expr) => ({ expr, seenTrue: false, seenFalse: false })),
    }),
  )
  for (const item of program.tests) {
    observe(program, item, seen)
    step()
  }
  const locate = createLocate(program.places)
  const rules = seen
    .filter(({ rule }) => !rule.builtIn && !rule.disabled)
    .map(({ rule, counted, notCounted, atoms }) => ({
      id: rule.id,
      effect: rule.effect,
      span: locate(rule.span),
      counted,
      notCounted,
      conditions: atoms.map(({ expr, seenTrue, seenFalse }) => ({ span: locate(expr.span), seenTrue, seenFalse })),
    }))
  const conditions = rules.flatMap((rule) => rule.conditions)
  return {
    rules,
    coveredRules: rules.filter(({ counted }) => counted).length,
    conditions: conditions.length,
    coveredConditions: conditions.filter(({ seenTrue, seenFalse }) => seenTrue && seenFalse).length,
  }
}

type Atom = { readonly expr: Expr; seenTrue: boolean; seenFalse: boolean }
type Seen = { readonly rule: Rule; counted: boolean; notCounted: boolean; readonly atoms: readonly Atom[] }

/** Conditions without `and`, `or`, `not` in them; those under a local name are part of their `let` or quantifier. */
function atomsOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'and':
    case 'or':
      return expr.operands.flatMap(atomsOf)
    case 'not':
      // `!=` and `not in` are one condition for the author: its text is true where the comparison below is false.
      return isSamePlace(expr.span, expr.operand.span) ? [expr] : atomsOf(expr.operand)
    case 'literal':
      return []
    // The type in a pattern (`to User`): which types may ask at all is the action's word.
    case 'isType':
      return expr.operand.kind === 'variable' && expr.operand.scope === 'request' ? [] : [expr]
    default:
      return [expr]
  }
}

const isSamePlace = (one: Span, other: Span): boolean =>
  one.file === other.file && one.start === other.start && one.end === other.end

function observe(program: Program, item: TestCase, seen: readonly Seen[]): void {
  const store = createEntityStore(program)
  for (const entity of item.entities) store.putEntity(entity)
  for (const tuple of item.tuples) store.putTuple(tuple)
  const options = { now: item.now, externs: externsOfTest(item) }
  for (const request of requestsOf(item, (type) => store.idsOf(type))) {
    const action = program.actions.get(actionKey(request.action, request.resource.type))
    if (action)
      observeRequest({ program, request, action, seen }, environmentOf(program, store, request, { options, action }))
  }
}

type Observed = {
  readonly program: Program
  readonly request: Request
  readonly action: ActionType
  readonly seen: readonly Seen[]
}

function observeRequest({ program, request, seen }: Observed, env: ReturnType<typeof environmentOf>): void {
  for (const entry of partitionOf(program, request)) {
    const record = seen[entry.rule]
    if (!record) continue
    const { effect } = ruleAt(program, entry)
    const outcome = judgeRule(program, env, [entry])
    if (isTrue(outcome)) record.counted = true
    if (isFalse(outcome)) record.notCounted = true
    for (const atom of record.atoms) {
      const truth = evaluate(atom.expr, { ...env, action: entry.as, effect })
      if (isTrue(truth)) atom.seenTrue = true
      if (isFalse(truth)) atom.seenFalse = true
    }
  }
}

/** Every request that the expectations of a test make. */
const requestsOf = (item: TestCase, idsOf: (type: string) => readonly string[]): readonly Request[] =>
  item.expectations.flatMap((expected): readonly Request[] => {
    const { subject, context } = expected
    if (expected.kind === 'decision') {
      return expected.actions.map((action) => ({ subject, action, resource: expected.resource, context }))
    }
    const { action, type } = expected
    return idsOf(type).map((id) => ({ subject, action, resource: { kind: 'entity', type, id }, context }))
  })
