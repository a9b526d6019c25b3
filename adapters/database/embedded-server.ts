// The child process of the embedded database: one PGlite behind one socket. Started by embedded.ts only.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { PGLiteSocketServer } from '@electric-sql/pglite-socket'
import { DataFolderInUse, DataFolderUnwritable, lockDataFolder } from './data-folder.ts'
import { unpackImage } from './unpack-image.ts'

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

/** More than the one that is used, so that a new connection need not wait until the old one's end was noticed. */
const maximumConnections = 8

const tell = (message: ChildMessage): Promise<void> =>
  new Promise((resolve) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => resolve())
    else resolve()
  })

async function serve(options: ChildOptions): Promise<void> {
  // The terminal signals the whole group; the parent drains first and then closes the channel.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  let close = async (): Promise<void> => {}
  // The channel ends with the parent, however the parent ends.
  process.on('disconnect', () => void close().finally(() => process.exit(0)))

  await lockDataFolder(options.dataFolder)
  const folder = join(options.dataFolder, 'pg')
  if (!existsSync(join(folder, 'PG_VERSION'))) unpackImage(folder)
  const engine = await PGlite.create(folder, { startParams: startParameters })
  const server = new PGLiteSocketServer({ db: engine, maxConnections: maximumConnections, ...options.listen })
  await server.start()
  close = async () => {
    await server.stop()
    await engine.close()
  }
  const [host = '127.0.0.1', port = '0'] = server.getServerConn().split(':')
  await tell({ kind: 'ready', ...('port' in options.listen ? { host, port: Number(port) } : {}) })
  if (!process.connected) await close().finally(() => process.exit(0))
}

try {
  await serve(JSON.parse(process.argv[2] ?? '') as ChildOptions)
} catch (error) {
  const detail =
    error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error)
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const unwritable = error instanceof DataFolderUnwritable || /^E[A-Z]+$/.test(code)
  await tell({
    kind: 'failed',
    reason: error instanceof DataFolderInUse ? 'inUse' : unwritable ? 'unwritable' : 'broken',
    detail,
  })
  process.exit(1)
}
