import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'

/**
 * Makes `folder` a fresh database from the pre-initialised image, in about a tenth of the time that initdb takes.
 * ORDER: unpack beside, then rename: a start that is killed half-way leaves no half database.
 */
export function unpackImage(folder: string): void {
  const beside = `${folder}.new`
  rmSync(beside, { recursive: true, force: true })
  mkdirSync(beside, { recursive: true, mode: 0o700 })
  const manifest = createRequire(import.meta.url).resolve('@electric-sql/pglite-prepopulatedfs')
  const tar = gunzipSync(readFileSync(join(dirname(manifest), 'prepopulatedfs.tgz')))
  for (const entry of entries(tar)) {
    const path = join(beside, entry.name)
    if (entry.isFolder) mkdirSync(path, { recursive: true, mode: 0o700 })
    else writeFileSync(path, entry.content, { mode: 0o600 })
  }
  renameSync(beside, folder)
}

type Entry = { readonly name: string; readonly isFolder: boolean; readonly content: Uint8Array }

const block = 512

/** The entries of a ustar archive (POSIX.1-1988); the image holds plain files and folders only. */
function* entries(tar: Buffer): Generator<Entry> {
  for (let at = 0; at + block <= tar.length; ) {
    const name = field(tar, at, 100)
    if (name === '') return
    const size = Number.parseInt(field(tar, at + 124, 12), 8)
    const start = at + block
    yield { name, isFolder: tar[at + 156] === 0x35, content: tar.subarray(start, start + size) }
    at = start + Math.ceil(size / block) * block
  }
}

function field(tar: Buffer, start: number, length: number): string {
  const text = tar.toString('latin1', start, start + length)
  const end = text.indexOf('\0')
  return end === -1 ? text : text.slice(0, end)
}
