import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another Writ uses the data folder. */
export class DataFolderInUse extends Error {
  readonly folder: string
  constructor(folder: string) {
    super(`the data folder ${folder} is in use by another Writ`)
    this.folder = folder
  }
}

/** The data folder cannot be made, written or read. */
export class DataFolderUnwritable extends Error {
  readonly folder: string
  constructor(folder: string, cause: unknown) {
    super(`cannot write to the data folder ${folder}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
    this.folder = folder
  }
}

/** How long a start waits for a Writ that is just ending (its database child closes within this). */
const patienceMilliseconds = 2_000
const retryMilliseconds = 25

/**
 * Holds the data folder until the returned function is called or this process ends, however it ends.
 *
 * Node has no file locks of its own, but the SQLite inside it has: an exclusive transaction on an empty file is a lock of the
 * operating system (fcntl, LockFileEx), so `kill -9` leaves nothing stale and containers that share the folder see each other.
 * INVARIANT: nothing else in this process opens `lock`; closing any descriptor of the file would drop an fcntl lock.
 */
export async function lockDataFolder(folder: string): Promise<() => void> {
  const deadline = Date.now() + patienceMilliseconds
  const file = openLockFile(folder)
  for (;;) {
    try {
      file.exec('begin exclusive')
      return () => file.close()
    } catch (error) {
      if (!isBusy(error)) throw new DataFolderUnwritable(folder, error)
      if (Date.now() >= deadline) throw new DataFolderInUse(folder)
      await new Promise((resolve) => setTimeout(resolve, retryMilliseconds))
    }
  }
}

function openLockFile(folder: string): DatabaseSync {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = new DatabaseSync(join(folder, 'lock'))
    return file
  } catch (error) {
    throw new DataFolderUnwritable(folder, error)
  }
}

const sqliteBusy = 5
const isBusy = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'errcode' in error && error.errcode === sqliteBusy
