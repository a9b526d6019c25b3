import type * as ast from '../ast/nodes.ts'
import { compareCodePoints } from '../builtins/code-points.ts'
import type { Delegate, ExternType, Proof, TestCase, TupleCondition } from '../ir/program.ts'
import type { Environment, Unit } from '../resolve/environment.ts'
import { checkMarks } from '../resolve/marks.ts'
import type { Reporter } from '../resolve/reporter.ts'
import { limits } from '../source/limits.ts'
import { suggest } from '../source/suggest.ts'
import type { Session } from './at.ts'
import { builtinDenies } from './builtin-denies.ts'
import { constantOf } from './constants.ts'
import { checkDelegate, checkProof } from './delegates.ts'
import type { DraftRule } from './draft.ts'
import { checkExpression } from './expression.ts'
import { checkExterns } from './externs.ts'
import { functionBody } from './functions.ts'
import { openByDelegates } from './organization-rules.ts'
import { checkRule } from './rules.ts'
import { checkTest } from './tests.ts'
import { checkTupleConditions } from './tuple-conditions.ts'

/** Everything that has been checked, ready to become a program. */
export type CheckedSet = {
  readonly drafts: readonly DraftRule[]
  readonly delegates: readonly Delegate[]
  readonly externs: Map<string, ExternType>
  readonly tupleConditions: Map<string, TupleCondition>
  readonly tests: readonly TestCase[]
  readonly proofs: readonly Proof[]
}

/** Checks every item of a composed set; all mistakes go to the reporter, none stops the others. */
export function checkSet(environment: Environment, reporter: Reporter): CheckedSet {
  const session: Session = { environment, reporter, nesting: { now: 0, deepest: 0 }, check: checkExpression }
  for (const space of environment.spaces.values()) {
    for (const info of space.consts.values()) constantOf(info, session)
    for (const info of space.fns.values()) functionBody(info, info.item.name.span, session)
  }
  const externs = checkExterns(session)
  const tupleConditions = checkTupleConditions(session)
  const items = <K extends ast.Item['kind'], T>(
    kind: K,
    check: (item: ast.Item & { kind: K }, unit: Unit) => T | undefined,
  ): T[] =>
    environment.units.flatMap((unit) =>
      unit.items.flatMap((item) => (item.kind === kind ? (check(item as ast.Item & { kind: K }, unit) ?? []) : [])),
    )
  const delegates = items('delegate', (item, unit) => checkDelegate(item, unit, session))
  const written = items('rule', (item, unit) => checkRule(item, unit, session)).map((draft) =>
    openByDelegates(draft, delegates, session),
  )
  if (written.length > limits.rulesPerSet && written[0])
    reporter.report(
      'F8102',
      written[0].rule.span,
      `a set has at most ${limits.rulesPerSet} rules, and this one has ${written.length}`,
    )
  const unique = uniqueRules([...builtinDenies(environment), ...written], reporter)
  const drafts = disableRules(unique, environment, reporter)
  const ids = new Set(drafts.map((draft) => draft.rule.id))
  const tests = items('test', (item, unit) => checkTest(item, unit, session, ids))
  const proofs = items('prove', (item, unit) => checkProof(item, unit, session))
  return { drafts, delegates, externs, tupleConditions, tests, proofs }
}

/** Sorted by id. Ids are unique in the composed set; equal rules without `@id` are one rule (SPEC 6). */
function uniqueRules(drafts: readonly DraftRule[], reporter: Reporter): DraftRule[] {
  const byId = new Map<string, DraftRule>()
  for (const draft of drafts) {
    const { rule, isNamed } = draft
    const first = byId.get(rule.id)
    if (!first) byId.set(rule.id, draft)
    else if (isNamed || first.isNamed)
      reporter.report('F2011', rule.span, `two rules have the id "${rule.id}"`, {
        notes: [
          {
            message: first.rule.builtIn ? 'a built-in deny has this id' : 'the first stands here',
            span: first.rule.span,
          },
        ],
      })
  }
  return [...byId.values()].sort((a, b) => compareCodePoints(a.rule.id, b.rule.id))
}

/** `disable "id"`: unknown or sealed ids are errors (SPEC 6). */
function disableRules(drafts: readonly DraftRule[], environment: Environment, reporter: Reporter): DraftRule[] {
  const disabled = new Set<string>()
  const byId = new Map(drafts.map((draft) => [draft.rule.id, draft.rule]))
  for (const unit of environment.units)
    for (const item of unit.items) {
      if (item.kind !== 'disable' || unit.layer !== 'tenant') continue
      checkMarks(item.marks, 'none', reporter)
      const id = item.rule.value
      const rule = byId.get(id)
      if (!rule) {
        const near = suggest(id, byId.keys())
        reporter.report(
          'F2008',
          item.rule.span,
          `no rule has the id "${id}"`,
          near === undefined ? {} : { help: `did you mean "${near}"?` },
        )
      } else if (rule.sealed)
        reporter.report(
          'F5004',
          item.rule.span,
          `the rule "${id}" is ${rule.builtIn ? 'built in' : 'sealed'} and cannot be disabled`,
          {
            notes: [{ message: 'declared here', span: rule.span }],
          },
        )
      else disabled.add(id)
    }
  if (disabled.size === 0) return [...drafts]
  return drafts.map((draft) =>
    disabled.has(draft.rule.id) ? { ...draft, rule: { ...draft.rule, disabled: true } } : draft,
  )
}
