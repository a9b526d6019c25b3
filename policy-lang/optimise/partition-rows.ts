import type { Expr } from '../ir/nodes.ts'
import type { Program, Rule } from '../ir/program.ts'
import { partitionOf, ruleAt } from '../runtime/interpret.ts'
import type { Types } from './index-keys.ts'
import { conjunctsOfEntry, type Row } from './plan-partition.ts'

/** The rows of one partition, their rules numbered by their order in it: another program's numbers would be others. */
export type PartitionRows = {
  /** Sorted by id. */
  readonly rules: readonly Rule[]
  readonly rows: readonly Row[]
  /** One for each entry of the program's partition; also those that cannot count. */
  readonly entries: readonly Entry[]
}
type Entry = { readonly rule: Rule; readonly as: string; readonly conjuncts: readonly Expr[] | undefined }

/** `previous`: those of the same partition of an earlier program with the same schema; the very same where no rule changed. */
export function partitionRows(
  program: Program,
  action: string,
  types: Types,
  previous: PartitionRows | undefined,
): PartitionRows {
  const uid = (type: string) => ({ kind: 'entity', type, id: '' }) as const
  const request = { action, subject: uid(types.subjectType), resource: uid(types.resourceType), context: new Map() }
  const found = partitionOf(program, request)
  const known = previous?.entries ?? []
  if (previous && found.length === known.length) {
    const isSame = found.every((entry, at) => known[at]?.rule === ruleAt(program, entry) && known[at]?.as === entry.as)
    if (isSame) return previous
  }
  const byRule = Map.groupBy(known, ({ rule }) => rule)
  const entries = found.map((entry): Entry => {
    const rule = ruleAt(program, entry)
    const before = byRule.get(rule)?.find(({ as }) => as === entry.as)
    return before ?? { rule, as: entry.as, conjuncts: conjunctsOfEntry(program, entry, types) }
  })
  const sorted = [...new Set(found.map((entry) => entry.rule))].sort((a, b) => a - b)
  const numbers = new Map(sorted.map((index, number) => [index, number]))
  const rows = entries.flatMap(({ as, conjuncts }, at): Row[] => {
    const rule = numbers.get(found[at]?.rule ?? -1)
    return conjuncts && rule !== undefined ? [{ rule, as, conjuncts }] : []
  })
  return { rules: sorted.map((rule) => ruleAt(program, { rule, as: action })), rows, entries }
}
