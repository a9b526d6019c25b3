import type { IndexKey } from '../../optimise/index-keys.ts'
import type { Lookup, Plan, Row } from '../../optimise/plan-partition.ts'
import { constant, type Emitter, emit, emitId } from './compile-expression.ts'
import type { Shapes } from './rule-shapes.ts'
import { type Branch, isBound, type Table, type Test } from './walk-branch.ts'

/** What compiling a partition's text has made, in the order of `Shapes.functions`. */
export type Functions = readonly (Test & Table['read'])[]

/** ORDER: functions exist only once all of a partition's text is written; the branch is grown from them. */
export function makeBranch(plan: Plan, shapes: Shapes): (made: Functions) => Branch {
  const rows = plan.rows.map((row) => ({ row, ...shapes.testOf(row) })).filter(({ test }) => test !== false)
  const tables = plan.lookups.map((lookup) => makeTable(lookup, shapes))
  return (made) => ({
    rows: rows.map(({ row, test, constants }) => ({
      rule: row.rule,
      test: typeof test === 'number' ? made[test] : undefined,
      constants,
    })),
    tables: tables.map((grow) => grow(made)),
    at: -1,
  })
}

/** A look-up that every request makes: its own code, over a table that is filled once functions exist. */
export type TopTable = {
  /** Goes on from state to state. */
  readonly code: string
  /** Adds the places of what is found to `f`. */
  readonly collecting: string
  /** `places`: where branches that nodes remember stand; each gets its own. */
  readonly fill: (made: Functions, places?: Branch[]) => void
}

export function topTable(lookup: Lookup, shapes: Shapes, to: Emitter): TopTable {
  const { kind, type } = lookup.key
  const table: Table = { kind, type, read: readNothing, branches: new Map(), bounds: [] }
  const grow = growBuckets(lookup, shapes)
  const read = shapes.readCode(asOf(lookup), readingOf(lookup.key))
  const map = constant(table.branches, to)
  const write = (on: string, onBounds: string): string => {
    const codes: { readonly [kind: string]: string } = {
      equal: `{const y=${map}.get(${read});${on}}`,
      same: `if(${read}){const y=${map}.get(true);${on}}`,
      label: `{const x=${read};for(let i=0;i<x.length;i++){const y=${map}.get(x[i]);${on}}}`,
      above: `{const n=${read};if(n!==undefined){const x=h.above(g,n);if(n.table.name===${constant(type, to)}){const y=${map}.get(n.uid.id);${on}}for(let i=0;i<x.length;i++)if(x[i].table.name===${constant(type, to)}){const y=${map}.get(x[i].uid.id);${on}}}}`,
    }
    return codes[kind] ?? onBounds
  }
  return {
    code: write('if(y!==undefined)st=w(y,st,run);', `st=wb(${constant(table, to)},st,run,${read});`),
    collecting: write('if(y!==undefined)f.push(y.at);', `cb(${constant(table, to)},f,${read});`),
    fill: (made, places) => {
      const buckets = grow(made)
      fillTable(
        table,
        places ? buckets.map((bucket) => ({ ...bucket, branch: placed(bucket.branch, places) })) : buckets,
      )
    },
  }
}

function placed(branch: Branch, places: Branch[]): Branch {
  const own = { ...branch, at: places.length }
  places.push(own)
  return own
}

/** Made here once: a function made beside others would keep alive what they see, and with it an old program. */
const readNothing = (): undefined => undefined

function makeTable(lookup: Lookup, shapes: Shapes): (made: Functions) => Table {
  const { kind, type } = lookup.key
  const read = shapes.readOf(asOf(lookup), readingOf(lookup.key))
  const grow = growBuckets(lookup, shapes)
  return (made) => {
    const table = { kind, type, read: made[read] ?? readNothing, branches: new Map(), bounds: [] }
    fillTable(table, grow(made))
    return table
  }
}

type Buckets = readonly { readonly value: string | number | true; readonly branch: Branch }[]

function growBuckets(lookup: Lookup, shapes: Shapes): (made: Functions) => Buckets {
  const inner = [...lookup.buckets].map(([value, plan]) => ({ value, grow: makeBranch(plan, shapes) }))
  return (made) => inner.map(({ value, grow }) => ({ value, branch: grow(made) }))
}

function fillTable(table: Table, buckets: Buckets): void {
  for (const { value, branch } of buckets) {
    table.branches.set(value, branch)
    if (typeof value === 'number' && isBound(table.kind)) table.bounds.push({ value, branch })
  }
  const ascending = table.kind === 'greater' || table.kind === 'atLeast'
  table.bounds.sort((a, b) => (ascending ? a.value - b.value : b.value - a.value))
}

/** The code of what is looked up. */
const readingOf =
  ({ kind, type, of }: IndexKey) =>
  (to: Emitter): string => {
    if (kind === 'equal' && type !== undefined) return emitId(of, to)
    if (kind === 'label') return `h.items(${emit(of, to)})`
    return emit(of, to)
  }

/** The action that all rules behind a look-up see, where it matters. */
const asOf = (lookup: Lookup): string => firstRow(lookup)?.as ?? ''

function firstRow(lookup: Lookup): Row | undefined {
  for (const { rows, lookups } of lookup.buckets.values()) {
    const row = rows[0] ?? (lookups[0] && firstRow(lookups[0]))
    if (row) return row
  }
  return undefined
}
