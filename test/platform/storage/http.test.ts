import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { signIn } from '../../kit/sign-in.ts'
import { startWrit, type WritProcess } from '../../kit/writ-process.ts'

const user = { identifier: 'ann@example.test', password: 'correct horse battery staple' }
let writ: WritProcess
let token: string

const tokenFor = async (resource: string): Promise<string> => {
  const client = { id: 'demo', redirectUri: `${writ.issuer}/demo/callback` }
  const { tokens } = await signIn({ issuer: writ.issuer, client, user, scopes: ['openid'], resource })
  return tokens.body.access_token ?? ''
}

beforeAll(async () => {
  writ = await startWrit()
  const browser = openHttpBrowser()
  await browser.open(writ.setupLink ?? '')
  await browser.submit({ email: user.identifier, password: user.password })
  token = await tokenFor(`${writ.issuer}/api`)
})
afterAll(() => writ.stop())

type Init = RequestInit & { readonly duplex?: 'half' }
const call = (path: string, init: Init = {}) =>
  fetch(`${writ.issuer}/storage/v1${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })
const object = (key: string, init: Init = {}) => call(`/buckets/demo/objects/${key}`, init)
const put = (key: string, body: RequestInit['body'], headers: { readonly [name: string]: string } = {}) =>
  object(key, {
    method: 'PUT',
    body: body ?? null,
    headers: { 'content-type': 'text/plain', ...headers },
    duplex: 'half',
  })
type Answer = {
  readonly code?: string
  readonly nextCursor?: string
  readonly items?: readonly { readonly key?: string }[]
}
const read = async (response: Response) => (await response.json()) as Answer
const codeOf = async (response: Response) => ({ status: response.status, code: (await read(response)).code })
const sha256 = (text: string, encoding: 'hex' | 'base64') => createHash('sha256').update(text).digest(encoding)

describe('objects over HTTP (modules.md §4)', () => {
  test('PUT answers 201 with the sha-256 as ETag, then 200', async () => {
    const first = await put('a.txt', 'hello')
    expect(first.status).toBe(201)
    expect(first.headers.get('etag')).toBe(`"${sha256('hello', 'hex')}"`)
    expect(await first.json()).toMatchObject({ key: 'a.txt', size: 5, contentType: 'text/plain' })
    expect((await put('a.txt', 'hello again')).status).toBe(200)
  })

  test('a chunked body is taken', async () => {
    const body = Readable.toWeb(Readable.from([Buffer.from('one '), Buffer.from('two')])) as unknown as ReadableStream
    expect((await put('chunked.txt', body)).status).toBe(201)
    expect(await (await object('chunked.txt')).text()).toBe('one two')
  })

  test('GET in whole, in part, and not at all', async () => {
    await put('r.txt', '0123456789')
    const range = async (value: string, more: object = {}) => {
      const response = await object('r.txt', { headers: { range: value, ...more } })
      return [
        response.status,
        response.headers.get('content-range'),
        response.status === 416 ? '' : await response.text(),
      ]
    }
    expect(await range('bytes=0-4')).toEqual([206, 'bytes 0-4/10', '01234'])
    expect(await range('bytes=-5')).toEqual([206, 'bytes 5-9/10', '56789'])
    expect(await range('bytes=10-')).toEqual([416, 'bytes */10', ''])
    expect(await range('bytes=0-1,4-5')).toEqual([200, null, '0123456789'])
    expect(await range('bytes=0-4', { 'if-range': '"other"' })).toEqual([200, null, '0123456789'])
    expect(await range('bytes=0-4', { 'if-range': `"${sha256('0123456789', 'hex')}"` })).toEqual([
      206,
      'bytes 0-4/10',
      '01234',
    ])
    const same = await object('r.txt', { headers: { 'if-none-match': `"${sha256('0123456789', 'hex')}"` } })
    expect([same.status, await same.text()]).toEqual([304, ''])
  })

  test('HEAD tells the length and sends nothing', async () => {
    await put('h.txt', '0123456789')
    const response = await object('h.txt', { method: 'HEAD' })
    expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '10', ''])
  })

  test('what could run in a browser is a download in a sandbox', async () => {
    await put('x.html', '<script>alert(1)</script>', { 'content-type': 'text/html' })
    const { headers } = await object('x.html')
    expect(headers.get('content-disposition')).toMatch(/^attachment;/)
    expect(headers.get('content-security-policy')).toContain('sandbox')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('conditions and digests', async () => {
    expect((await put('c.txt', 'x', { 'if-none-match': '*' })).status).toBe(201)
    expect(await codeOf(await put('c.txt', 'y', { 'if-none-match': '*' }))).toEqual({
      status: 412,
      code: 'version_conflict',
    })
    expect((await put('c.txt', 'y', { 'if-match': `"${sha256('x', 'hex')}"` })).status).toBe(200)
    expect((await put('d.txt', 'x', { 'content-digest': `sha-256=:${sha256('x', 'base64')}:` })).status).toBe(201)
    const wrong = await put('d.txt', 'x', { 'content-digest': `sha-256=:${sha256('y', 'base64')}:` })
    expect(await codeOf(wrong)).toEqual({ status: 422, code: 'digest_mismatch' })
  })

  test('lists in order with a cursor, and shows the permitted fields', async () => {
    for (const key of ['list/b', 'list/a', 'list/c']) await put(key, 'x')
    const answer = await call('/buckets/demo/objects?prefix=list/&limit=2')
    expect(answer.headers.get('writ-consistency')).toMatch(/^ct_/)
    expect(answer.headers.get('writ-policy-version')).toMatch(/^[0-9a-f]{64}$/)
    const page = await read(answer)
    expect(page.items?.map(({ key }) => key)).toEqual(['list/a', 'list/b'])
    expect(page.items?.[0]).toMatchObject({ size: 1, contentType: 'text/plain' })
    const next = await read(await call(`/buckets/demo/objects?prefix=list/&limit=2&cursor=${page.nextCursor}`))
    expect(next).toMatchObject({ items: [{ key: 'list/c' }] })
    expect(next.nextCursor).toBeUndefined()
    expect(await codeOf(await call('/buckets/demo/objects?limit=2&cursor=AAAA'))).toEqual({
      status: 400,
      code: 'invalid_cursor',
    })
    expect((await call('/buckets/demo/objects?limit=0')).status).toBe(422)
    expect((await call('/buckets/demo/objects?delimiter=/')).status).toBe(422)
  })

  test('keys that could be paths are refused (traversal corpus)', async () => {
    for (const key of [
      '..%2fx',
      '%2e%2e/x',
      'a%5Cb',
      'a%00b',
      'a%0ab',
      'a//b',
      'a/./b',
      'a%C3',
      'e%CC%81',
      `${'a'.repeat(1025)}`,
    ]) {
      const status = await rawPut(`/storage/v1/buckets/demo/objects/${key}`)
      expect([key, [400, 422].includes(status)]).toEqual([key, true])
    }
    expect(await rawPut('/storage/v1/buckets/demo/objects/a%5Cb')).toBe(422)
  })

  test('a refusal has the texts of the rules; a missing object is 404 for who may list', async () => {
    await put('kept.txt', 'x')
    const refused = await object('kept.txt', { method: 'DELETE' })
    expect(await refused.json()).toMatchObject({
      status: 403,
      code: 'access_denied',
      texts: ['Files of the sample app are kept.'],
    })
    expect((await object('nothing-here')).status).toBe(404)
    expect((await call('/buckets/nothing-here/objects')).status).toBe(403)
  })

  test('buckets: administrators of the organization create them', async () => {
    const create = await call('/buckets', {
      method: 'POST',
      body: '{"id":"mine"}',
      headers: { 'content-type': 'application/json' },
    })
    expect(await codeOf(create)).toEqual({ status: 403, code: 'access_denied' })
    expect(await (await call('/buckets/demo')).json()).toMatchObject({
      id: 'demo',
      organization: 'default',
      publicRead: false,
    })
  })
})

describe('who asks (modules.md §0, tokens)', () => {
  test('no token, a broken one, a token of another audience: 401 with a challenge', async () => {
    const without = await fetch(`${writ.issuer}/storage/v1/buckets/demo/objects`)
    expect([without.status, without.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Bearer/)])
    const broken = await call('/buckets/demo/objects', { headers: { authorization: 'Bearer x.y.z' } })
    expect(await codeOf(broken)).toEqual({ status: 401, code: 'invalid_token' })
  })
})

describe('somebody without rights (modules.md §0: a missing child is decided on its parent)', () => {
  test('gets one and the same 403 for a forbidden object, a missing one, and a missing bucket', async () => {
    const stranger = await clientToken('stranger', `${writ.issuer}/api`)
    await put('forbidden.txt', 'x')
    const paths = [
      '/buckets/demo/objects/forbidden.txt',
      '/buckets/demo/objects/missing.txt',
      '/buckets/none/objects/missing.txt',
    ]
    const answers = await Promise.all(
      paths.map(async (path) => {
        const response = await call(path, { headers: { authorization: `Bearer ${stranger}` } })
        const { requestId: _, decisionId: __, ...body } = (await response.json()) as { [name: string]: unknown }
        return { status: response.status, body }
      }),
    )
    expect(answers[0]).toMatchObject({ status: 403, body: { code: 'access_denied' } })
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
  })

  test('a token of another audience is no token here', async () => {
    const other = await clientToken('other-audience', `${writ.issuer}/access`)
    const answer = await call('/buckets/demo/objects', { headers: { authorization: `Bearer ${other}` } })
    expect(await codeOf(answer)).toEqual({ status: 401, code: 'invalid_token' })
  })

  /** A client of its own, made over the admin API with the command line's key. */
  const clientToken = async (clientId: string, resource: string): Promise<string> => {
    const key = readFileSync(join(writ.dataFolder, 'cli-token'), 'utf8').trim()
    const made = await fetch(`${writ.issuer}/admin/v1/clients`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: clientId, clientId, grantTypes: ['client_credentials'], scope: 'access' }),
    })
    const { clientSecret } = (await made.json()) as { readonly clientSecret: string }
    const answer = await fetch(`${writ.issuer}/oauth2/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
    })
    return ((await answer.json()) as { readonly access_token: string }).access_token
  }
})

describe('large and broken uploads', () => {
  test('100 MiB pass through in less than 64 MiB of memory', async () => {
    const pid = serverProcess()
    const block = Buffer.alloc(1024 * 1024, 1)
    const thereAndBack = async (name: string, mebibytes: number): Promise<void> => {
      const chunks = Readable.from(
        (function* () {
          for (let index = 0; index < mebibytes; index++) yield block
        })(),
      )
      expect((await put(name, Readable.toWeb(chunks) as unknown as ReadableStream)).status).toBe(201)
      let size = 0
      for await (const chunk of (await object(name)).body ?? []) size += chunk.byteLength
      expect(size).toBe(mebibytes * 1024 * 1024)
    }
    // What a first upload of any size loads and compiles is not what this is about.
    await thereAndBack('small.bin', 8)
    const before = peak(pid)
    await thereAndBack('large.bin', 100)
    if (before !== undefined) expect((peak(pid) ?? 0) - before).toBeLessThan(64 * 1024)
  })

  test('a body that stops half way leaves neither object nor file', async () => {
    const before = storedFiles()
    await new Promise<void>((resolve) => {
      const sent = request(`${writ.issuer}/storage/v1/buckets/demo/objects/half.bin`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, 'content-length': 1_000_000 },
      })
      sent.on('error', () => resolve())
      sent.write(Buffer.alloc(100_000), () => setTimeout(() => sent.destroy(new Error('gone')), 50))
    })
    expect((await object('half.bin')).status).toBe(404)
    await until(() => storedFiles().length === before.length)
    expect(storedFiles()).toEqual(before)
  })

  test('kill -9 in the middle leaves neither object, file nor reservation, and the next start works', async () => {
    const before = storedFiles()
    const { port } = new URL(writ.issuer)
    const sent = request(`${writ.issuer}/storage/v1/buckets/demo/objects/killed.bin`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-length': 900 * 1024 ** 2 },
    })
    sent.on('error', () => {})
    await new Promise<void>((resolve) => sent.write(Buffer.alloc(1_000_000), () => resolve()))
    await until(() => storedFiles().length > before.length)
    await writ.stop({ signal: 'SIGKILL', keep: true })
    writ = await startWrit({ PORT: port, WRIT_DATA: writ.dataFolder })
    expect((await object('killed.bin')).status).toBe(404)
    expect(storedFiles()).toEqual(before)
    // Nothing holds the 900 MiB any more.
    expect((await put('after.txt', 'x')).status).toBe(201)
    const room = { 'content-length': String(800 * 1024 ** 2) }
    expect(await announced('room.bin', room)).not.toBe(403)
  })

  const until = async (isDone: () => boolean): Promise<void> => {
    const end = Date.now() + 5_000
    while (!isDone() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20))
  }
  /** The status that comes before the body is sent, or 0 where the server waits for it. */
  const announced = (key: string, headers: { readonly [name: string]: string }): Promise<number> =>
    new Promise((resolve) => {
      const sent = request(`${writ.issuer}/storage/v1/buckets/demo/objects/${key}`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${token}`, ...headers },
      })
      const settle = (status: number) => {
        resolve(status)
        sent.destroy()
      }
      sent.on('response', (response) => settle(response.statusCode ?? 0))
      sent.on('error', () => settle(0))
      sent.write('x', () => setTimeout(() => settle(0), 100))
    })

  const storedFiles = (): string[] =>
    readdirSync(join(writ.dataFolder, 'objects'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort()
  const serverProcess = (): number => writ.child.pid ?? 0
  /** Peak resident memory in KiB, where the system tells it. */
  const peak = (pid: number): number | undefined => {
    try {
      return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    } catch {
      return undefined
    }
  }
})

/** fetch tidies paths up; an attacker does not. */
const rawPut = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(writ.issuer)
    const sent = request(
      { hostname, port, path, method: 'PUT', headers: { authorization: `Bearer ${token}` } },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    sent.on('error', reject)
    sent.end('x')
  })
