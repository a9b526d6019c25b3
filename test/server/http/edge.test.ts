import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

type Raw = { readonly status: number; readonly headers: { readonly [name: string]: unknown }; readonly body: string }

/** As sent: no normalisation of path or headers, as fetch would do. */
function raw(
  path: string,
  options: {
    readonly method?: string
    readonly headers?: { readonly [name: string]: string }
    readonly body?: string | Buffer
  } = {},
): Promise<Raw> {
  const { hostname, port } = new URL(server.url)
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      hostname,
      port,
      path,
      method: options.method ?? 'GET',
      headers: { ...options.headers },
      agent: false,
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.end(options.body)
  })
}

const codeOf = ({ body }: Raw): string => (JSON.parse(body) as { code: string }).code

const createUser = (body: string | Buffer, headers: { readonly [name: string]: string } = {}) =>
  raw('/admin/v1/users', {
    method: 'POST',
    body,
    headers: { authorization: `Bearer ${server.adminToken()}`, 'content-type': 'application/json', ...headers },
  })

describe('one door for bodies (modules.md §0, input)', () => {
  test.each([
    ['text that is no JSON', '{"a":', 400, 'malformed_json'],
    ['a duplicate member', '{"email":"a@b.c","email":"d@e.f"}', 400, 'malformed_json'],
    ['NUL', '{"email":"a\\u0000@b.c"}', 400, 'malformed_json'],
    ['more than 64 levels', '['.repeat(65) + ']'.repeat(65), 400, 'malformed_json'],
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'malformed_json'],
    ['an unknown member', '{"email":"a@b.example","isAdmin":true}', 422, 'unknown_field'],
    ['10 MB', Buffer.alloc(10 * 1024 * 1024, 0x20), 413, 'body_too_large'],
  ])('refuses %s', async (_, body, status, code) => {
    const answer = await createUser(body)
    expect([answer.status, codeOf(answer)]).toEqual([status, code])
    expect(answer.headers['content-type']).toBe('application/problem+json')
  })

  test('refuses another media type, another charset and a compressed body (415)', async () => {
    expect(codeOf(await createUser('{}', { 'content-type': 'text/plain' }))).toBe('unsupported_media_type')
    expect((await createUser('{}', { 'content-type': 'application/json; charset=latin1' })).status).toBe(415)
    expect((await createUser('{}', { 'content-encoding': 'gzip' })).status).toBe(415)
  })

  test('points at each mistake (422)', async () => {
    const answer = await createUser('{"email":7}')
    const { errors } = JSON.parse(answer.body) as { errors: { pointer: string }[] }
    expect(errors.map(({ pointer }) => pointer)).toContain('/email')
  })
})

describe('paths have one form (security.md 7)', () => {
  test.each([
    '//admin/v1/users',
    '/admin/v1//users',
    '/admin/./v1',
    '/admin/../admin/v1/users',
    '/admin/%2e%2e/admin',
    '/admin/%2E/v1',
    '/admin/v1/..%2fusers',
    '/admin\\v1',
    '/%61dmin/v1/users',
    '/admin/%00',
    '/admin/%ff',
  ])('refuses %s', async (path) => {
    const answer = await raw(path)
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_path'])
  })

  test('keeps an encoded slash inside its segment', async () => {
    expect((await raw('/admin/v1/users/a%2Fb')).status).toBe(401)
    expect((await raw('/admin/v1%2Fusers')).status).toBe(404)
  })

  test('a path that is too long is 414', async () => {
    expect((await raw(`/${'a'.repeat(8 * 1024)}`)).status).toBe(414)
  })

  test('another method is 405 with Allow, another path 404', async () => {
    const answer = await raw('/metrics', { method: 'PUT' })
    expect([answer.status, answer.headers.allow, codeOf(answer)]).toEqual([405, 'GET', 'method_not_allowed'])
    expect(codeOf(await raw('/nothing'))).toBe('not_found')
  })
})

describe('headers of a stranger count for nothing (security.md 6)', () => {
  const hosts = [
    { host: 'evil.example' },
    { 'x-forwarded-host': 'evil.example' },
    { 'x-forwarded-proto': 'https' },
    { forwarded: 'for=203.0.113.9;host=evil.example;proto=https' },
    { 'x-original-url': '/admin/v1/users' },
    { 'x-rewrite-url': '/admin/v1/users' },
  ]
  test.each(hosts)('%j changes no link', async (headers) => {
    for (const path of [
      '/.well-known/openid-configuration',
      '/.well-known/authzen-configuration',
      '/admin/v1/users',
      '/nothing',
    ]) {
      const plain = await raw(path)
      const swept = await raw(path, { headers })
      expect([swept.status, `${swept.body}${JSON.stringify(swept.headers)}`.includes('evil.example')]).toEqual([
        plain.status,
        false,
      ])
    }
  })

  test('a forwarded address is not the address without a trusted proxy', async () => {
    await raw('/nothing', { headers: { 'x-forwarded-for': '203.0.113.9', 'x-request-id': 'address-1' } })
    const line = server.log.find((entry) => entry.includes('"address-1"') && entry.includes('"request"'))
    expect(JSON.parse(line ?? '{}')).toMatchObject({ ip: '127.0.0.1' })
  })
})

describe('every answer', () => {
  test('carries the security headers and no CORS header', async () => {
    const { headers } = await raw('/nothing', { headers: { origin: 'https://evil.example' } })
    expect(headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  test('echoes a printable request id and makes one for anything else', async () => {
    expect((await raw('/nothing', { headers: { 'x-request-id': 'my-id' } })).headers['x-request-id']).toBe('my-id')
    expect((await raw('/nothing', { headers: { 'x-request-id': 'a b' } })).headers['x-request-id']).toMatch(/^req_/)
    expect((await raw('/nothing', { headers: { 'x-request-id': 'a'.repeat(201) } })).headers['x-request-id']).toMatch(
      /^req_/,
    )
  })
})

describe('credentials at a route (modules.md §0, tokens)', () => {
  test.each([
    ['none', {}, 'authentication_required'],
    ['an unknown token', { authorization: 'Bearer abc' }, 'invalid_token'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'invalid_token'],
    ['no token', { authorization: 'Bearer' }, 'invalid_token'],
    ['an oversize token', { authorization: `Bearer ${'a'.repeat(9000)}` }, 'invalid_token'],
  ])('%s: 401 with a challenge', async (_, headers, code) => {
    const answer = await raw('/metrics', { headers })
    expect([answer.status, codeOf(answer)]).toEqual([401, code])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('metrics stand behind a decision', async () => {
    const answer = await raw('/metrics', { headers: { authorization: `Bearer ${server.adminToken()}` } })
    expect(answer.status).toBe(200)
    expect(answer.body).toContain('writ_decisions_total{outcome="allow"}')
  })
})

describe('the development inbox (surface.md, /dev/mail)', () => {
  test('shows mails as text, whatever markup they hold', async () => {
    await server.kernel.mailer.send({
      to: 'a@b.example',
      subject: '<script>1</script>',
      text: 'hello',
      category: 'account',
    })
    const { status, body } = await raw('/dev/mail')
    expect(status).toBe(200)
    expect(body).toContain('&lt;script&gt;1&lt;/script&gt;')
  })
})

describe('health (surface.md)', () => {
  test('live and ready say so to anyone', async () => {
    expect(JSON.parse((await raw('/health/live')).body)).toEqual({ status: 'live' })
    expect(JSON.parse((await raw('/health/ready')).body)).toMatchObject({
      status: 'ready',
      checks: { database: true, policy: true },
    })
  })
})
