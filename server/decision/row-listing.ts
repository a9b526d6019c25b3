import type { Diagnostic, EntityData, EntityValue, TreeResult, Value } from '../../policy-lang/index.ts'
import type { RequestScope } from '../http/request-scope.ts'

/** One list of a module: rows of the bound table of `type`, called `t` in every fragment. Fragments are constants. */
export type RowListing<Row> = {
  /** With `filters`: what a cursor belongs to. */
  readonly list: string
  readonly filters: { readonly [name: string]: string }
  /** Who may do `action` on a row sees it. */
  readonly action: string
  readonly type: string
  /** Of the select. */
  readonly columns: string
  /** What the list is about beside the rules; its own bindings are `$2` and on, `$1` being the tenant. */
  readonly where?: { readonly sql: string; readonly values: readonly unknown[] }
  /** Attributes that every row has by `where`: the rules about them are worked out before the query. */
  readonly known?: ReadonlyMap<string, Value>
  /** Rows that the module has read for this request already, such as what the listed ones are in. */
  readonly given?: readonly EntityData[]
  readonly order: ListOrder
  /** A row as the database answers it. */
  readonly read: (row: never) => Row
}

/** Ascending by a column that is never NULL, texts by code point; ids break ties. */
export type ListOrder = {
  readonly column: string
  /** The attribute that the column holds: rows that hide it come last, by id (SPEC 5.15). Absent: it is the id. */
  readonly attribute?: string
  /** Does `where` compare it with what the caller said? Then rows that hide it are left out. */
  readonly isCompared?: boolean
}

export type ListWish = { readonly limit: number; readonly cursor?: string | undefined }
export type ListedRow<Row> = {
  readonly row: Row
  /** What of it may be shown; absent: it has no attributes. */
  readonly fields?: readonly string[]
}
export type RowPage<Row> = {
  readonly items: readonly ListedRow<Row>[]
  readonly nextCursor?: string
  /** What every row was judged by, and on; of answers `Writ-Policy-Version` and `Writ-Consistency`. */
  readonly version: string
  readonly position: bigint
}

/** The rules as a condition on the rows of a table. What SQL cannot say is told with its place, never approximated. */
export type RowFilter =
  | { readonly kind: 'all' | 'none' }
  | { readonly kind: 'rows'; readonly sql: string; readonly bindings: readonly unknown[] }
  | { readonly kind: 'unsayable'; readonly diagnostics: readonly Diagnostic[] }

export type ListQuestion = {
  readonly action: string
  readonly type: string
  /** Another than the scope's, and what it would bring: for those who may ask about others. */
  readonly subject?: EntityValue
  readonly context?: ReadonlyMap<string, Value>
}

/** Lists of stored rows: exactly those that a check of each would allow (SPEC 7.7, modules.md §0). */
export type RowLists = {
  /** `firstBinding`: the number of the filter's first binding in the caller's statement; default 1. */
  filter(
    scope: RequestScope,
    question: ListQuestion & { readonly row?: string; readonly firstBinding?: number },
  ): Promise<RowFilter>
  /** The same rules as data, for what is stored where no SQL reaches; or what a tree cannot say, at its place. */
  tree(scope: RequestScope, question: ListQuestion): Promise<TreeResult>
  /** Ordered and complete: pages are full while something that the caller may see follows. */
  page<Row>(scope: RequestScope, listing: RowListing<Row>, wish: ListWish): Promise<RowPage<Row>>
}
