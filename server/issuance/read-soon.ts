import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from '../../adapters/database/port.ts'
import { readStanding, type Standing } from './standing.ts'

export type Whose = {
  readonly tenantId: string
  readonly clientId: string | undefined
  readonly accountId: string | undefined
}

/**
 * Fresh standing, read at the end of the turn of the event loop: whoever asks for the same until then shares the read, which
 * begins after every one of them has asked, so it is as fresh for each as a read of its own. Inside of a transaction nothing is
 * shared: what it sees is its own.
 */
export function createReadSoon(database: Database): (whose: Whose, now: number) => Promise<Standing | undefined> {
  const outside = AsyncLocalStorage.snapshot()
  const soon = new Map<string, Promise<Standing | undefined>>()
  return (whose, now) => {
    if (database.inTransaction()) return readStanding(database, whose, now)
    const key = JSON.stringify([whose.tenantId, whose.clientId, whose.accountId])
    const shared = soon.get(key)
    if (shared) return shared
    const reading = outside(
      () =>
        new Promise<Standing | undefined>((resolve, reject) => {
          setImmediate(() => {
            // From here on who asks is answered by a later read.
            soon.delete(key)
            readStanding(database, whose, now).then(resolve, reject)
          })
        }),
    )
    soon.set(key, reading)
    return reading
  }
}
