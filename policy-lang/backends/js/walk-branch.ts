import type { Node } from '../../entities/node.ts'
import type { Value } from '../../ir/nodes.ts'
import type { IndexKey } from '../../optimise/index-keys.ts'
import type { Lookup, Plan, Row } from '../../optimise/plan-partition.ts'
import type { DecisionStates, State } from './decision-states.ts'
import type { Run } from './hold-relation.ts'
import type { Shapes } from './rule-shapes.ts'

/** A function of a shape: is the rule with these constants true? */
export type Test = (run: Run, constants: readonly Value[]) => boolean
/** Reads what is looked up. */
export type Read = (run: Run) => never

/** The index at run time: rules to judge, and look-ups that lead to further ones. */
export type Branch = { readonly rows: readonly Found[]; readonly tables: readonly Table[] }
type Found = {
  readonly rule: number
  /** Undefined: nothing is left to judge. */
  readonly test: Test | undefined
  readonly constants: readonly Value[]
}
type Table = {
  readonly kind: IndexKey['kind']
  readonly read: (run: Run) => unknown
  readonly branches: ReadonlyMap<unknown, Branch>
  /** Of `greater`, ascending. */
  readonly bounds: readonly { readonly value: number; readonly branch: Branch }[]
  /** Of `above`. */
  readonly type: string | undefined
}

/** ORDER: functions exist only once all of a partition's text is written; the branch is grown from them. */
export function makeBranch(
  plan: Plan,
  shapes: Shapes,
): (made: { readonly functions: readonly (Test & Read)[] }) => Branch {
  const rows = plan.rows.map((row) => ({ row, ...shapes.testOf(row) })).filter(({ test }) => test !== false)
  const tables = plan.lookups.map((lookup) => makeTable(lookup, shapes))
  return (made) => ({
    rows: rows.map(({ row, test, constants }) => ({
      rule: row.rule,
      test: typeof test === 'number' ? made.functions[test] : undefined,
      constants,
    })),
    tables: tables.map((grow) => grow(made)),
  })
}

function makeTable(lookup: Lookup, shapes: Shapes): (made: { readonly functions: readonly (Test & Read)[] }) => Table {
  const { kind, of, type } = lookup.key
  const read = shapes.readOf(
    of,
    firstRow(lookup)?.as ?? '',
    wrapping[type === undefined || kind === 'above' ? kind : 'entity'],
  )
  const inner = [...lookup.buckets].map(([value, plan]) => ({ value, grow: makeBranch(plan, shapes) }))
  return (made) => {
    const branches = new Map(inner.map(({ value, grow }) => [value, grow(made)]))
    const bounds = [...branches].flatMap(([value, branch]) => (typeof value === 'number' ? { value, branch } : []))
    return {
      kind,
      type,
      read: made.functions[read] as Table['read'], // the number that `readOf` has just given
      branches,
      bounds: kind === 'greater' ? bounds.sort((a, b) => a.value - b.value) : [],
    }
  }
}

/** From the code of a path to the code of what is looked up. */
const wrapping: { readonly [kind in IndexKey['kind'] | 'entity']: (code: string) => string } = {
  equal: (code) => code,
  entity: (code) => `h.idOf(${code})`,
  label: (code) => `h.items(${code})`,
  above: (code) => `h.line(g,${code})`,
  greater: (code) => code,
  same: (code) => code,
}

function firstRow(lookup: Lookup): Row | undefined {
  for (const { rows, lookups } of lookup.buckets.values()) {
    const row = rows[0] ?? (lookups[0] && firstRow(lookups[0]))
    if (row) return row
  }
  return undefined
}

/** From the rules that counted before to those that count too. */
export function walkBranch(branch: Branch, states: DecisionStates, before: State, run: Run): State {
  let state = before
  const { rows, tables } = branch
  for (let index = 0; index < rows.length; index += 1) {
    const row = rows[index]
    if (row !== undefined && (row.test === undefined || row.test(run, row.constants)))
      state = states.step(state, row.rule)
  }
  for (let index = 0; index < tables.length; index += 1) {
    const table = tables[index]
    if (table !== undefined) state = walkTable(table, states, state, run)
  }
  return state
}

function walkTable(table: Table, states: DecisionStates, before: State, run: Run): State {
  let state = before
  const found = table.read(run)
  switch (table.kind) {
    case 'equal':
    case 'same': {
      const branch = table.branches.get(found)
      return branch === undefined ? state : walkBranch(branch, states, state, run)
    }
    case 'label': {
      const items = found as readonly Value[] // as `wrapping` says
      for (let index = 0; index < items.length; index += 1) {
        const branch = table.branches.get(items[index])
        if (branch !== undefined) state = walkBranch(branch, states, state, run)
      }
      return state
    }
    case 'above': {
      const nodes = found as readonly Node[] // as `wrapping` says
      for (let index = 0; index < nodes.length; index += 1) {
        const uid = nodes[index]?.uid
        if (uid === undefined || uid.type !== table.type) continue
        const branch = table.branches.get(uid.id)
        if (branch !== undefined) state = walkBranch(branch, states, state, run)
      }
      return state
    }
    case 'greater': {
      const value = found as number | bigint // a number, as its type says
      for (let index = 0; index < table.bounds.length; index += 1) {
        const bound = table.bounds[index]
        if (bound === undefined || bound.value >= value) return state
        state = walkBranch(bound.branch, states, state, run)
      }
      return state
    }
  }
}
