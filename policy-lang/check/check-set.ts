import type * as ast from '../ast/nodes.ts'
import { compareCodePoints } from '../builtins/code-points.ts'
import type { Proof, TestCase } from '../ir/program.ts'
import type { Environment, Unit } from '../resolve/environment.ts'
import { checkMarks } from '../resolve/marks.ts'
import { createReporter, type Reporter } from '../resolve/reporter.ts'
import type { SortedItems } from '../resolve/units.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import { limits } from '../source/limits.ts'
import { suggest } from '../source/suggest.ts'
import type { Session } from './at.ts'
import { type CheckedDeclarations, startSession } from './check-declarations.ts'
import { checkProof } from './delegates.ts'
import type { DraftRule } from './draft.ts'
import { openByDelegates } from './organization-rules.ts'
import { checkRule } from './rules.ts'
import { checkTest, idsNamedIn } from './tests.ts'

/** Everything that has been checked, ready to become a program. */
export type CheckedSet = {
  /** Sorted by id. */
  readonly drafts: readonly DraftRule[]
  readonly tests: readonly TestCase[]
  readonly proofs: readonly Proof[]
}

/** What checking an item once has shown. It holds for the same item as long as the declarations are the same. */
export type ItemChecks = {
  readonly rules: WeakMap<ast.RuleItem, Checked<DraftRule>>
  readonly tests: WeakMap<ast.TestItem, Checked<TestCase>>
  readonly proofs: WeakMap<ast.ProveItem, Checked<Proof>>
}
type Checked<Result> = {
  /** The name space in which it was checked. */
  readonly unit: Unit
  readonly result: Result | undefined
  readonly diagnostics: readonly Diagnostic[]
}

export const createItemChecks = (): ItemChecks => ({
  rules: new WeakMap(),
  tests: new WeakMap(),
  proofs: new WeakMap(),
})

export type SetItems = {
  /** In the order of `environment.units`. */
  readonly items: readonly SortedItems[]
  /** Ids in their order, as an earlier compilation found them: sorting what is nearly sorted costs little. */
  readonly order: readonly string[]
}

/** Checks every rule, test and proof of a composed set; all mistakes go to the reporter, none stops the others. */
export function checkSet(
  { environment, delegates, denies }: CheckedDeclarations,
  { items, order }: SetItems,
  known: ItemChecks,
  reporter: Reporter,
): CheckedSet {
  const once = createOnce(environment, reporter)
  const all = <Item, Result>(
    select: (sorted: SortedItems) => readonly Item[],
    check: (item: Item, unit: Unit) => Result | undefined,
  ): Result[] =>
    environment.units.flatMap((unit, index) => {
      const sorted = items[index]
      return sorted ? select(sorted).flatMap((item) => check(item, unit) ?? []) : []
    })
  const written = all(
    (sorted) => sorted.rules,
    (item, unit) =>
      once(item, unit, known.rules, (session) => {
        const draft = checkRule(item, unit, session)
        return draft && openByDelegates(draft, delegates, session)
      }),
  )
  if (written.length > limits.rulesPerSet && written[0])
    reporter.report(
      'F8102',
      written[0].rule.span,
      `a set has at most ${limits.rulesPerSet} rules, and this one has ${written.length}`,
    )
  const byId = uniqueRules([...denies, ...written], reporter)
  const drafts = disableRules(inOrder(byId, order), byId, environment, reporter)
  const session = startSession(environment, reporter)
  const ids = { has: (id: string) => byId.has(id), all: () => drafts.map((draft) => draft.rule.id) }
  const tests = all(
    (sorted) => sorted.tests,
    (item, unit) =>
      // What is said about an id that no rule has names others that rules do have: it is not remembered.
      idsNamedIn(item).every((id) => byId.has(id))
        ? once(item, unit, known.tests, (own) => checkTest(item, unit, own, ids))
        : checkTest(item, unit, session, ids),
  )
  const proofs = all(
    (sorted) => sorted.proofs,
    (item, unit) => once(item, unit, known.proofs, (own) => checkProof(item, unit, own)),
  )
  return { drafts, tests, proofs }
}

/** Checks an item, or finds out what checking it has shown before. */
function createOnce(environment: Environment, reporter: Reporter) {
  return <Item extends object, Result>(
    item: Item,
    unit: Unit,
    known: WeakMap<Item, Checked<Result>>,
    check: (session: Session) => Result | undefined,
  ): Result | undefined => {
    let found = known.get(item)
    if (found?.unit !== unit) {
      const own = createReporter()
      const result = check(startSession(environment, own))
      found = { unit, result, diagnostics: own.diagnostics() }
      known.set(item, found)
    }
    if (found.diagnostics.length > 0) reporter.keep(found.diagnostics)
    return found.result
  }
}

/** Ids are unique in the composed set; equal rules without `@id` are one rule (SPEC 6). */
function uniqueRules(drafts: readonly DraftRule[], reporter: Reporter): ReadonlyMap<string, DraftRule> {
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
  return byId
}

/** Sorted by id. */
function inOrder(byId: ReadonlyMap<string, DraftRule>, order: readonly string[]): readonly DraftRule[] {
  const sorted = order.flatMap((id) => byId.get(id) ?? [])
  if (sorted.length === byId.size) return sorted
  const placed = new Set(order)
  const added = [...byId.values()].filter(({ rule }) => !placed.has(rule.id))
  return [...sorted, ...added].sort((a, b) => compareCodePoints(a.rule.id, b.rule.id))
}

/** `disable "id"`: unknown or sealed ids are errors (SPEC 6). */
function disableRules(
  drafts: readonly DraftRule[],
  byId: ReadonlyMap<string, DraftRule>,
  environment: Environment,
  reporter: Reporter,
): readonly DraftRule[] {
  const disabled = new Set<string>()
  for (const unit of environment.units)
    for (const item of unit.declarations) {
      if (item.kind !== 'disable' || unit.layer !== 'tenant') continue
      checkMarks(item.marks, 'none', reporter)
      const id = item.rule.value
      const rule = byId.get(id)?.rule
      if (!rule) {
        const near = suggest(
          id,
          drafts.map((draft) => draft.rule.id),
        )
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
  if (disabled.size === 0) return drafts
  return drafts.map((draft) =>
    disabled.has(draft.rule.id) ? { ...draft, rule: { ...draft.rule, disabled: true } } : draft,
  )
}
