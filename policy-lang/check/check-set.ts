import type * as ast from '../ast/nodes.ts'
import type { Proof, TestCase } from '../ir/program.ts'
import { verifyRule } from '../ir/verify.ts'
import type { Environment, Unit } from '../resolve/environment.ts'
import { checkMarks } from '../resolve/marks.ts'
import { createReporter, type Reporter } from '../resolve/reporter.ts'
import type { SortedItems } from '../resolve/units.ts'
import { invariant } from '../source/invariant.ts'
import { limits } from '../source/limits.ts'
import { suggest } from '../source/suggest.ts'
import type { Session } from './at.ts'
import { type CheckedDeclarations, startSession } from './check-declarations.ts'
import { type Check, type CheckedItems, checkItems, nothingChecked } from './check-items.ts'
import { checkProof } from './delegates.ts'
import type { DraftRule } from './draft.ts'
import type { RuleIds } from './expectations.ts'
import { openByDelegates } from './organization-rules.ts'
import { checkRule } from './rules.ts'
import { findRule, type SortedRules, sortAgain, sortRules } from './sort-rules.ts'
import { checkTest, idsNamedIn } from './tests.ts'

/** Everything that has been checked, ready to become a program. */
export type CheckedSet = {
  /** Sorted by id. */
  readonly drafts: readonly DraftRule[]
  readonly tests: readonly TestCase[]
  readonly proofs: readonly Proof[]
  readonly memory: CheckMemory
}

/** What checking has shown. It holds for the same items in the same files as long as the declarations are the same. */
export type CheckMemory = {
  readonly rules: CheckedItems<ast.RuleItem, DraftRule>
  readonly sorted: SortedRules
  readonly tests: CheckedItems<ast.TestItem, TestCase>
  readonly proofs: CheckedItems<ast.ProveItem, Proof>
}

/**
 * Checks every rule, test and proof of a composed set; all mistakes go to the reporter, none stops the others. `items`: in
 * the order of `environment.units`.
 */
export function checkSet(
  declared: CheckedDeclarations,
  items: readonly SortedItems[],
  memory: CheckMemory | undefined,
  reporter: Reporter,
): CheckedSet {
  const { environment, delegates } = declared
  const once = createOnce(declared)
  const rules = checkItems(
    items.flatMap((file) => file.rules),
    memory?.rules ?? nothingChecked,
    once(
      items.map((file) => file.rules),
      (item, unit, session) => {
        const written = checkRule(item, unit, session)
        const draft = written && openByDelegates(written, delegates, session)
        if (draft) verifyRule(draft.rule)
        return draft
      },
    ),
  )
  reporter.keep(rules.checked.diagnostics)
  const isTooLarge = rules.checked.items.length > limits.rulesPerSet
  const sorted =
    (memory && !isTooLarge && sortAgain(memory.sorted, rules)) || sortAll(declared, rules.checked, reporter)
  const drafts = disableRules(sorted, environment, reporter)
  const ids = { has: (id: string) => findRule(sorted, id) !== undefined, all: () => idsOf(sorted) }
  const tests = checkItems(
    items.flatMap((file) => file.tests),
    memory ? stillTrue(memory.tests, ids) : nothingChecked,
    once(
      items.map((file) => file.tests),
      (item, unit, session) => checkTest(item, unit, session, ids),
    ),
  )
  const proofs = checkItems(
    items.flatMap((file) => file.proofs),
    memory?.proofs ?? nothingChecked,
    once(
      items.map((file) => file.proofs),
      checkProof,
    ),
  )
  reporter.keep(tests.checked.diagnostics)
  reporter.keep(proofs.checked.diagnostics)
  const left = { rules: rules.checked, sorted, tests: tests.checked, proofs: proofs.checked }
  return { drafts, tests: resultsOf(left.tests), proofs: resultsOf(left.proofs), memory: left }
}

/** Checks an item of one of the files, with a reporter of its own: what it shows is told again whenever it is taken over. */
const createOnce =
  ({ environment }: CheckedDeclarations) =>
  <Item, Result>(
    files: readonly (readonly Item[])[],
    check: (item: Item, unit: Unit, session: Session) => Result | undefined,
  ) =>
  (item: Item, at: number): Check<Result> => {
    let file = 0
    for (let left = at; left >= (files[file]?.length ?? left + 1); file += 1) left -= files[file]?.length ?? 0
    const unit = environment.units[file]
    invariant(unit !== undefined, 'every item stands in a file of the set')
    const own = createReporter()
    const result = check(item, unit, startSession(environment, own))
    return { result, diagnostics: own.diagnostics() }
  }

function sortAll(
  { denies }: CheckedDeclarations,
  rules: CheckedItems<ast.RuleItem, DraftRule>,
  reporter: Reporter,
): SortedRules {
  const written = resultsOf(rules)
  if (written.length > limits.rulesPerSet && written[0])
    reporter.report(
      'F8102',
      written[0].rule.span,
      `a set has at most ${limits.rulesPerSet} rules, and this one has ${written.length}`,
    )
  return sortRules([...denies, ...written], reporter)
}

/** Tests of which nothing hangs on a rule that is missing, or was: what is told of its id names others. */
function stillTrue(tests: CheckMemory['tests'], ids: RuleIds): CheckMemory['tests'] {
  const isKept = tests.items.map(
    (item, at) =>
      idsNamedIn(item).every((id) => ids.has(id)) &&
      tests.checks[at]?.diagnostics.every(({ code }) => code !== 'F2008'),
  )
  if (isKept.every(Boolean)) return tests
  const kept = <Part>(parts: readonly Part[]) => parts.filter((_, at) => isKept[at])
  const checks = kept(tests.checks)
  return { items: kept(tests.items), checks, diagnostics: checks.flatMap(({ diagnostics }) => diagnostics) }
}

const resultsOf = <Result>({ checks }: CheckedItems<unknown, Result>): readonly Result[] =>
  checks.flatMap(({ result }) => result ?? [])

const idsOf = ({ drafts }: SortedRules): readonly string[] => drafts.map(({ rule }) => rule.id)

/** `disable "id"`: unknown or sealed ids are errors (SPEC 6). */
function disableRules(sorted: SortedRules, { units }: Environment, reporter: Reporter): readonly DraftRule[] {
  const disabled = new Set<string>()
  for (const unit of units)
    for (const item of unit.declarations)
      if (item.kind === 'disable' && unit.layer === 'tenant') disableRule(item, sorted, { disabled, reporter })
  if (disabled.size === 0) return sorted.drafts
  return sorted.drafts.map((draft) =>
    disabled.has(draft.rule.id) ? { ...draft, rule: { ...draft.rule, disabled: true } } : draft,
  )
}

function disableRule(
  item: ast.DisableItem,
  sorted: SortedRules,
  { disabled, reporter }: { readonly disabled: Set<string>; readonly reporter: Reporter },
): void {
  checkMarks(item.marks, 'none', reporter)
  const { value: id, span } = item.rule
  const rule = findRule(sorted, id)?.rule
  if (!rule) {
    const near = suggest(id, idsOf(sorted))
    const help = near === undefined ? {} : { help: `did you mean "${near}"?` }
    reporter.report('F2008', span, `no rule has the id "${id}"`, help)
  } else if (rule.sealed) {
    const why = rule.builtIn ? 'built in' : 'sealed'
    reporter.report('F5004', span, `the rule "${id}" is ${why} and cannot be disabled`, {
      notes: [{ message: 'declared here', span: rule.span }],
    })
  } else disabled.add(id)
}
