import pg from 'pg'
import { makeDatabase } from './database.ts'
import type { Database } from './port.ts'
import { valueTypes } from './value-types.ts'

export type ServerOptions = {
  readonly url: string
  /** Connections at most; one node uses no more than 20 whatever the tenant count. */
  readonly maximumConnections?: number
  readonly statementTimeoutMilliseconds?: number
  readonly onEvent?: (text: string) => void
}

const mostConnections = 20
const connectTimeoutMilliseconds = 5_000
const statementTimeout = 15_000
/** The client gives up this much after the server should have: only a lost network is that late. */
const graceMilliseconds = 5_000
const lockTimeoutMilliseconds = 10_000
const idleInTransactionMilliseconds = 30_000

/** PostgreSQL 15 or newer at `url`. Connects when first asked, and again after a loss. */
export function openServer(options: ServerOptions): Database {
  const statementMilliseconds = options.statementTimeoutMilliseconds ?? statementTimeout
  const onEvent = options.onEvent ?? (() => {})
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'writ',
    max: Math.min(options.maximumConnections ?? mostConnections, mostConnections),
    connectionTimeoutMillis: connectTimeoutMilliseconds,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    statement_timeout: statementMilliseconds,
    lock_timeout: lockTimeoutMilliseconds,
    idle_in_transaction_session_timeout: idleInTransactionMilliseconds,
    query_timeout: statementMilliseconds + graceMilliseconds,
    types: valueTypes,
  })
  guardPool(pool, onEvent)
  return makeDatabase({
    kind: 'server',
    pool,
    connect: () => pool.connect(),
    onStuck: () => onEvent('a statement outlived its time'),
    onTaskError: (error) => onEvent(`an after-commit task failed: ${String(error)}`),
    close: async () => {},
  })
}

/** A connection that breaks while nobody listens would end the process; the next statement meets the loss instead. */
export function guardPool(pool: pg.Pool, onEvent: (text: string) => void): void {
  pool.on('error', (error) => onEvent(`a database connection was lost: ${error.message}`))
  pool.on('connect', (client) => client.on('error', () => {}))
}
