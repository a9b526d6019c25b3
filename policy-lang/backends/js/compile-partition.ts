import type { ActionType, Program } from '../../ir/program.ts'
import { type Conjuncts, createConjuncts } from '../../optimise/conjunct.ts'
import { type PartitionRows, partitionRows } from '../../optimise/partition-rows.ts'
import { type Lookup, planRows, type Row } from '../../optimise/plan-partition.ts'
import { required } from './bail.ts'
import { createEmitter, type Emitter, emitAll } from './compile-expression.ts'
import { createDecisionStates, type DecisionStates, type State } from './decision-states.ts'
import type { Run } from './hold-relation.ts'
import { type Functions, makeBranch, topTable } from './make-branch.ts'
import { ownBlock, ownerOf, recall, remember, worthRemembering } from './own-lookups.ts'
import type { RelationPlans } from './relation-plan.ts'
import { createShapes, parameters, type Shapes, temporariesIn } from './rule-shapes.ts'
import { runtime } from './runtime.ts'
import { type Branch, collectBounds, type Table, walkBounds, walkBranch } from './walk-branch.ts'

/** Everything that decides one (action, subject type, resource type). */
export type Partition = {
  readonly states: DecisionStates
  readonly evaluate: (run: Run) => State
  /** What the partition of a later program can take over. */
  readonly memory: PartitionMemory
}

export type PartitionMemory = {
  readonly rows: PartitionRows
  readonly conjuncts: Conjuncts
  readonly code: Code
}

/** The text of a partition, and what makes its functions: constants are no part of it. */
type Code = { readonly text: string; readonly make: (...given: unknown[]) => Built }

/** Rules that share one step from state to state, a bit for each. */
const chunk = 10
/** Plain rules of one shape: from this many on they are rows of a table, not lines of code. */
const alike = 8

/**
 * Throws `Unsupported`. `previous` is the same partition of an earlier program with the same schema: where it has the same
 * rules it is the answer.
 */
export function compilePartition(
  program: Program,
  action: ActionType,
  subjectType: string,
  { plans, previous }: { readonly plans: RelationPlans; readonly previous?: Partition | undefined },
): Partition {
  const { name, resourceType } = action
  const types = { subjectType, resourceType }
  const rows = partitionRows(program, name, types, previous?.memory.rows)
  if (previous && rows === previous.memory.rows) return previous
  const conjuncts = previous?.memory.conjuncts ?? createConjuncts(types)
  const states = createDecisionStates({ rules: rows.rules, entityTypes: program.entityTypes }, resourceType)
  const to = createEmitter({ program, action, subjectType, resourceType, plans })
  const plan = planRows(rows.rows, conjuncts)
  const shapes = createShapes(to, conjuncts)
  const bySize = Map.groupBy(plan.rows, (row) => shapes.keyOf(row))
  const isListed = (row: Row): boolean => (bySize.get(shapes.keyOf(row))?.length ?? 0) >= alike
  const inline = plan.rows.filter((row) => !isListed(row))
  const blocks = inChunks(inline).map((chunked, at) => blockCode(chunked, at, to, states))
  const grow = makeBranch({ rows: plan.rows.filter(isListed), lookups: [] }, shapes)
  const lookups = writeLookups(plan.lookups, shapes, to)
  blocks.push(...lookups.blocks)
  const text = textOf(to, { blocks, looking: lookups.looking, functions: shapes.functions })
  const code = codeOf(text, previous?.memory.code)
  const made = build(code, to, states)
  lookups.fill(made.functions)
  const evaluate = withBranch(grow(made.functions), states, made.direct)
  return { states, evaluate, memory: { rows, conjuncts, code } }
}

/** Code of the look-ups that every request makes; `fill` makes their tables once functions exist. */
function writeLookups(lookups: readonly Lookup[], shapes: Shapes, to: Emitter): Lookups {
  const [blocks, looking, fills]: [string[], string[], ((made: Functions) => void)[]] = [[], [], []]
  const owned = Map.groupBy(lookups, ownerOf)
  const others = [...(owned.get(undefined) ?? [])]
  for (const owner of ['subject', 'resource'] as const) {
    const own = owned.get(owner) ?? []
    if (own.length < worthRemembering) {
      others.push(...own)
      continue
    }
    const tables = own.map((lookup) => topTable(lookup, shapes, to))
    const places: Branch[] = []
    const written = ownBlock(owner, tables, { name: `o${looking.length}`, places, to })
    looking.push(written.looking)
    blocks.push(written.block)
    fills.push((made) => {
      for (const table of tables) table.fill(made, places)
    })
  }
  for (const chunked of inChunks(others)) {
    const tables = chunked.map((lookup) => topTable(lookup, shapes, to))
    const code = tables.map((table) => table.code).join('')
    blocks.push(`${temporariesIn(code, to)}${code}return st`)
    fills.push((made) => {
      for (const table of tables) table.fill(made)
    })
  }
  const fill: Lookups['fill'] = (made) => {
    for (const each of fills) each(made)
  }
  return { blocks, looking, fill }
}

type Lookups = {
  readonly blocks: readonly string[]
  readonly looking: readonly string[]
  readonly fill: (made: Functions) => void
}

/** A function of its own, so that what it makes keeps nothing alive but what it is given: least of all an old program. */
function withBranch(branch: Branch, states: DecisionStates, direct: Built['direct']): Built['direct'] {
  return branch.rows.length === 0 ? direct : (run) => walkBranch(branch, states, direct(run), run)
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
function textOf(
  to: Emitter,
  { blocks, looking, functions }: Pick<Lookups, 'blocks' | 'looking'> & { readonly functions: readonly string[] },
): string {
  const names = to.constants.map((_, index) => `c${index}=c[${index}]`)
  const parts = blocks.map((block, index) => `function b${index}(run,st){${parameters}${block}}`)
  return [
    '"use strict";',
    names.length > 0 ? `const ${names.join(',')};` : '',
    ...looking,
    ...parts,
    'return{direct:function(run){let st=start;',
    ...blocks.map((_, index) => `st=b${index}(run,st);`),
    `return st},functions:[${functions.join(',')}]}`,
  ].join('')
}

/** Rules that differ in constants only have one text: it is read by the engine once. */
function codeOf(text: string, known: Code | undefined): Code {
  if (known?.text === text) return known
  const make = new Function('c', 'h', 'q', 'p', 'start', 'first', 'w', 'wb', 'rm', 'rc', 'cb', text)
  return { text, make: (...given) => make(...given) }
}

function build({ make }: Code, to: Emitter, states: DecisionStates): Built {
  const walk = (branch: Branch, state: State, run: Run): State => walkBranch(branch, states, state, run)
  const bounds = (table: Table, state: State, run: Run, value: number): State =>
    walkBounds(table, states, state, run, value)
  return make(
    to.constants,
    runtime,
    required,
    states.stepBlock,
    states.start,
    states.first,
    walk,
    bounds,
    remember,
    recall,
    collectBounds,
  )
}
