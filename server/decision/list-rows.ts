import type { Logger } from 'pino'
import type { Database } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import { type Decision, type FactsView, type Filter, readContext } from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import { errors as httpErrors } from '../http/errors.ts'
import type { Metrics } from '../http/metrics.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { Ask } from './ask.ts'
import { errors } from './errors.ts'
import type { FilterTables } from './filter-tables.ts'
import { limits } from './limits.ts'
import { type CursorBinding, type ListPlace, openCursor, sealCursor } from './list-cursor.ts'
import { firstOfCondition, listStatement } from './list-statement.ts'
import type { ReadFilter, ReadTree } from './row-filter.ts'
import type { ListedRow, ListQuestion, RowFilter, RowListing, RowLists, RowPage } from './row-listing.ts'
import { standardContext } from './standard-context.ts'

export type RowListsDeps = {
  readonly database: Pick<Database, 'query' | 'transaction' | 'inTransaction'>
  readonly tables: () => Promise<FilterTables>
  readonly readFilter: ReadFilter
  readonly readTree: ReadTree
  readonly ask: Ask
  readonly changes: Pick<ChangeFeed, 'silence' | 'catchUp' | 'seen'>
  readonly secrets: Pick<Secrets, 'seal' | 'open'>
  readonly metrics: Pick<Metrics, 'lists' | 'rejudgedLists'>
  readonly log: Logger
  /** Is this page one of those whose rows are judged again? */
  readonly isSampled: () => boolean
}

export function createRowLists(deps: RowListsDeps): RowLists {
  const told = new WeakMap<object, Set<string>>()
  return {
    async filter(scope, { row, firstBinding, ...question }) {
      await hear(deps, scope)
      const { filter } = await deps.readFilter(scope.policy, {
        ...questionOf(scope, question),
        ...(row !== undefined && { row }),
        ...(firstBinding !== undefined && { firstBinding }),
      })
      return rowFilterOf(filter)
    },
    async tree(scope, question) {
      await hear(deps, scope)
      return deps.readTree(scope.policy, questionOf(scope, question))
    },
    async page(scope, listing, wish) {
      const binding = bindingOf(scope, listing)
      const from = wish.cursor === undefined ? undefined : openCursor(deps.secrets, wish.cursor, binding)
      await hear(deps, scope, from && BigInt(from.position))
      const isSampled = deps.isSampled()
      for (let reading = 0; reading < limits.listReadings; reading += 1) {
        const found = await readPage(deps, { scope, listing, limit: wish.limit, from, isSampled, told })
        if (found === 'unavailable') throw httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
        if ('items' in found) return sealed(deps, { scope, binding, found, from })
        // Facts that changed between the filter and the judgement explain it: both are asked again.
        const newest = await deps.changes.catchUp(scope.tenant.id)
        if (newest === found.position) {
          throw withheld(deps, { scope, listing, id: found.disagreed })
        }
        deps.metrics.rejudgedLists.inc({ outcome: 'moved' })
      }
      throw httpErrors.decision_unavailable({ headers: { 'retry-after': '1' } })
    },
  }
}

/** As for decisions: without word from the database nothing is answered from memory, and never from before the first page. */
async function hear({ changes }: RowListsDeps, { tenant }: RequestScope, position = 0n): Promise<void> {
  const isBehind = changes.seen(tenant.id) < position
  if (isBehind || changes.silence() > limits.silenceMilliseconds) await changes.catchUp(tenant.id)
}

function rowFilterOf(filter: Filter): RowFilter {
  if (!filter.ok) return { kind: 'unsayable', diagnostics: filter.diagnostics }
  if (filter.sql === 'true' || filter.sql === 'false') return { kind: filter.sql === 'true' ? 'all' : 'none' }
  return { kind: 'rows', sql: filter.sql, bindings: filter.bindings }
}

type Reading<Row> = {
  readonly scope: RequestScope
  readonly listing: RowListing<Row>
  readonly limit: number
  readonly from: ListPlace | undefined
  readonly isSampled: boolean
  readonly told: WeakMap<object, Set<string>>
}
type Keyed<Row> = ListedRow<Row> & { readonly place: Omit<ListPlace, 'position'> }
type Found<Row> = {
  /** One more than the page where something follows it. */
  readonly items: readonly Keyed<Row>[]
  /** Where reading stopped though the page is not full. */
  readonly stopped?: Omit<ListPlace, 'position'>
  readonly limit: number
  readonly position: bigint
}
type Disagreement = { readonly disagreed: string; readonly position: bigint }

async function readPage<Row>(
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

/** `jit` would compile a condition that is asked once. What is judged again is read from the very state that was listed. */
function inOneState<Result>(
  database: RowListsDeps['database'],
  { isOne, tenantId }: { readonly isOne: boolean; readonly tenantId: string },
  run: () => Promise<Result>,
): Promise<Result> {
  const isOutermost = !database.inTransaction()
  return database.transaction(run, {
    jit: 'off',
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

async function rowsOf<Row>(
  { database, tables }: RowListsDeps,
  listing: RowListing<Row>,
  wish: Parameters<typeof listStatement>[2],
): Promise<readonly Keyed<Row>[]> {
  const { statement, values } = listStatement(await tables(), listing, wish)
  const rows = await database.query<{ readonly $key: string; readonly $id: string }>(statement, values)
  return rows.map((row) => ({
    // Its columns are those that the listing names.
    row: listing.read(row as never),
    place: { part: wish.part, key: row.$key, id: row.$id },
  }))
}

/** Where SQL cannot say the rules: rows in order, each judged, until the page is full. */
async function judgeRows<Row>(
  deps: RowListsDeps,
  { scope, listing, limit, from }: Reading<Row>,
  { view, position }: { readonly view: FactsView; readonly position: bigint },
): Promise<Found<Row> | 'unavailable'> {
  const { attribute, isCompared } = listing.order
  const parts = (['shown', 'hidden'] as const).filter(
    (part) => part === 'shown' || (attribute !== undefined && !isCompared),
  )
  const items: Keyed<Row>[] = []
  const condition = { sql: 'true', bindings: [] }
  let judged = 0
  for (const part of parts.slice(from?.part === 'hidden' ? 1 : 0)) {
    let after: Keyed<Row>['place'] | undefined = from?.part === part ? from : undefined
    for (let isEnd = false; !isEnd; ) {
      const wish = { tenantId: scope.tenant.id, part, after, count: limits.judgedRowsAtOnce, condition }
      const rows = await rowsOf(deps, listing, wish)
      const decisions = await judgeItems(deps, scope, { listing, items: rows, view })
      if (decisions === 'unavailable') return decisions
      items.push(
        ...rows.flatMap((item, at) => {
          const isListed = confirms(decisions[at], item, attribute)
          return isListed ? [{ ...item, ...fieldsOf(decisions[at]) }] : []
        }),
      )
      if (items.length > limit) return { items, limit, position }
      judged += rows.length
      after = rows.at(-1)?.place ?? after
      isEnd = rows.length < limits.judgedRowsAtOnce
      if (!isEnd && after && judged >= limits.judgedRowsPerPage) return { items, stopped: after, limit, position }
    }
  }
  return { items, limit, position }
}

async function judgeItems<Row>(
  { ask }: RowListsDeps,
  scope: RequestScope,
  {
    listing,
    items,
    view,
  }: {
    readonly listing: RowListing<Row>
    readonly items: readonly Keyed<Row>[]
    readonly view: FactsView
  },
): Promise<readonly Decision[] | 'unavailable'> {
  const { subject, action, type, context } = questionOf(scope, listing)
  const asked = items.map(({ place }) => {
    const resource = { kind: 'entity', type, id: place.id } as const
    return { request: { subject, action, resource, context }, given: [] }
  })
  const decisions = await ask(scope.policy, asked, scope.now, view)
  return decisions.some(({ code }) => code === 'unavailable') ? 'unavailable' : decisions
}

/** Allowed, and shown or hidden as the part of the list says. */
function confirms<Row>(decision: Decision | undefined, { place }: Keyed<Row>, attribute: string | undefined): boolean {
  if (!decision?.decision) return false
  const isShown = attribute === undefined || (decision.fields?.includes(attribute) ?? true)
  return isShown === (place.part === 'shown')
}

const fieldsOf = (decision: Decision | undefined) => (decision?.fields ? { fields: decision.fields } : {})
const withFields = <Row>(item: Keyed<Row>, { fields }: Filters['filter']): Keyed<Row> =>
  fields === 'by row' ? item : { ...item, fields }

function questionOf(scope: RequestScope, { action, type, subject = scope.subject, context }: ListQuestion) {
  const { program } = scope.policy
  const resource = { kind: 'entity', type, id: '' } as const
  const own = () => readContext(program, { action, resource }, { json: standardContext(scope), mistyped: [] })
  return { subject, action, type, context: context ?? own(), now: scope.now }
}

function sealed<Row>(
  { secrets }: RowListsDeps,
  page: {
    readonly scope: RequestScope
    readonly binding: CursorBinding
    readonly found: Found<Row>
    readonly from: ListPlace | undefined
  },
): RowPage<Row> {
  const { scope, binding, found, from } = page
  const items = found.items.slice(0, found.limit)
  const next = found.items.length > found.limit ? items.at(-1)?.place : found.stopped
  const position = from?.position ?? found.position.toString()
  return {
    items: items.map(({ row, fields }) => ({ row, ...(fields ? { fields } : {}) })),
    ...(next ? { nextCursor: sealCursor(secrets, { ...next, position }, binding) } : {}),
    version: scope.policy.version,
    position: found.position,
  }
}

const bindingOf = (scope: RequestScope, listing: RowListing<unknown>): CursorBinding => ({
  tenant: scope.tenant.id,
  subjectType: scope.subject.type,
  subjectId: scope.subject.id,
  list: listing.list,
  ...Object.fromEntries(Object.entries(listing.filters).map(([name, value]) => [`filter.${name}`, value])),
})

/** Check and filter differ: a defect of this server. Nothing of the page leaves, and somebody is told. */
function withheld(
  { log, metrics }: RowListsDeps,
  { scope, listing, id }: { readonly scope: RequestScope; readonly listing: RowListing<unknown>; readonly id: string },
): Error {
  metrics.rejudgedLists.inc({ outcome: 'withheld' })
  const { policy, subject, requestId } = scope
  log.error(
    {
      ...{ requestId, tenantId: scope.tenant.id, version: policy.version, list: listing.list, action: listing.action },
      subject: `${subject.type}::${subject.id}`,
      resource: `${listing.type}::${id}`,
    },
    'a listed row is not allowed by a check: the page is withheld',
  )
  return errors.list_withheld()
}

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
