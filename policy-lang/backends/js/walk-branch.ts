import type { Node } from '../../entities/node.ts'
import type { Value } from '../../ir/nodes.ts'
import type { Bound, IndexKey } from '../../optimise/index-keys.ts'
import type { DecisionStates, State } from './decision-states.ts'
import type { Run } from './hold-relation.ts'
import { runtime } from './runtime.ts'

/** A function of a shape: is the rule with these constants true? */
export type Test = (run: Run, constants: readonly Value[]) => boolean

/** The index at run time: rules to judge, and look-ups that lead to further ones. */
export type Branch = {
  readonly rows: readonly FoundRule[]
  readonly tables: readonly Table[]
  /** Its place among the branches that nodes remember; negative where none does. */
  readonly at: number
}
export type FoundRule = {
  readonly rule: number
  /** Undefined: nothing is left to judge. */
  readonly test: Test | undefined
  readonly constants: readonly Value[]
}
export type Table = {
  readonly kind: IndexKey['kind']
  /** Reads what is looked up; a top table is read by the code that asks it. */
  readonly read: (run: Run) => unknown
  readonly branches: Map<unknown, Branch>
  /** Of bounds, those first that most values pass. */
  readonly bounds: { readonly value: number; readonly branch: Branch }[]
  /** Of `above`. */
  readonly type: string | undefined
}

/** From the rules that counted before to those that count too. */
export function walkBranch(branch: Branch, states: DecisionStates, before: State, run: Run): State {
  let state = before
  const { rows, tables } = branch
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index]
    if (row === undefined) continue
    if (row.test === undefined || row.test(run, row.constants)) state = states.step(state, row.rule)
  }
  for (let index = 0; index < tables.length; index += 1) {
    const table = tables[index]
    if (table !== undefined) state = walkTable(table, states, state, run)
  }
  return state
}

/** Rules whose constant lies on the right side of the value. */
export function walkBounds(table: Table, states: DecisionStates, before: State, run: Run, value: number): State {
  const passes = passing[table.kind as Bound] // only bounds come here
  let state = before
  for (let index = 0; index < table.bounds.length; index += 1) {
    const bound = table.bounds[index]
    if (bound === undefined || !passes(bound.value, value)) return state
    state = walkBranch(bound.branch, states, state, run)
  }
  return state
}

/** Places of the branches whose constant lies on the right side of the value. */
export function collectBounds(table: Table, found: number[], value: number): void {
  const passes = passing[table.kind as Bound] // only bounds come here
  for (const { value: bound, branch } of table.bounds) {
    if (!passes(bound, value)) return
    found.push(branch.at)
  }
}

export const isBound = (kind: IndexKey['kind']): kind is Bound => Object.hasOwn(passing, kind)

const passing: { readonly [kind in Bound]: (bound: number, value: number) => boolean } = {
  greater: (bound, value) => bound < value,
  atLeast: (bound, value) => bound <= value,
  less: (bound, value) => value < bound,
  atMost: (bound, value) => value <= bound,
}

function walkTable(table: Table, states: DecisionStates, before: State, run: Run): State {
  const found = table.read(run)
  let state = before
  switch (table.kind) {
    case 'equal':
    case 'same': {
      const branch = table.branches.get(found)
      return branch === undefined ? state : walkBranch(branch, states, state, run)
    }
    case 'label': {
      for (const item of found as readonly Value[]) {
        // `h.items` made it
        const branch = table.branches.get(item)
        if (branch !== undefined) state = walkBranch(branch, states, state, run)
      }
      return state
    }
    case 'above': {
      const node = found as Node | undefined // as its type says
      if (node === undefined) return state
      const above = runtime.above(run.graph, node)
      state = walkNode(table, states, state, run, node)
      for (let index = 0; index < above.length; index += 1) {
        const each = above[index]
        if (each !== undefined) state = walkNode(table, states, state, run, each)
      }
      return state
    }
    default:
      return walkBounds(table, states, state, run, found as number) // a number, as its type says
  }
}

function walkNode(table: Table, states: DecisionStates, before: State, run: Run, node: Node): State {
  const branch = node.table.name === table.type ? table.branches.get(node.uid.id) : undefined
  return branch === undefined ? before : walkBranch(branch, states, before, run)
}
