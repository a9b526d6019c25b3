import type { Filter } from '../../policy-lang/index.ts'
import { confirms, fieldsOf, judgeItems, judgeRows } from './judge-rows.ts'
import type { ListPlace } from './list-cursor.ts'
import { firstOfCondition } from './list-statement.ts'
import {
  type Disagreement,
  type Found,
  type Keyed,
  questionOf,
  type Reading,
  type RowListsDeps,
  rowsOf,
} from './page-reading.ts'

/** One page, by the filter where there is one; a row that a second judgement refuses is named in its stead. */
export async function readPage<Row>(
  deps: RowListsDeps,
  reading: Reading<Row>,
): Promise<Found<Row> | Disagreement | 'unavailable'> {
  const { scope, listing, isSampled } = reading
  const { attribute } = listing.order
  const made = await deps.readFilter(scope.policy, {
    ...questionOf(scope, listing),
    firstBinding: firstOfCondition(listing),
    ...(attribute !== undefined && { field: attribute }),
    ...(listing.known && { known: listing.known }),
    ...(listing.given && { given: listing.given }),
  })
  const { filter, shown, view, position } = made
  if (!filter.ok || (shown && !shown.ok)) {
    tellOfRows(deps, reading, filter.ok ? shown : filter)
    deps.metrics.lists.inc({ how: 'rows' })
    return judgeRows(deps, reading, { view, position })
  }
  deps.metrics.lists.inc({ how: filter.sql === 'false' ? 'none' : 'filter' })
  if (filter.sql === 'false') return { items: [], limit: reading.limit, position }
  const isRejudged = isSampled || filter.fields === 'by row'
  const run = async (): Promise<Found<Row> | Disagreement | 'unavailable'> => {
    const items = await filteredRows(deps, reading, { filter, shown })
    if (!isRejudged) return { items: items.map((item) => withFields(item, filter)), limit: reading.limit, position }
    const decisions = await judgeItems(deps, scope, { listing, items, view })
    if (decisions === 'unavailable') return decisions
    const wrong = items.find((item, at) => !confirms(decisions[at], item, attribute))
    if (wrong) return { disagreed: wrong.place.id, position }
    deps.metrics.rejudgedLists.inc({ outcome: 'agreed' })
    const judged = items.map((item, at) => ({ ...item, ...fieldsOf(decisions[at]) }))
    return { items: judged, limit: reading.limit, position }
  }
  return inOneState(deps.database, { isOne: isRejudged, tenantId: scope.tenant.id }, run)
}

/**
 * `jit` would compile a condition that is asked once. Rows of a page are few and mostly in memory: at the cost of a disk that turns, a
 * thousand known ids would lose against reading fifty thousand rows in order.
 */
export const listSettings = { jit: 'off', random_page_cost: '1.1' }

/** What is judged again is read from the very state that was listed. */
function inOneState<Result>(
  database: RowListsDeps['database'],
  { isOne, tenantId }: { readonly isOne: boolean; readonly tenantId: string },
  run: () => Promise<Result>,
): Promise<Result> {
  const isOutermost = !database.inTransaction()
  return database.transaction(run, {
    ...listSettings,
    'writ.tenant': tenantId,
    ...(isOne && isOutermost ? { transaction_isolation: 'repeatable read' } : {}),
  })
}

type Filters = {
  readonly filter: Filter & { readonly ok: true }
  readonly shown: (Filter & { readonly ok: true }) | undefined
}

/** Rows whose order is shown, then those whose order is hidden. */
async function filteredRows<Row>(
  deps: RowListsDeps,
  { scope, listing, limit, from }: Reading<Row>,
  { filter, shown }: Filters,
): Promise<readonly Keyed<Row>[]> {
  const count = limit + 1
  const items: Keyed<Row>[] = []
  const read = async (part: ListPlace['part'], condition: { sql: string; bindings: readonly unknown[] }) => {
    const after = from?.part === part ? from : undefined
    const wish = { tenantId: scope.tenant.id, part, after, count: count - items.length, condition }
    items.push(...(await rowsOf(deps, listing, wish)))
  }
  if (from?.part !== 'hidden') {
    // Bindings follow those of `filter`, so both are given.
    const bindings = [...filter.bindings, ...(shown?.bindings ?? [])]
    // INVARIANT: both are named, as PostgreSQL must know the type of every binding; what is shown is allowed.
    const sql = shown ? `(${filter.sql}) and (${shown.sql})` : `(${filter.sql})`
    await read('shown', { sql, bindings })
  }
  if (shown && shown.sql !== filter.sql && !listing.order.isCompared && items.length < count) {
    const sql = `(${filter.sql}) and (${shown.sql}) is not true`
    await read('hidden', { sql, bindings: [...filter.bindings, ...shown.bindings] })
  }
  return items
}

const withFields = <Row>(item: Keyed<Row>, { fields }: Filters['filter']): Keyed<Row> =>
  fields === 'by row' ? item : { ...item, fields }

/** Once for each list of a program: it stays slow until its rules are written otherwise. */
function tellOfRows<Row>(
  { log }: RowListsDeps,
  { scope, listing, told }: Reading<Row>,
  filter: Filter | undefined,
): void {
  const { program, version } = scope.policy
  const lists = told.get(program) ?? new Set<string>()
  told.set(program, lists)
  const { action, type } = listing
  if (lists.has(`${action} ${type}`)) return
  lists.add(`${action} ${type}`)
  const why = filter && !filter.ok ? filter.diagnostics.map(({ code, message }) => `${code} ${message}`) : []
  log.warn({ tenantId: scope.tenant.id, version, action, type, why }, 'a list judges row by row: no filter can be made')
}
