import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database } from '../../adapters/database/port.ts'
import { type AskedStanding, readClientStandings, readStanding, type Standing } from './standing.ts'

const readAtOnce = 200

/** A read that hangs must not hold up those who ask later: past this age they begin one of their own. */
const patienceMilliseconds = 50

/**
 * Fresh standing. Who asks while a read is under way shares the next one: it begins after every one of them has asked, so it is as
 * fresh for each as a read of its own. Clients for themselves are read together, however many they are; whoever asks for the same
 * person until the end of the turn shares one read. Inside of a transaction nothing is shared: what it sees is its own.
 */
export function createReadSoon(
  database: Database,
): (whose: AskedStanding, now: number) => Promise<Standing | undefined> {
  const outside = AsyncLocalStorage.snapshot()
  const soon = new Map<string, Soon>()
  let begunAt: number | undefined
  let round = 0
  let isPlanned = false

  const plan = (): void => {
    if (isPlanned) return
    isPlanned = true
    setImmediate(begin)
  }
  const begin = (): void => {
    isPlanned = false
    // From here on who asks is answered by a later read.
    const batch = [...soon].slice(0, readAtOnce)
    for (const [key] of batch) soon.delete(key)
    round += 1
    const own = round
    begunAt = performance.now()
    void readAll(
      database,
      batch.map(([, each]) => each),
    ).then(() => {
      // A later read, begun past the patience of its askers, is the one that counts now.
      if (own === round) begunAt = undefined
      if (soon.size > 0) plan()
    })
    if (soon.size > 0) plan()
  }

  return (whose, now) => {
    if (database.inTransaction()) return readStanding(database, whose, now)
    const key = JSON.stringify([whose.tenantId, whose.clientId, whose.accountId])
    const shared = soon.get(key)
    const each = shared ?? { whose, now, ...Promise.withResolvers<Standing | undefined>() }
    if (!shared) soon.set(key, each)
    if (begunAt === undefined || performance.now() - begunAt > patienceMilliseconds) outside(plan)
    return each.promise
  }
}

type Soon = { readonly whose: AskedStanding; readonly now: number } & PromiseWithResolvers<Standing | undefined>

/** Settles every one; never rejects. */
async function readAll(database: Database, batch: readonly Soon[]): Promise<void> {
  const alone = batch.length === 1 ? batch : batch.filter(({ whose }) => whose.accountId !== undefined)
  const together = batch.filter((each) => !alone.includes(each))
  const clients = async (): Promise<void> => {
    try {
      const found = await readClientStandings(
        database,
        together.map(({ whose }) => whose),
      )
      together.forEach((each, index) => {
        each.resolve(found[index])
      })
    } catch (error) {
      for (const each of together) each.reject(error)
    }
  }
  await Promise.all([
    ...(together.length > 0 ? [clients()] : []),
    ...alone.map(({ whose, now, resolve, reject }) => readStanding(database, whose, now).then(resolve, reject)),
  ])
}
