import type { Knex } from 'knex'

/**
 * PostgreSQL, embedded or a server: the same SQL either way.
 *
 * INVARIANT: inside `transaction`, everything that the callback (and what it awaits) asks of the same `Database` runs in that
 * transaction, found by async context; so code needs no `tx` argument, and the embedded database's single session cannot
 * deadlock with itself. A nested `transaction` is a savepoint.
 */
export type Database = {
  readonly kind: 'embedded' | 'server'
  /** Query builder for administration and lists; joins the current transaction. */
  table(name: string): Knex.QueryBuilder
  /** Builder for raw fragments, joins the current transaction through `table` and `query` only. */
  readonly raw: Knex['raw']
  /** One statement with `$1…` bindings; prepared under `name` where the server can (never on the embedded one). */
  query<Row extends object = Record<string, unknown>>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>
  /**
   * Commits when `run` resolves, rolls back when it rejects. `settings` are `SET LOCAL` for its duration (`writ.tenant`);
   * `transaction_isolation` is `repeatable read` or `serializable`, of outermost transactions only.
   */
  transaction<T>(run: () => Promise<T>, settings?: { readonly [name: string]: string }): Promise<T>
  /** True inside `transaction`. */
  inTransaction(): boolean
  /** Runs `task` after the outermost transaction commits; at once outside of one. Never runs after a rollback. */
  afterCommit(task: () => void): void
  /** Resolves true if the database answers within `timeoutMilliseconds`. Never rejects. */
  isReachable(timeoutMilliseconds: number): Promise<boolean>
  close(): Promise<void>
}

/** A hot statement: `name` unique in the program, `text` constant. */
export type Statement = { readonly name: string; readonly text: string }

/** What reaches callers when PostgreSQL fails; everything else an adapter throws is a bug. */
export type DatabaseErrorKind =
  | 'unavailable'
  | 'unique'
  | 'foreignKey'
  | 'check'
  | 'serialization'
  | 'timeout'
  | 'invalidText'
export class DatabaseError extends Error {
  readonly kind: DatabaseErrorKind
  /** Constraint name for unique, foreignKey and check. */
  readonly constraint: string | undefined
  constructor(kind: DatabaseErrorKind, constraint: string | undefined, cause: unknown) {
    super(`database: ${kind}${constraint ? ` (${constraint})` : ''}`, { cause })
    this.kind = kind
    this.constraint = constraint
  }
}

/** One step of the schema. `id` sorts (`0001-foundation`); `up` runs in its own transaction; there is no `down`. */
export type Migration = { readonly id: string; readonly up: (run: (sql: string) => Promise<void>) => Promise<void> }
