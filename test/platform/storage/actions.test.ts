import { createHash } from 'node:crypto'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ObjectStore } from '../../../adapters/object-store/port.ts'
import { ObjectStoreError } from '../../../adapters/object-store/port.ts'
import { openObject, removeObject } from '../../../platform/storage/actions.ts'
import { listObjects } from '../../../platform/storage/list-page.ts'
import { openStorageStore } from '../../../platform/storage/store.ts'
import { releaseUploads, sweep } from '../../../platform/storage/sweep.ts'
import { describeWith } from '../../kit/availability.ts'
import { realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { openStorageStand, type StorageStand } from './storage-stand.ts'

let stand: StorageStand
let count = 0
/** A bucket of its own for each test. */
const fresh = (quota = 1_000_000) => stand.bucket(`b${++count}`, quota)

beforeAll(async () => {
  stand = await openStorageStand()
})
afterAll(() => stand.close())
beforeEach(() => stand.allow(() => true))

const textOf = async (stream: Readable): Promise<string> => Buffer.concat(await stream.toArray()).toString()
const digestOf = (text: string): string => `sha-256=:${createHash('sha256').update(text).digest('base64')}:`

describe('uploads (modules.md §4)', () => {
  test('store the bytes, count them, and name the content by its sha-256', async () => {
    const bucket = await fresh()
    const { object, created } = await stand.put(bucket, 'a.txt', 'hello')
    expect(created).toBe(true)
    expect(object.sha256).toBe(createHash('sha256').update('hello').digest('hex'))
    expect(await textOf(await openObject(stand.storage, object))).toBe('hello')
    expect(await stand.numbers(bucket.id)).toEqual({ used: 5, reserved: 0, uploads: 0 })
  })

  test('a second one under the same key is a new version of the same object, with its first owner', async () => {
    const bucket = await fresh()
    const first = await stand.put(bucket, 'a', 'one')
    const other = { ...stand.scope, subject: { kind: 'entity', type: 'User', id: 'somebody' } as const }
    const second = await stand.put(bucket, 'a', 'second', { scope: other })
    expect(second.created).toBe(false)
    expect(second.object).toMatchObject({ id: first.object.id, owner: { id: 'u' }, size: 6 })
    expect(await textOf(await openObject(stand.storage, first.object))).toBe('one')
  })

  test('replacing asks `replace`, and a no leaves everything as it was', async () => {
    const bucket = await fresh()
    await stand.put(bucket, 'a', 'one')
    const before = stand.files()
    stand.allow(({ action }) => action !== 'replace')
    await expect(stand.put(bucket, 'a', 'two')).rejects.toMatchObject({ kind: { code: 'access_denied' } })
    expect(await stand.numbers(bucket.id)).toEqual({ used: 3, reserved: 0, uploads: 0 })
    expect(stand.files()).toEqual(before)
  })

  test('a chunked body is judged again with its size before it counts', async () => {
    const bucket = await fresh()
    stand.allow(({ action, context }) => action !== 'upload' || Number(context?.size) <= 10)
    await stand.put(bucket, 'small', '0123456789')
    await expect(stand.put(bucket, 'big', '0123456789x')).rejects.toMatchObject({ kind: { code: 'access_denied' } })
    expect(await stand.numbers(bucket.id)).toEqual({ used: 10, reserved: 0, uploads: 0 })
  })

  test('Content-Digest is checked (RFC 9530)', async () => {
    const bucket = await fresh()
    await stand.put(bucket, 'a', 'x', { contentDigest: digestOf('x') })
    await expect(stand.put(bucket, 'b', 'x', { contentDigest: digestOf('y') })).rejects.toMatchObject({
      kind: { code: 'digest_mismatch' },
    })
    await expect(stand.put(bucket, 'b', 'x', { contentDigest: 'sha-256=x' })).rejects.toMatchObject({
      kind: { code: 'digest_malformed' },
    })
    expect(await stand.store.findObject(bucket.id, 'b')).toBeUndefined()
  })

  test('If-None-Match: * creates only, If-Match replaces only what it names', async () => {
    const bucket = await fresh()
    const { object } = await stand.put(bucket, 'a', 'one', { conditions: { ifNoneMatch: '*' } })
    const conflict = { kind: { code: 'version_conflict' } }
    await expect(stand.put(bucket, 'a', 'two', { conditions: { ifNoneMatch: '*' } })).rejects.toMatchObject(conflict)
    await expect(stand.put(bucket, 'a', 'two', { conditions: { ifMatch: '"00"' } })).rejects.toMatchObject(conflict)
    await stand.put(bucket, 'a', 'two', { conditions: { ifMatch: `"${object.sha256}"` } })
  })

  test('of many that create one key at once exactly one does', async () => {
    const bucket = await fresh()
    const tries = Array.from({ length: 8 }, (_, index) =>
      stand.put(bucket, 'one', `text ${index}`, { conditions: { ifNoneMatch: '*' } }),
    )
    const settled = await Promise.allSettled(tries)
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(await stand.numbers(bucket.id)).toEqual({ used: 6, reserved: 0, uploads: 0 })
  })

  test('a body shorter or longer than announced is refused and leaves nothing', async () => {
    const bucket = await fresh()
    for (const size of [4, 6]) {
      await expect(stand.put(bucket, 'a', 'hello', { size })).rejects.toMatchObject({
        kind: { code: 'upload_incomplete' },
      })
    }
    expect(await stand.numbers(bucket.id)).toEqual({ used: 0, reserved: 0, uploads: 0 })
  })

  test('a caller that goes away leaves nothing', async () => {
    const bucket = await fresh()
    const before = stand.files()
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from('half')
        throw new Error('aborted')
      })(),
    )
    await expect(stand.put(bucket, 'a', broken, { size: 10 })).rejects.toThrow('aborted')
    expect(await stand.numbers(bucket.id)).toEqual({ used: 0, reserved: 0, uploads: 0 })
    expect(stand.files()).toEqual(before)
  })

  test('larger than an object may be is 413, announced or not', async () => {
    const bucket = await fresh()
    const small = { ...stand.storage, settings: { ...stand.storage.settings, maxObjectBytes: 4 } }
    const { upload } = await import('../../../platform/storage/actions.ts')
    const request = {
      scope: stand.scope,
      judgement: stand.judgement,
      bucket,
      key: 'a',
      contentType: 'x/y',
      contentDigest: undefined,
      conditions: {},
    }
    const send = (text: string, size?: number) =>
      upload(small, { ...request, stream: Readable.from([Buffer.from(text)]), ...(size === undefined ? {} : { size }) })
    await expect(send('12345', 5)).rejects.toMatchObject({ kind: { code: 'too_large', status: 413 } })
    await expect(send('12345')).rejects.toMatchObject({ kind: { code: 'too_large' } })
    await send('1234', 4)
  })

  test('a full disk is 507 and leaves neither part nor reservation', async () => {
    const bucket = await fresh()
    const { upload } = await import('../../../platform/storage/actions.ts')
    const objects: ObjectStore = {
      ...stand.storage.objects,
      begin: async () => ({
        ...(await stand.storage.objects.begin()),
        write: async () => {
          throw new ObjectStoreError('full')
        },
      }),
    }
    const before = stand.files()
    const request = {
      scope: stand.scope,
      judgement: stand.judgement,
      bucket,
      key: 'a',
      contentType: 'x/y',
      contentDigest: undefined,
      conditions: {},
      size: 1,
    }
    await expect(
      upload({ ...stand.storage, objects }, { ...request, stream: Readable.from([Buffer.from('x')]) }),
    ).rejects.toMatchObject({ kind: { code: 'storage_full', status: 507 } })
    expect(await stand.numbers(bucket.id)).toEqual({ used: 0, reserved: 0, uploads: 0 })
    expect(stand.files()).toEqual(before)
  })
})

describe('quota (modules.md §4)', () => {
  test.each([
    ['of announced sizes', 10],
    ['of unknown sizes', undefined],
  ])('64 parallel uploads %s cannot exceed it', async (_, size) => {
    const bucket = await fresh(105)
    const tries = Array.from({ length: 64 }, (_unused, index) =>
      stand.put(bucket, `k${index}`, '0123456789', size === undefined ? {} : { size }),
    )
    const settled = await Promise.allSettled(tries)
    const codes = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason.kind?.code] : []))
    expect(codes).toEqual(Array(54).fill('quota_exceeded'))
    expect(await stand.numbers(bucket.id)).toEqual({ used: 100, reserved: 0, uploads: 0 })
  })

  test('the last byte fits, the next does not', async () => {
    const bucket = await fresh(5)
    await stand.put(bucket, 'a', '12345', { size: 5 })
    await expect(stand.put(bucket, 'b', 'x', { size: 1 })).rejects.toMatchObject({
      kind: { code: 'quota_exceeded', status: 403 },
    })
  })
})

describe('lists (modules.md §0)', () => {
  const keysOf = (page: Awaited<ReturnType<typeof listObjects>>) => page.items.map(({ row }) => row.key)
  const scopeOf = (id: string) => ({ ...stand.scope, subject: { kind: 'entity', type: 'User', id } as const })

  test('pages are full although most rows are hidden, and the cursor ends where nothing visible follows', async () => {
    const bucket = await fresh()
    for (let index = 0; index < 30; index++) await stand.put(bucket, `k${String(index).padStart(2, '0')}`, 'x')
    stand.allow(({ entities }) => /[05]$/.test(String(entities?.[0]?.attributes.get('key'))))
    const first = await listObjects(stand.storage, stand.scope, bucket, { prefix: '', limit: 4 })
    expect(keysOf(first)).toEqual(['k00', 'k05', 'k10', 'k15'])
    const { nextCursor: cursor } = first
    const second = await listObjects(stand.storage, stand.scope, bucket, { prefix: '', limit: 4, cursor })
    expect(keysOf(second)).toEqual(['k20', 'k25'])
    expect(second.nextCursor).toBeUndefined()
  })

  test('a page that ends with the last visible row has no cursor', async () => {
    const bucket = await fresh()
    for (const key of ['a', 'b', 'c']) await stand.put(bucket, key, 'x')
    stand.allow(({ entities }) => entities?.[0]?.attributes.get('key') !== 'c')
    const page = await listObjects(stand.storage, stand.scope, bucket, { prefix: '', limit: 2 })
    expect(page.nextCursor).toBeUndefined()
  })

  test('more rows than are read at a time', async () => {
    const bucket = await fresh()
    const object = (await stand.put(bucket, 'zz', 'x')).object
    for (let index = 0; index < 410; index++) {
      const id = `o${bucket.id}${index}`
      await stand.store.insertObject({ ...object, id, key: `k${index}`, physicalName: id }, id)
    }
    stand.allow(({ entities }) => entities?.[0]?.attributes.get('key') === 'zz')
    expect(keysOf(await listObjects(stand.storage, stand.scope, bucket, { prefix: '', limit: 5 }))).toEqual(['zz'])
  })

  test('in order of code points, and below a prefix that may hold any character', async () => {
    const bucket = await fresh()
    for (const key of ['b', 'a/2', 'a/10', 'a%', 'a_', 'ab', '가', 'Z']) await stand.put(bucket, key, 'x')
    const all = await listObjects(stand.storage, stand.scope, bucket, { prefix: '', limit: 50 })
    expect(keysOf(all)).toEqual(['Z', 'a%', 'a/10', 'a/2', 'a_', 'ab', 'b', '가'])
    const below = await listObjects(stand.storage, stand.scope, bucket, { prefix: 'a_', limit: 50 })
    expect(keysOf(below)).toEqual(['a_'])
  })

  test('a cursor is bound to list, prefix and subject; anything else is 400', async () => {
    const bucket = await fresh()
    for (const key of ['a', 'b']) await stand.put(bucket, key, 'x')
    const { nextCursor = '' } = await listObjects(stand.storage, stand.scope, bucket, { prefix: '', limit: 1 })
    const refused = { kind: { code: 'invalid_cursor', status: 400 } }
    const ask = (cursor: string, prefix = '', scope = stand.scope) =>
      listObjects(stand.storage, scope, bucket, { prefix, limit: 1, cursor })
    await expect(ask(nextCursor, 'a')).rejects.toMatchObject(refused)
    await expect(ask(nextCursor, '', scopeOf('eve'))).rejects.toMatchObject(refused)
    await expect(ask(`${nextCursor.slice(0, -4)}AAAA`)).rejects.toMatchObject(refused)
    for (const junk of ['', 'x', 'a'.repeat(5000), Buffer.from('{"after":"a"}').toString('base64url')]) {
      await expect(ask(junk)).rejects.toMatchObject(refused)
    }
    expect(Buffer.from(nextCursor, 'base64url').toString()).not.toContain('"a"')
  })
})

describe('removing and sweeping', () => {
  test('hides the object, keeps its bytes for 30 days, then gives them back', async () => {
    const bucket = await fresh()
    const { object } = await stand.put(bucket, 'a', 'hello')
    await removeObject(stand.storage, stand.scope, object, stand.judgement)
    expect(await stand.store.findObject(bucket.id, 'a')).toBeUndefined()
    await sweep(stand.storage)
    expect(await stand.numbers(bucket.id)).toMatchObject({ used: 5 })
    stand.clock.advance(30 * 86_400_000 + 1)
    await sweep(stand.storage)
    expect(await stand.numbers(bucket.id)).toMatchObject({ used: 0 })
    await expect(openObject(stand.storage, object)).rejects.toMatchObject({ kind: { code: 'storage_unavailable' } })
  })

  test('a key whose object was removed is free again', async () => {
    const bucket = await fresh()
    const { object } = await stand.put(bucket, 'a', 'one')
    await removeObject(stand.storage, stand.scope, object, stand.judgement)
    expect((await stand.put(bucket, 'a', 'two')).object.id).not.toBe(object.id)
  })

  test('removing what somebody replaced meanwhile is refused', async () => {
    const bucket = await fresh()
    const { object } = await stand.put(bucket, 'a', 'one')
    await stand.put(bucket, 'a', 'two')
    await expect(removeObject(stand.storage, stand.scope, object, stand.judgement)).rejects.toMatchObject({
      kind: { code: 'object_gone' },
    })
  })

  test('takes uploads that nobody finishes and files without a row, and nothing else', async () => {
    const bucket = await fresh(100)
    const { object } = await stand.put(bucket, 'kept', 'x')
    const dead = await stand.storage.objects.begin()
    const reservation = {
      id: 'dead',
      bucketId: bucket.id,
      physicalName: dead.name,
      bytes: 50,
      expiresAt: stand.clock.now() - 1,
    }
    await stand.store.reserve(reservation)
    await dead.leave()
    const orphan = await stand.storage.objects.begin()
    await orphan.commit()
    const old = new Date(stand.clock.now() - 25 * 3_600_000)
    for (const name of [orphan.name, object.physicalName])
      utimesSync(join(stand.folder, 'objects', name.slice(0, 2), name), old, old)
    await sweep(stand.storage)
    expect(await stand.numbers(bucket.id)).toEqual({ used: 1, reserved: 0, uploads: 0 })
    expect(stand.files()).toContain(object.physicalName)
    expect(stand.files()).not.toContain(orphan.name)
    expect(stand.files()).not.toContain(dead.name)
  })

  test('at the start of a single node every reservation is dead', async () => {
    const bucket = await fresh(100)
    await stand.store.reserve({
      id: 'killed',
      bucketId: bucket.id,
      physicalName: 'f'.repeat(48),
      bytes: 100,
      expiresAt: stand.clock.now() + 1e9,
    })
    await releaseUploads(stand.storage, 'main')
    expect(await stand.numbers(bucket.id)).toMatchObject({ reserved: 0 })
  })
})

describe('tenants', () => {
  test("a store cannot see another tenant's rows", async () => {
    const bucket = await fresh()
    await stand.put(bucket, 'a', 'x')
    const other = openStorageStore(stand.storage.kernel.database, 'other')
    expect(await other.findBucket(bucket.id)).toBeUndefined()
    expect(await other.findObject(bucket.id, 'a')).toBeUndefined()
    expect(await other.reserve({ id: 'x', bucketId: bucket.id, physicalName: 'y', bytes: 1, expiresAt: 0 })).toBe(false)
  })
})

describeWith(realPostgresNeed, 'quota on a real PostgreSQL, where uploads truly run at once', () => {
  test('64 parallel uploads cannot exceed it', async () => {
    const postgres = await startRealPostgres()
    const real = await openStorageStand({ url: await postgres.createDatabase() })
    try {
      const bucket = await real.bucket('b', 105)
      const tries = Array.from({ length: 64 }, (_, index) =>
        real.put(bucket, `k${index}`, '0123456789', index % 2 ? { size: 10 } : {}),
      )
      const settled = await Promise.allSettled(tries)
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
      expect(await real.numbers('b')).toEqual({ used: 100, reserved: 0, uploads: 0 })
    } finally {
      await real.close()
      await postgres.stop()
    }
  })
})
