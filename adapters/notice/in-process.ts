import type { Database } from '../database/port.ts'
import { checkNotice } from './limits.ts'
import type { NoticeBus } from './port.ts'

/** For one node: the embedded database has no second session that could listen. */
export function inProcessNotices(
  database: Pick<Database, 'afterCommit'>,
  onListenerError: (error: unknown) => void = () => {},
): NoticeBus {
  const channels = new Map<string, Set<(payload: string) => void>>()
  let isClosed = false

  function deliver(channel: string, payload: string): void {
    for (const listener of [...(channels.get(channel) ?? [])]) {
      try {
        listener(payload)
      } catch (error) {
        onListenerError(error)
      }
    }
  }

  return {
    async publish(channel, payload) {
      checkNotice(channel, payload)
      // Later than the caller's stack, as from a server: nobody may count on a listener having run.
      database.afterCommit(() => setImmediate(() => !isClosed && deliver(channel, payload)))
    },
    async subscribe(channel, listener) {
      checkNotice(channel, '')
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners)
      // A wrapper, so that one function may listen twice and stop once.
      const entry = (payload: string): void => listener(payload)
      listeners.add(entry)
      return async () => void listeners.delete(entry)
    },
    async close() {
      isClosed = true
      channels.clear()
    },
  }
}
