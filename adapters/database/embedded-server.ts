// The child process of the embedded database: one PGlite behind one socket. Started by embedded.ts only.
import { once } from 'node:events'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { DataFolderInUse, DataFolderUnwritable, lockDataFolder } from './data-folder.ts'
import { unpackImage } from './unpack-image.ts'
import { serveWire } from './wire-server.ts'

/** What the parent passes as the only argument, in JSON. */
export type ChildOptions = {
  readonly dataFolder: string
  readonly listen: { readonly path: string } | { readonly port: 0; readonly host: string }
}
/** What the child says over the channel. */
export type ChildMessage =
  | { readonly kind: 'ready'; readonly host?: string; readonly port?: number }
  | { readonly kind: 'failed'; readonly reason: 'inUse' | 'unwritable' | 'broken'; readonly detail: string }

/** Smaller than PostgreSQL's 128 MB: memory is shared with a laptop, and the file system caches as well. */
const startParameters = [...PGlite.defaultStartParams, '-c', 'shared_buffers=32MB', '-c', 'max_wal_size=64MB']

const tell = (message: ChildMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })

async function serve(options: ChildOptions): Promise<void> {
  // The terminal signals the whole group; the parent drains first and then closes the channel.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const parent = process.ppid
  let close = async (): Promise<void> => {}
  let release = (): void => {}
  // The channel ends with the parent, however the parent ends. `release` is called here also so that the lock stays referenced:
  // collected as garbage it would be released.
  const end = async (): Promise<never> => {
    await close().catch(() => {})
    release()
    process.exit(0)
  }
  process.on('disconnect', () => void end())

  release = await lockDataFolder(options.dataFolder)
  const folder = join(options.dataFolder, 'pg')
  if (!existsSync(join(folder, 'PG_VERSION'))) unpackImage(folder)
  const engine = await PGlite.create(folder, { startParams: startParameters })
  // An engine that broke cannot be trusted again; the parent starts another from what is on disk.
  const server = serveWire(engine, () => process.exit(1))
  // A child that was killed leaves its socket's name behind; the folder is the parent's own.
  if ('path' in options.listen) rmSync(options.listen.path, { force: true })
  server.listen(options.listen)
  await once(server, 'listening')
  close = async () => {
    server.close()
    await engine.close()
  }
  const address = server.address()
  await tell({
    kind: 'ready',
    ...(address && typeof address === 'object' ? { host: address.address, port: address.port } : {}),
  })
  // After the start, which it would slow down.
  new Worker(new URL('./parent-watch.ts', import.meta.url), { workerData: parent }).unref()
  if (!process.connected) await end()
}

const unwritable = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EEXIST',
  'ENOENT',
  'ENOSPC',
  'EDQUOT',
  'ENAMETOOLONG',
])

function failure(error: unknown): ChildMessage {
  const cause = error instanceof DataFolderUnwritable ? error.cause : error
  const detail = cause instanceof Error ? cause.message : String(cause)
  if (error instanceof DataFolderInUse) return { kind: 'failed', reason: 'inUse', detail }
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const isUnwritable = error instanceof DataFolderUnwritable || unwritable.has(code)
  return { kind: 'failed', reason: isUnwritable ? 'unwritable' : 'broken', detail }
}

try {
  await serve(JSON.parse(process.argv[2] ?? '') as ChildOptions)
} catch (error) {
  await tell(failure(error))
  process.exit(1)
}
