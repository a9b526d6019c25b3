import { AsyncLocalStorage } from 'node:async_hooks'
import knexFactory, { type Knex } from 'knex'
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg'
import { type Database, DatabaseError, type Statement } from './port.ts'
import { type SessionGate, sessionGate } from './session-gate.ts'
import { errorCode, isClientTimeout, translateError } from './translate-error.ts'

export type DatabaseParts = {
  readonly kind: Database['kind']
  readonly pool: Pool
  readonly connect: () => Promise<PoolClient>
  /** A statement outlived its time on the client's side; the session may be stuck. */
  readonly onStuck: () => void
  /** An afterCommit task threw; the transaction stands. */
  readonly onTaskError: (error: unknown) => void
  readonly close: () => Promise<void>
}

/** One transaction or savepoint, found by async context. */
type Frame = {
  readonly session: Session
  /** INVARIANT: whoever speaks to the session holds the gate of the innermost frame; an inner frame holds its outer's gate. */
  readonly gate: SessionGate
  readonly depth: number
  readonly tasks: (() => void)[]
  isFinished: boolean
  /** What the session refused last: a transaction in which a failure was swallowed cannot commit. */
  failure: unknown
  readonly isUnhurried: boolean
}
/** A connection in use. */
type Session = { readonly client: PoolClient; isBroken: boolean }
type Lease = { readonly session: Session; readonly isUnhurried: boolean; failed(error: unknown): void; release(): void }
type Request = { readonly name?: string; readonly text: string; readonly values?: unknown[] }

/** For a transaction that switched the statement timeout off (migrations). */
const unhurriedMilliseconds = 3_600_000

/** The port over a pg pool; knex only builds SQL, its pool and transactions are not used. */
export function makeDatabase(parts: DatabaseParts): Database {
  const frames = new AsyncLocalStorage<Frame>()

  async function connect(): Promise<Session> {
    try {
      return { client: await parts.connect(), isBroken: false }
    } catch (error) {
      throw translateError(error)
    }
  }

  /** The right to speak to a session: the transaction's own, else one from the pool. */
  async function lease(): Promise<Lease> {
    const frame = frames.getStore()
    if (!frame) {
      const session = await connect()
      return { session, isUnhurried: false, failed: () => {}, release: () => session.client.release(session.isBroken) }
    }
    const leave = await frame.gate.enter()
    // A forgotten await: outside of the transaction this statement would survive its rollback.
    if (frame.isFinished) {
      leave()
      throw new Error('a statement was sent after its transaction ended: is an await missing?')
    }
    const failed = (error: unknown): void => {
      frame.failure = error
    }
    return { session: frame.session, isUnhurried: frame.isUnhurried, failed, release: leave }
  }

  async function send(session: Session, request: Request, isUnhurried = false): Promise<QueryResult> {
    try {
      // query_timeout is pg's, and missing in its types.
      const config: QueryConfig<unknown[]> & { query_timeout?: number } = isUnhurried
        ? { ...request, query_timeout: unhurriedMilliseconds }
        : request
      const result = await session.client.query(config)
      return wholeResult(result)
    } catch (error) {
      const translated = translateError(error)
      if (isSessionLost(translated)) session.isBroken = true
      if (isClientTimeout(error)) parts.onStuck()
      throw translated
    }
  }

  async function leased(request: Request): Promise<QueryResult> {
    const held = await lease()
    try {
      return await send(held.session, request, held.isUnhurried)
    } catch (error) {
      held.failed(error)
      throw error
    } finally {
      held.release()
    }
  }

  /** The await is inside, because a knex builder sends its statement only when awaited. */
  const inside = <T>(frame: Frame, run: () => Promise<T>): Promise<T> => frames.run(frame, async () => await run())

  async function outermost<T>(run: () => Promise<T>, settings: Settings): Promise<T> {
    const session = await connect()
    const frame = newFrame(session, 0, settings.statement_timeout === '0')
    let result: T
    try {
      const { transaction_isolation: isolation, ...others } = settings
      await send(session, { text: `begin${isolationSql(isolation)};${settingsSql(session.client, others)}` })
      result = await inside(frame, run)
      await finish(frame)
      // PostgreSQL answers ROLLBACK to a COMMIT of a failed transaction and calls that a success.
      const answer = await send(session, { text: 'commit' })
      if (answer.command === 'ROLLBACK')
        throw frame.failure ?? new Error('the transaction had failed and could not commit')
    } catch (error) {
      await finish(frame)
      if (!session.isBroken) await rollBack(session)
      throw error
    } finally {
      session.client.release(session.isBroken)
    }
    for (const task of frame.tasks) runTask(task)
    return result
  }

  /** A session that cannot roll back is not used again. */
  async function rollBack(session: Session): Promise<void> {
    try {
      await send(session, { text: 'rollback' })
    } catch {
      session.isBroken = true
    }
  }

  async function nested<T>(outer: Frame, run: () => Promise<T>, settings: Settings): Promise<T> {
    const leave = await outer.gate.enter()
    try {
      if (outer.isFinished) throw new Error('a nested transaction was begun after its outer one ended')
      const { session } = outer
      const frame = newFrame(session, outer.depth + 1, outer.isUnhurried)
      const name = `writ_${frame.depth}`
      const before = await readSettings(session, Object.keys(settings))
      await send(session, { text: `savepoint ${name};${settingsSql(session.client, settings)}` })
      try {
        const result = await inside(frame, run)
        await finish(frame)
        // Settings outlive the release of a savepoint; the outer transaction gets its own back.
        await send(session, { text: `release savepoint ${name};${settingsSql(session.client, before)}` })
        outer.tasks.push(...frame.tasks)
        return result
      } catch (error) {
        await finish(frame)
        if (!session.isBroken) await send(session, { text: `rollback to savepoint ${name}; release savepoint ${name}` })
        throw frame.failure && isAborted(error) ? frame.failure : error
      }
    } finally {
      leave()
    }
  }

  async function readSettings(session: Session, names: readonly string[]): Promise<Settings> {
    if (names.length === 0) return {}
    const columns = names.map((_, index) => `coalesce(current_setting($${index + 1}, true), '')`)
    const result = await send(session, { text: `select array[${columns.join(', ')}] as found`, values: [...names] })
    const found: readonly string[] = result.rows[0].found
    return Object.fromEntries(names.map((name, index) => [name, found[index] ?? '']))
  }

  function runTask(task: () => void): void {
    try {
      frames.exit(task)
    } catch (error) {
      parts.onTaskError(error)
    }
  }

  const builder = makeBuilder(lease, send)
  let closed: Promise<void> | undefined
  return {
    kind: parts.kind,
    table: (name) => builder(name),
    raw: builder.raw.bind(builder),
    async query<Row extends object>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
      const isPrepared = parts.kind === 'server' && statement.name !== ''
      const result = await leased({
        ...(isPrepared ? { name: statement.name } : {}),
        text: statement.text,
        ...(values && values.length > 0 ? { values: [...values] } : {}),
      })
      return result.rows
    },
    transaction(run, settings = {}) {
      const outer = frames.getStore()
      return outer ? nested(outer, run, settings) : outermost(run, settings)
    },
    inTransaction: () => frames.getStore()?.isFinished === false,
    afterCommit(task) {
      const frame = frames.getStore()
      if (frame && !frame.isFinished) frame.tasks.push(task)
      else runTask(task)
    },
    async isReachable(timeoutMilliseconds) {
      const answer = frames
        .exit(() => leased({ text: 'select 1' }))
        .then(
          () => true,
          () => false,
        )
      const late = Promise.withResolvers<boolean>()
      const timer = setTimeout(() => late.resolve(false), timeoutMilliseconds)
      return Promise.race([answer, late.promise]).finally(() => clearTimeout(timer))
    },
    async close() {
      closed ??= parts.pool.end().then(parts.close)
      await closed
    },
  }
}

type Settings = { readonly [name: string]: string }

function newFrame(session: Session, depth: number, isUnhurried: boolean): Frame {
  return { session, gate: sessionGate(), depth, tasks: [], isFinished: false, failure: undefined, isUnhurried }
}

/** Waits for statements that are under way and refuses later ones. */
async function finish(frame: Frame): Promise<void> {
  const leave = await frame.gate.enter()
  frame.isFinished = true
  leave()
}

/** It can only be said where a transaction begins: a setting comes too late, with a snapshot taken already. */
function isolationSql(level: string | undefined): string {
  if (level === undefined) return ''
  if (level !== 'repeatable read' && level !== 'serializable') throw new Error(`no isolation level: ${level}`)
  return ` isolation level ${level}`
}

/** Local to the transaction; in one round trip with the statement before. */
const settingsSql = (client: PoolClient, settings: Settings): string =>
  Object.entries(settings)
    .map(([name, value]) => `select set_config(${client.escapeLiteral(name)}, ${client.escapeLiteral(value)}, true);`)
    .join('')

/** Several statements in one text answer a list: the rows of all (pg-boss counts on them), the command of the last. */
function wholeResult(result: QueryResult | QueryResult[]): QueryResult {
  if (!Array.isArray(result)) return result
  const last = result.at(-1)
  if (!last) throw new Error('PostgreSQL answered no result')
  last.rows = result.flatMap(({ rows }) => rows)
  return last
}

const isSessionLost = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.kind === 'unavailable' || isClientTimeout(error.cause))

/** `current transaction is aborted`: an earlier failure is the real one. */
const isAborted = (error: unknown): boolean => errorCode(error) === '25P02'

/** knex as a builder whose statements run on our sessions. Never logs bindings: they may be secrets. */
function makeBuilder(
  lease: () => Promise<Lease>,
  send: (session: Session, request: Request, isUnhurried: boolean) => Promise<QueryResult>,
): Knex {
  const builder = knexFactory({ client: 'pg', compileSqlOnError: false })
  const leases = new WeakMap<PoolClient, Lease>()
  Object.assign(builder.client, {
    async acquireConnection() {
      const held = await lease()
      leases.set(held.session.client, held)
      return held.session.client
    },
    async releaseConnection(client: PoolClient) {
      leases.get(client)?.release()
    },
    async _query(client: PoolClient, query: { sql: string; bindings?: unknown[]; response?: QueryResult }) {
      const held = leases.get(client)
      if (!held) throw new Error('knex used a connection that it does not hold')
      try {
        const request = { text: query.sql, ...(query.bindings?.length ? { values: query.bindings } : {}) }
        query.response = await send(held.session, request, held.isUnhurried)
        return query
      } catch (error) {
        held.failed(error)
        throw error
      }
    },
  })
  return builder
}
