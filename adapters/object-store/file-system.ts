import { randomBytes } from 'node:crypto'
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { type ByteRange, type IncomingObject, type ObjectStore, ObjectStoreError, type StoredName } from './port.ts'

/**
 * Objects as files: `incoming/<name>` while they arrive, then `objects/<first two letters>/<name>`.
 * A file is written, synced and only then renamed, and its folder synced, so that a kill at any point leaves either the whole
 * object or a file in `incoming` that no reader sees (modules.md §4).
 */
export async function openFileSystemStore(folder: string): Promise<ObjectStore> {
  const incoming = join(folder, 'incoming')
  const objects = join(folder, 'objects')
  await translate(async () => {
    await mkdir(incoming, { recursive: true, mode: 0o700 })
    await mkdir(objects, { recursive: true, mode: 0o700 })
  })
  const pathOf = (name: string) => join(objects, name.slice(0, 2), name)

  return {
    begin: () => translate(() => beginFile(incoming, pathOf)),
    read: (name, range) => translate(() => readFile(pathOf(checkName(name)), range)),
    remove: (name) =>
      translate(async () => {
        await rm(pathOf(checkName(name)), { force: true })
        await rm(join(incoming, name), { force: true })
      }),
    async *list() {
      yield* listFolder(incoming, false)
      for await (const shard of await opendir(objects)) {
        if (shard.isDirectory()) yield* listFolder(join(objects, shard.name), true)
      }
    },
  }
}

/** Lower-case hex: safe on file systems that ignore case. */
const namePattern = /^[0-9a-f]{48}$/

/** INVARIANT: a name that we did not make never becomes a path. */
function checkName(name: string): string {
  if (!namePattern.test(name)) throw new ObjectStoreError('notFound')
  return name
}

async function beginFile(incoming: string, pathOf: (name: string) => string): Promise<IncomingObject> {
  const name = randomBytes(24).toString('hex')
  const path = join(incoming, name)
  // ORDER: `wx` refuses a file that is already there, so content is never overwritten.
  const file = await open(path, 'wx', 0o600)
  return {
    name,
    write: (chunk) => translate(() => writeWhole(file, chunk)),
    commit: () =>
      translate(async () => {
        await file.sync()
        await file.close()
        const target = pathOf(name)
        await mkdir(dirname(target), { recursive: true, mode: 0o700 })
        await rename(path, target)
        await syncFolder(dirname(target))
      }),
    // A handle that is merely forgotten ends the process when it is collected.
    leave: () => file.close().catch(() => undefined),
    async abort() {
      await file.close().catch(() => undefined)
      await rm(path, { force: true }).catch(() => undefined)
      await rm(pathOf(name), { force: true }).catch(() => undefined)
    },
  }
}

async function writeWhole(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0
  while (offset < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, offset, chunk.byteLength - offset)
    offset += bytesWritten
  }
}

async function readFile(path: string, range: ByteRange | undefined): Promise<Readable> {
  const file = await open(path, 'r')
  return file.createReadStream(range ? { start: range.start, end: range.end } : {})
}

/** Without it the rename itself may be lost in a power cut. Windows cannot open folders, and needs no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function* listFolder(folder: string, finished: boolean): AsyncGenerator<StoredName> {
  for await (const entry of await opendir(folder)) {
    if (!entry.isFile() || !namePattern.test(entry.name)) continue
    // Removed between listing and looking: nothing to report.
    const found = await stat(join(folder, entry.name)).catch(() => undefined)
    if (found) yield { name: entry.name, finished, modifiedAt: found.mtimeMs }
  }
}

const kinds: { readonly [code: string]: 'full' | 'notFound' } = {
  ENOSPC: 'full',
  EDQUOT: 'full',
  EFBIG: 'full',
  ENOENT: 'notFound',
}

async function translate<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof ObjectStoreError) throw error
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
    throw new ObjectStoreError(kinds[code] ?? 'unavailable', error)
  }
}
