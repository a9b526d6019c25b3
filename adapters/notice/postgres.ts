import pg from 'pg'
import type { Database } from '../database/port.ts'
import { checkNotice } from './limits.ts'
import type { NoticeBus } from './port.ts'

export type PostgresNoticeOptions = {
  readonly url: string
  /** NOTIFY goes through here, so that it joins the transaction: PostgreSQL sends it at commit. */
  readonly database: Pick<Database, 'query'>
  /** The connection was lost and is back: notices in between are gone, so whoever listens polls its version now. */
  readonly onHealed?: () => void
  readonly onListenerError?: (error: unknown) => void
}

const firstPauseMilliseconds = 100
const longestPauseMilliseconds = 5_000
/** A connection that died without a word (a failover, a NAT table) is noticed within this. */
const heartbeatMilliseconds = 15_000
const timeoutMilliseconds = 5_000

/** LISTEN/NOTIFY on a connection of its own, opened with the first subscription and again after a loss. */
export function postgresNotices(options: PostgresNoticeOptions): NoticeBus {
  const channels = new Map<string, Set<(payload: string) => void>>()
  let connection: Promise<pg.Client> | undefined
  let wasUp = false
  let isClosed = false
  let heartbeat: NodeJS.Timeout | undefined

  const deliver = ({ channel, payload = '' }: pg.Notification): void => {
    for (const listener of [...(channels.get(channel) ?? [])]) {
      try {
        listener(payload)
      } catch (error) {
        options.onListenerError?.(error)
      }
    }
  }

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: options.url,
      application_name: 'writ notices',
      connectionTimeoutMillis: timeoutMilliseconds,
      query_timeout: timeoutMilliseconds,
      keepAlive: true,
    })
    // Before anything can fail: an error without a listener ends the process.
    client.on('error', () => {})
    client.on('notification', deliver)
    await client.connect()
    client.once('end', lost)
    for (const channel of channels.keys()) await client.query(`listen ${client.escapeIdentifier(channel)}`)
    clearInterval(heartbeat)
    heartbeat = setInterval(
      () => void client.query('select 1').catch(() => client.end().catch(() => {})),
      heartbeatMilliseconds,
    )
    heartbeat.unref()
    if (wasUp) options.onHealed?.()
    wasUp = true
    return client
  }

  /** Tries until it works or the bus is closed. */
  async function keepConnecting(): Promise<pg.Client> {
    let pause = firstPauseMilliseconds
    for (;;) {
      try {
        return await connect()
      } catch (error) {
        if (isClosed) throw error
        await new Promise((resolve) => setTimeout(resolve, pause))
        pause = Math.min(pause * 2, longestPauseMilliseconds)
      }
    }
  }

  function lost(): void {
    clearInterval(heartbeat)
    if (isClosed) return
    connection = keepConnecting()
    connection.catch(() => {})
  }

  return {
    async publish(channel, payload) {
      checkNotice(channel, payload)
      await options.database.query({ name: 'notice_publish', text: 'select pg_notify($1, $2)' }, [channel, payload])
    },
    async subscribe(channel, listener) {
      checkNotice(channel, '')
      const entry = (payload: string): void => listener(payload)
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners.add(entry))
      connection ??= connect()
      // The first connection may fail for good (a wrong URL); later subscriptions try again.
      const client = await connection.catch((error) => {
        connection = undefined
        listeners.delete(entry)
        throw error
      })
      await client.query(`listen ${client.escapeIdentifier(channel)}`)
      return async () => {
        listeners.delete(entry)
        if (listeners.size > 0 || channels.get(channel) !== listeners) return
        channels.delete(channel)
        await (await connection)?.query(`unlisten ${client.escapeIdentifier(channel)}`).catch(() => {})
      }
    },
    async close() {
      isClosed = true
      clearInterval(heartbeat)
      channels.clear()
      await connection?.then((client) => client.end()).catch(() => {})
    },
  }
}
