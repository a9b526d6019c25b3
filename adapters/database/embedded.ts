import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DataFolderInUse, DataFolderUnwritable } from './data-folder.ts'
import type { ChildMessage, ChildOptions } from './embedded-server.ts'
import { DatabaseError } from './port.ts'

/** The embedded database as the parent sees it. */
export type EmbeddedServer = {
  /** Where it listens once it is up. */
  address(): Address
  /** Resolves when it takes connections. Rejects with DataFolderInUse, DataFolderUnwritable or DatabaseError `unavailable`. */
  whenUp(timeoutMilliseconds?: number): Promise<void>
  /** Ends a child that no longer answers; a new one starts by itself. */
  replaceChild(): void
  /** Process id of the living child, for tests and diagnosis. */
  processId(): number | undefined
  close(): Promise<void>
}
export type Address = { readonly host: string; readonly port: number }

const startTimeoutMilliseconds = 15_000
const stopTimeoutMilliseconds = 5_000
const firstPauseMilliseconds = 50
const longestPauseMilliseconds = 5_000
/** pg finds a socket in a folder under this name. */
const socketPort = 5432

/** Starts the database in a child process and keeps it running until `close`. Returns at once. */
export function startEmbedded(dataFolder: string, onEvent: (text: string) => void = () => {}): EmbeddedServer {
  const place = socketPlace()
  let address: Address = { host: place.folder ?? '127.0.0.1', port: socketPort }
  let child: ChildProcess | undefined
  let isClosed = false
  let pause = firstPauseMilliseconds
  let up = Promise.withResolvers<void>()
  up.promise.catch(() => {})

  const start = (): void => {
    const options: ChildOptions = { dataFolder, listen: place.listen }
    const started = fork(fileURLToPath(new URL('./embedded-server.ts', import.meta.url)), [JSON.stringify(options)], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Nothing of the parent's terminal: a child that outlives its parent by a moment must not hold a pipe open.
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    child = started
    started.on('message', (message: ChildMessage) => {
      if (message.kind === 'ready') {
        if (message.port !== undefined) address = { host: message.host ?? '127.0.0.1', port: message.port }
        pause = firstPauseMilliseconds
        up.resolve()
        return
      }
      const error = startError(dataFolder, message)
      onEvent(error.message)
      up.reject(error)
      isClosed ||= message.reason !== 'broken'
    })
    started.on('exit', (code, signal) => {
      child = undefined
      if (isClosed) return
      onEvent(`the embedded database ended (${signal ?? code}) and starts again`)
      up.reject(new DatabaseError('unavailable', undefined, new Error('the embedded database ended')))
      up = Promise.withResolvers<void>()
      up.promise.catch(() => {})
      setTimeout(() => !isClosed && start(), pause)
      pause = Math.min(pause * 2, longestPauseMilliseconds)
    })
    // The open channel alone must not keep a program alive that has nothing else to do; `close` waits by itself.
    started.unref()
    started.channel?.unref()
  }
  start()

  return {
    address: () => address,
    processId: () => child?.pid,
    whenUp: (timeoutMilliseconds = startTimeoutMilliseconds) => withTimeout(up.promise, timeoutMilliseconds),
    replaceChild: () => void child?.kill('SIGKILL'),
    async close() {
      isClosed = true
      up.reject(new DatabaseError('unavailable', undefined, new Error('the database is closed')))
      const last = child
      if (last && last.exitCode === null) {
        const ended = new Promise<void>((resolve) => last.once('exit', () => resolve()))
        last.ref()
        if (last.connected) last.disconnect()
        const kill = setTimeout(() => last.kill('SIGKILL'), stopTimeoutMilliseconds)
        await ended
        clearTimeout(kill)
      }
      if (place.folder) rmSync(place.folder, { recursive: true, force: true })
    },
  }
}

/**
 * A Unix socket in a folder that only this user may enter, so that no other user of the machine reaches the database (it asks
 * for no password); Windows has no such sockets in pg and gets loopback. Not in the data folder: its path may be longer than
 * the 104 bytes that a socket's may have.
 */
function socketPlace(): { readonly folder: string | undefined; readonly listen: ChildOptions['listen'] } {
  if (process.platform === 'win32') return { folder: undefined, listen: { port: 0, host: '127.0.0.1' } }
  const folder = mkdtempSync(join(tmpdir(), 'writ-'))
  return { folder, listen: { path: join(folder, `.s.PGSQL.${socketPort}`) } }
}

function startError(dataFolder: string, message: Extract<ChildMessage, { kind: 'failed' }>): Error {
  if (message.reason === 'inUse') return new DataFolderInUse(dataFolder)
  if (message.reason === 'unwritable') return new DataFolderUnwritable(dataFolder, new Error(message.detail))
  return new DatabaseError('unavailable', undefined, new Error(`the embedded database cannot start: ${message.detail}`))
}

async function withTimeout(promise: Promise<void>, milliseconds: number): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(() => {
    late.reject(new DatabaseError('unavailable', undefined, new Error('the embedded database is not up yet')))
  }, milliseconds)
  try {
    await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
