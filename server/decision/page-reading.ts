import type { Logger } from 'pino'
import type { Database } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import { readContext } from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { Metrics } from '../http/metrics.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { Ask } from './ask.ts'
import type { FilterTables } from './filter-tables.ts'
import type { ListPlace } from './list-cursor.ts'
import { listStatement, type RowsWish } from './list-statement.ts'
import type { ReadFilter, ReadTree } from './row-filter.ts'
import type { ListedRow, ListQuestion, RowListing } from './row-listing.ts'
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

export type Reading<Row> = {
  readonly scope: RequestScope
  readonly listing: RowListing<Row>
  readonly limit: number
  readonly from: ListPlace | undefined
  readonly isSampled: boolean
  readonly told: WeakMap<object, Set<string>>
}
export type Keyed<Row> = ListedRow<Row> & { readonly place: Omit<ListPlace, 'position'> }
export type Found<Row> = {
  /** One more than the page where something follows it. */
  readonly items: readonly Keyed<Row>[]
  /** Where reading stopped though the page is not full. */
  readonly stopped?: Omit<ListPlace, 'position'>
  readonly limit: number
  readonly position: bigint
}
export type Disagreement = { readonly disagreed: string; readonly position: bigint }

export async function rowsOf<Row>(
  { database, tables }: RowListsDeps,
  listing: RowListing<Row>,
  wish: RowsWish,
): Promise<readonly Keyed<Row>[]> {
  const { statement, values } = listStatement(await tables(), listing, wish)
  const rows = await database.query<{ readonly $key: string; readonly $id: string }>(statement, values)
  return rows.map((row) => ({
    // Its columns are those that the listing names.
    row: listing.read(row as never),
    place: { part: wish.part, key: row.$key, id: row.$id },
  }))
}

export function questionOf(scope: RequestScope, { action, type, subject = scope.subject, context }: ListQuestion) {
  const { program } = scope.policy
  const resource = { kind: 'entity', type, id: '' } as const
  const own = () => readContext(program, { action, resource }, { json: standardContext(scope), mistyped: [] })
  return { subject, action, type, context: context ?? own(), now: scope.now }
}
