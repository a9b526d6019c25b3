import type { Expr } from '../ir/nodes.ts'
import type { PartitionEntry, Program } from '../ir/program.ts'
import { partitionOf, ruleAt } from '../runtime/interpret.ts'
import { type Conjuncts, createConjuncts } from './conjunct.ts'
import type { Candidate, IndexKey, Types } from './index-keys.ts'
import { conjunctsOf, simplify } from './simplify.ts'

/** One way in which a rule can count: every conjunct must be true. */
export type Row = {
  readonly rule: number
  /** The action that the rule sees. */
  readonly as: string
  readonly conjuncts: readonly Expr[]
}

/** Rules to be judged one by one, and rules that are found by look-up. */
export type Plan = { readonly rows: readonly Row[]; readonly lookups: readonly Lookup[] }
export type Lookup = {
  readonly key: IndexKey
  /** What is left to judge once a constant has been found; `same` has one bucket, `true`. */
  readonly buckets: ReadonlyMap<string | number | true, Plan>
}

/** Fewer rules than this on one key are cheaper in a row. */
const shared = 3

/** The index of one (action, subject type, resource type) (SPEC 7): look-ups inside look-ups while rules remain to be told apart. */
export function planPartition(program: Program, action: string, subjectType: string, resourceType: string): Plan {
  return planRows(rowsOf(program, action, subjectType, resourceType), createConjuncts({ subjectType, resourceType }))
}

/** Every rule that can decide it, simplified by what the partition knows; those that cannot be true are left out. */
export function rowsOf(program: Program, action: string, subjectType: string, resourceType: string): readonly Row[] {
  const uid = (type: string) => ({ kind: 'entity', type, id: '' }) as const
  const request = { action, subject: uid(subjectType), resource: uid(resourceType), context: new Map() }
  return partitionOf(program, request).flatMap((entry) => {
    const conjuncts = conjunctsOfEntry(program, entry, { subjectType, resourceType })
    return conjuncts ? [{ rule: entry.rule, as: entry.as, conjuncts }] : []
  })
}

/** What must be true for one entry to count; undefined where it cannot be. */
export function conjunctsOfEntry(
  program: Program,
  entry: PartitionEntry,
  { subjectType, resourceType }: Types,
): readonly Expr[] | undefined {
  const known = { as: entry.as, subjectType, resourceType }
  return conjunctsOf(simplify(conditionOf(program, entry, resourceType), known))
}

/** An organization's allow needs a delegate of the module or tenant (SPEC 6). */
export function conditionOf(program: Program, entry: PartitionEntry, resourceType: string): Expr {
  const { condition, layer, effect } = ruleAt(program, entry)
  if (layer !== 'organization' || effect === 'deny') return condition
  const delegates = program.delegates.filter(({ actions }) =>
    actions.some((each) => each.action === entry.as && each.resourceType === resourceType),
  )
  const { type, span } = condition
  const opened: Expr = { kind: 'or', type, span, operands: delegates.map((delegate) => delegate.condition) }
  return { kind: 'and', type, span, operands: [condition, opened] }
}

/** `at`: which conjunct the look-up takes over. */
type Choice = { readonly row: Row; readonly at: number; readonly candidate: Candidate; readonly text: string }

/** Look-ups inside look-ups over the rows of one partition. */
export function planRows(rows: readonly Row[], conjuncts: Conjuncts): Plan {
  if (rows.length < shared) return { rows, lookups: [] }
  const choices = rows.map((row) => choicesOf(row, conjuncts))
  const sizes = new Map<string, { rules: number; readonly buckets: Map<string | number, number> }>()
  for (const { text, candidate } of choices.flat()) {
    const size = sizes.get(text) ?? { rules: 0, buckets: new Map<string | number, number>() }
    sizes.set(text, size)
    size.rules += 1
    for (const value of candidate.values) size.buckets.set(value, (size.buckets.get(value) ?? 0) + 1)
  }
  // By fan-out: the look-up that leaves the fewest others beside the rule, among equals the one that more rules share.
  const cost = ({ text, candidate }: Choice): number => {
    const size = sizes.get(text)
    if (!size || size.rules < shared) return Number.POSITIVE_INFINITY
    let beside = 1
    for (const value of candidate.values) beside = Math.max(beside, size.buckets.get(value) ?? 0)
    return (selective[candidate.key.kind] ? beside : size.rules) + 1 / (1 + size.rules)
  }
  const groups = new Map<string, Choice[]>()
  const plain: Row[] = []
  for (const [index, row] of rows.entries()) {
    const best = cheapest(choices[index] ?? [], cost)
    if (!best) {
      plain.push(row)
      continue
    }
    const group = groups.get(best.text)
    if (group) group.push(best)
    else groups.set(best.text, [best])
  }
  const lookups: Lookup[] = []
  for (const group of groups.values()) {
    if (group.length < shared) plain.push(...group.map(({ row }) => row))
    else lookups.push(lookUp(group, conjuncts))
  }
  return { rows: plain.sort((a, b) => a.rule - b.rule), lookups }
}

/** A bound on numbers and a condition in common tell no rules apart. */
const selective: { readonly [kind in IndexKey['kind']]: boolean } = {
  equal: true,
  label: true,
  above: true,
  greater: false,
  atLeast: false,
  less: false,
  atMost: false,
  same: false,
}

const choicesOf = (row: Row, conjuncts: Conjuncts): readonly Choice[] =>
  row.conjuncts.map((conjunct, at) => {
    const { candidate, key } = conjuncts(conjunct)
    if (candidate) return { row, at, candidate, text: key }
    return { row, at, candidate: { key: { kind: 'same', of: conjunct }, values: [] }, text: `${row.as} ${key}` }
  })

function cheapest(choices: readonly Choice[], cost: (choice: Choice) => number): Choice | undefined {
  let found: Choice | undefined
  let least = Number.POSITIVE_INFINITY
  for (const choice of choices) {
    const own = cost(choice)
    if (own >= least) continue
    found = choice
    least = own
  }
  return found
}

function lookUp(group: readonly Choice[], conjuncts: Conjuncts): Lookup {
  const buckets = new Map<string | number | true, Row[]>()
  for (const { row, at, candidate } of group) {
    const rest: Row = { ...row, conjuncts: row.conjuncts.filter((_, index) => index !== at) }
    for (const value of candidate.key.kind === 'same' ? [true as const] : candidate.values) {
      const bucket = buckets.get(value)
      if (bucket) bucket.push(rest)
      else buckets.set(value, [rest])
    }
  }
  const [first] = group
  if (!first) throw new Error('a look-up without rules')
  const { key } = first.candidate
  return { key, buckets: new Map([...buckets].map(([value, rows]) => [value, planRows(rows, conjuncts)])) }
}
