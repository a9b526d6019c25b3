import type { ActionType, Program } from '../../ir/program.ts'
import { planPartition, type Row } from '../../optimise/plan-partition.ts'
import { required } from './bail.ts'
import { createEmitter, type Emitter, emitAll } from './compile-expression.ts'
import { createDecisionStates, type DecisionStates, type State } from './decision-states.ts'
import type { Run } from './hold-relation.ts'
import { type Functions, makeBranch, topTable } from './make-branch.ts'
import type { RelationPlans } from './relation-plan.ts'
import { createShapes, parameters, temporariesIn } from './rule-shapes.ts'
import { runtime } from './runtime.ts'
import { type Branch, type Table, walkBounds, walkBranch } from './walk-branch.ts'

/** Everything that decides one (action, subject type, resource type). */
export type Partition = {
  readonly states: DecisionStates
  readonly evaluate: (run: Run) => State
}

/** Rules that share one step from state to state, a bit for each. */
const chunk = 10
/** Plain rules of one shape: from this many on they are rows of a table, not lines of code. */
const alike = 8

/** Throws `Unsupported`. */
export function compilePartition(
  program: Program,
  action: ActionType,
  subjectType: string,
  plans: RelationPlans,
): Partition {
  const { name, resourceType } = action
  const states = createDecisionStates(program, resourceType)
  const to = createEmitter({ program, action, subjectType, resourceType, plans })
  const plan = planPartition(program, name, subjectType, resourceType)
  const shapes = createShapes(to)
  const bySize = Map.groupBy(plan.rows, (row) => shapes.keyOf(row))
  const isListed = (row: Row): boolean => (bySize.get(shapes.keyOf(row))?.length ?? 0) >= alike
  const inline = plan.rows.filter((row) => !isListed(row))
  const blocks = inChunks(inline).map((rows, at) => blockCode(rows, at, to, states))
  const grow = makeBranch({ rows: plan.rows.filter(isListed), lookups: [] }, shapes)
  const tables = inChunks(plan.lookups).map((lookups) => {
    const made = lookups.map((lookup) => topTable(lookup, shapes, to))
    const code = made.map((each) => each.code).join('')
    blocks.push(`${temporariesIn(code, to)}${code}return st`)
    return made
  })
  const made = build(to, states, blocks, shapes.functions)
  for (const table of tables.flat()) table.fill(made.functions)
  const branch = grow(made.functions)
  const { direct } = made
  if (branch.rows.length === 0) return { states, evaluate: direct }
  return { states, evaluate: (run) => walkBranch(branch, states, direct(run), run) }
}

const inChunks = <Item>(items: readonly Item[]): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / chunk) }, (_, at) => items.slice(at * chunk, (at + 1) * chunk))

/** JavaScript for some rules: one bit for each that counts, then one step. */
function blockCode(rows: readonly Row[], at: number, to: Emitter, states: DecisionStates): string {
  const lines = rows.map((row, bit) => {
    to.as = row.as
    const code = emitAll(row.conjuncts, to)
    return code === 'false' ? '' : code === 'true' ? `m|=${1 << bit};` : `if(${code})m|=${1 << bit};`
  })
  states.nameBlock(
    at,
    rows.map((row) => row.rule),
  )
  const step = at === 0 ? 'first[m]??p(st,0,m)' : `p(st,${at},m)`
  const code = lines.join('')
  return `${temporariesIn(code, to)}let m=0;${code}return m===0?st:${step}`
}

type Built = {
  readonly direct: (run: Run) => State
  /** In the order of `functions`. */
  readonly functions: Functions
}

/** ORDER: names in the text are generated; what a policy says travels in the arrays (SPEC 7, js). */
function build(to: Emitter, states: DecisionStates, blocks: readonly string[], functions: readonly string[]): Built {
  const names = to.constants.map((_, index) => `c${index}=c[${index}]`)
  const parts = blocks.map((block, index) => `function b${index}(run,st){${parameters}${block}}`)
  const text = [
    '"use strict";',
    names.length > 0 ? `const ${names.join(',')};` : '',
    ...parts,
    'return{direct:function(run){let st=start;',
    ...blocks.map((_, index) => `st=b${index}(run,st);`),
    `return st},functions:[${functions.join(',')}]}`,
  ].join('')
  const walk = (branch: Branch, state: State, run: Run): State => walkBranch(branch, states, state, run)
  const bounds = (table: Table, state: State, run: Run, value: number): State =>
    walkBounds(table, states, state, run, value)
  const make = new Function('c', 'h', 'q', 'p', 'start', 'first', 'w', 'wb', text)
  return make(to.constants, runtime, required, states.stepBlock, states.start, states.first, walk, bounds)
}
