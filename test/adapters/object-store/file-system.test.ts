import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openFileSystemStore } from '../../../adapters/object-store/file-system.ts'
import { type ObjectStore, ObjectStoreError } from '../../../adapters/object-store/port.ts'

let folder: string
let store: ObjectStore

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-objects-'))
  store = await openFileSystemStore(folder)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const textOf = async (stream: Readable): Promise<string> => Buffer.concat(await stream.toArray()).toString()
const files = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)

async function put(text: string): Promise<string> {
  const incoming = await store.begin()
  await incoming.write(Buffer.from(text))
  await incoming.commit()
  return incoming.name
}

describe('objects as files (modules.md §4, file system)', () => {
  test('answers what was written, whole and in ranges with both ends included', async () => {
    const name = await put('hello world')
    expect(await textOf(await store.read(name))).toBe('hello world')
    expect(await textOf(await store.read(name, { start: 6, end: 8 }))).toBe('wor')
  })

  test('shows nothing before the commit, and lists what is unfinished as such', async () => {
    const incoming = await store.begin()
    await incoming.write(Buffer.from('half'))
    await expect(store.read(incoming.name)).rejects.toMatchObject({ kind: 'notFound' })
    expect(await Array.fromAsync(store.list())).toMatchObject([{ name: incoming.name, finished: false }])
    await incoming.commit()
    expect(await Array.fromAsync(store.list())).toMatchObject([{ name: incoming.name, finished: true }])
  })

  test('an abort leaves nothing, before and after the commit', async () => {
    const early = await store.begin()
    await early.write(Buffer.from('x'))
    await early.abort()
    const late = await store.begin()
    await late.commit()
    await late.abort()
    expect(files()).toEqual([])
  })

  test('what is left is closed, stays unfinished, and can still be removed', async () => {
    const { name, write, leave } = await store.begin()
    await write(Buffer.from('half'))
    await leave()
    await leave()
    await expect(write(Buffer.from('more'))).rejects.toMatchObject({ kind: 'unavailable' })
    expect(await Array.fromAsync(store.list())).toMatchObject([{ name, finished: false }])
    await store.remove(name)
    expect(files()).toEqual([])
  })

  test('every object has a name of its own', async () => {
    expect(await put('same')).not.toBe(await put('same'))
  })

  test('a name that it did not make never becomes a path', async () => {
    for (const name of ['../../etc/passwd', '/etc/passwd', 'a'.repeat(47), `${'A'.repeat(48)}`, '']) {
      await expect(store.read(name)).rejects.toBeInstanceOf(ObjectStoreError)
      await expect(store.remove(name)).rejects.toMatchObject({ kind: 'notFound' })
    }
  })

  test('removing twice is no error', async () => {
    const name = await put('x')
    await store.remove(name)
    await store.remove(name)
    await expect(store.read(name)).rejects.toMatchObject({ kind: 'notFound' })
  })

  test('folders are for their owner only', async () => {
    await put('x')
    if (process.platform !== 'win32') expect(statSync(join(folder, 'incoming')).mode & 0o777).toBe(0o700)
  })

  test('tells when a file was last written, for the sweep', async () => {
    const name = await put('x')
    const at = new Date('2020-01-01T00:00:00Z')
    utimesSync(join(folder, 'objects', name.slice(0, 2), name), at, at)
    expect(await Array.fromAsync(store.list())).toMatchObject([{ name, modifiedAt: at.getTime() }])
  })

  test('a full disk is `full` and leaves no part', async () => {
    const mounted = mountSmall()
    if (!mounted) {
      process.stderr.write('SKIPPED: a full disk needs a machine where a small file system can be mounted\n')
      return
    }
    try {
      const small = await openFileSystemStore(mounted)
      const incoming = await small.begin()
      const fill = async () => {
        for (let written = 0; written < 4; written++) await incoming.write(Buffer.alloc(1024 * 1024))
        await incoming.commit()
      }
      await expect(fill()).rejects.toMatchObject({ kind: 'full' })
      await incoming.abort()
      expect(await Array.fromAsync(small.list())).toEqual([])
    } finally {
      execFileSync('umount', ['-l', mounted])
    }
  })
})

/** A file system of one megabyte, where this process may mount one. */
function mountSmall(): string | undefined {
  const target = join(folder, 'small')
  mkdirSync(target)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', target], { stdio: 'ignore' })
    return target
  } catch {
    return undefined
  }
}
