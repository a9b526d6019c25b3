import { actionKey, type Program } from '../ir/program.ts'
import { isKnownSubject } from '../runtime/interpret.ts'
import { candidateOf, type IndexKey, pathText, reasonOf, type Types } from './index-keys.ts'
import { type Lookup, type Plan, planPartition, type Row, rowsOf } from './plan-partition.ts'

/** What the index does for one kind of request, in words. */
export type PlanExplanation = {
  /** Rules that can decide it. */
  readonly rules: number
  /** One line for each look-up; inner ones are indented by two spaces. */
  readonly lines: readonly string[]
  /** Rules that every such request judges, and why no look-up finds them. */
  readonly notIndexed: readonly { readonly rule: string; readonly reason: string }[]
}

/** Undefined where the program has no such action or subject type. */
export function explainPlan(
  program: Program,
  action: string,
  subjectType: string,
  resourceType: string,
): PlanExplanation | undefined {
  const uid = (type: string) => ({ kind: 'entity', type, id: '' }) as const
  const request = { action, subject: uid(subjectType), resource: uid(resourceType), context: new Map() }
  if (!program.actions.has(actionKey(action, resourceType)) || !isKnownSubject(program, request)) return undefined
  const plan = planPartition(program, action, subjectType, resourceType)
  const known = { subjectType, resourceType }
  const notIndexed = plan.rows.map((row) => ({
    rule: program.rules[row.rule]?.id ?? '',
    reason: whyPlain(row, known),
  }))
  const rules = new Set(rowsOf(program, action, subjectType, resourceType).map(({ rule }) => rule)).size
  const inRow = plan.rows.length > 0 ? [`${counted(plan.rows.length, 'rule')} judged one by one, on every request`] : []
  return { rules, lines: [...linesOf(plan, ''), ...inRow], notIndexed }
}

function linesOf(plan: Plan, indent: string): readonly string[] {
  return plan.lookups.flatMap((lookup) => [`${indent}${lineOf(lookup)}`, ...innerLines(lookup, `${indent}  `)])
}

/** The largest bucket stands for all: they differ in constants. */
function innerLines(lookup: Lookup, indent: string): readonly string[] {
  let largest: Plan | undefined
  for (const plan of lookup.buckets.values()) {
    if (plan.lookups.length > 0 && (!largest || sizeOf(plan) > sizeOf(largest))) largest = plan
  }
  return largest ? linesOf(largest, indent) : []
}

function lineOf(lookup: Lookup): string {
  const sizes = [...lookup.buckets.values()].map(sizeOf)
  const total = sizes.reduce((sum, size) => sum + size, 0)
  const most = counted(Math.max(...sizes), 'rule')
  const { key } = lookup
  if (key.kind === 'same') return `one condition, judged once for ${most}`
  return `${counted(total, 'rule')} by ${words[key.kind](pathText(key.of), key)}: one look-up among ${counted(sizes.length, 'constant')}, at most ${most} behind one`
}

const words: { readonly [kind in Exclude<IndexKey['kind'], 'same'>]: (path: string, key: IndexKey) => string } = {
  equal: (path, { type }) => (type === undefined ? `the value of ${path}` : `the id of ${path}`),
  label: (path) => `each member of ${path}`,
  above: (path, { type }) => `each ${type ?? 'entity'} that ${path} is in`,
  greater: (path) => `constants less than ${path}`,
  atLeast: (path) => `constants up to ${path}`,
  less: (path) => `constants greater than ${path}`,
  atMost: (path) => `constants from ${path}`,
}

const sizeOf = (plan: Plan): number =>
  plan.rows.length +
  plan.lookups.reduce(
    (sum, { buckets }) => sum + [...buckets.values()].reduce((all, inner) => all + sizeOf(inner), 0),
    0,
  )

function whyPlain(row: Row, known: Types): string {
  const [first] = row.conjuncts
  if (!first) return 'it has no condition'
  if (row.conjuncts.some((conjunct) => candidateOf(conjunct, known))) {
    return 'fewer than three rules compare the same path with constants'
  }
  return reasonOf(first)
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`
