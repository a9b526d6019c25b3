import { compareCodePoints } from '../builtins/code-points.ts'
import type { Reporter } from '../resolve/reporter.ts'
import type { Difference } from './check-items.ts'
import type { DraftRule } from './draft.ts'

/** The rules of a set by id, each id once (SPEC 6). */
export type SortedRules = {
  readonly drafts: readonly DraftRule[]
  /** Some rules stood more than once, or two shared an id. */
  readonly hasDuplicates: boolean
}

/** Sorted by id. Ids are unique in the composed set; equal rules without `@id` are one rule (SPEC 6). */
export function sortRules(written: readonly DraftRule[], reporter: Reporter): SortedRules {
  const byId = new Map<string, DraftRule>()
  for (const draft of written) {
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
  const drafts = [...byId.values()].sort((a, b) => compareCodePoints(a.rule.id, b.rule.id))
  return { drafts, hasDuplicates: drafts.length < written.length }
}

/** More changes than this are sorted anew. */
const fewChanges = 64

/** The same for a set of which little has changed; undefined where all of it must be looked at. */
export function sortAgain(sorted: SortedRules, { gone, added }: Difference<DraftRule>): SortedRules | undefined {
  if (sorted.hasDuplicates || gone.length + added.length > fewChanges) return undefined
  const drafts = [...sorted.drafts]
  for (const draft of gone) drafts.splice(placeOf(drafts, draft.rule.id), 1)
  for (const draft of added) {
    const at = placeOf(drafts, draft.rule.id)
    if (at >= 0) return undefined
    drafts.splice(-1 - at, 0, draft)
  }
  return { drafts, hasDuplicates: false }
}

export const findRule = ({ drafts }: SortedRules, id: string): DraftRule | undefined => drafts[placeOf(drafts, id)]

/** Where the rule of an id stands; where it is missing, -1 less the place that it would have. */
function placeOf(drafts: readonly DraftRule[], id: string): number {
  let low = 0
  let high = drafts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareCodePoints(drafts[middle]?.rule.id ?? '', id) < 0) low = middle + 1
    else high = middle
  }
  return drafts[low]?.rule.id === id ? low : -1 - low
}
