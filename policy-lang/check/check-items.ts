import type { Diagnostic } from '../source/diagnostic.ts'

/** What checking one item has shown. */
export type Check<Result> = { readonly result: Result | undefined; readonly diagnostics: readonly Diagnostic[] }

/** Items of one kind, in order, with what checking each has shown. */
export type CheckedItems<Item, Result> = {
  readonly items: readonly Item[]
  readonly checks: readonly Check<Result>[]
  /** Of all checks. */
  readonly diagnostics: readonly Diagnostic[]
}

/** What differs from an earlier list: results that are gone, and new ones. */
export type Difference<Result> = { readonly gone: readonly Result[]; readonly added: readonly Result[] }

/** Checks each item, or takes over what checking it has shown before: an edit touches few of very many. */
export function checkItems<Item, Result>(
  items: readonly Item[],
  previous: CheckedItems<Item, Result>,
  check: (item: Item, at: number) => Check<Result>,
): Difference<Result> & { readonly checked: CheckedItems<Item, Result> } {
  const { start, end, endBefore } = unlike(items, previous.items)
  if (start === items.length && start === previous.items.length) return { checked: previous, gone: [], added: [] }
  const before = new Map(
    previous.items.slice(start, endBefore).map((item, index) => [item, previous.checks[start + index]]),
  )
  const added: Check<Result>[] = []
  const between = items.slice(start, end).map((item, at) => {
    const known = before.get(item)
    before.delete(item)
    const found = known ?? check(item, start + at)
    if (!known) added.push(found)
    return found
  })
  const checks = [...previous.checks.slice(0, start), ...between, ...previous.checks.slice(endBefore)]
  const gone = [...before.values()].flatMap((found) => found?.result ?? [])
  const isSilent = previous.diagnostics.length === 0 && added.every(({ diagnostics }) => diagnostics.length === 0)
  const diagnostics = isSilent ? [] : checks.flatMap((found) => found.diagnostics)
  return { checked: { items, checks, diagnostics }, gone, added: added.flatMap(({ result }) => result ?? []) }
}

/** What lies between the same beginning and the same end. */
function unlike(items: readonly unknown[], before: readonly unknown[]) {
  const shorter = Math.min(items.length, before.length)
  let start = 0
  while (start < shorter && items[start] === before[start]) start += 1
  let [end, endBefore] = [items.length, before.length]
  while (end > start && endBefore > start && items[end - 1] === before[endBefore - 1]) {
    end -= 1
    endBefore -= 1
  }
  return { start, end, endBefore }
}

export const nothingChecked = { items: [], checks: [], diagnostics: [] } as const
