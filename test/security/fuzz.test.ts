import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { fault, hostileBodies, hostileQueries, hostileSegments, hostileValues, long } from './hostile.ts'
import { openStand, type RawAnswer, type RawRequest, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
}, 60_000)
afterAll(() => stand?.close())

type Case = { readonly path: string; readonly request: RawRequest }
type Schema = {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly required?: readonly string[]
  readonly properties?: { readonly [name: string]: Schema }
}
type Operation = {
  readonly requestBody?: { readonly content: { readonly [type: string]: { readonly schema: Schema } } }
}

const asAdmin = () => ({ authorization: `Bearer ${stand.token}` })

/** Faults of the answers; a request takes part in the message as it was sent, cut short. */
async function faultsOf(cases: readonly Case[]): Promise<string[]> {
  const found: string[] = []
  for (const { path, request } of cases) {
    const answer = await stand.raw(path, request)
    const wrong = fault(answer)
    const sent = `${request.method ?? 'GET'} ${path.slice(0, 120)} ${String(request.body ?? '').slice(0, 160)}`
    if (wrong !== undefined) found.push(`${sent} → ${wrong}`)
  }
  return found
}

/** The least that the schema takes, so that one member at a time can be wrong. */
function sampleOf(schema: Schema): unknown {
  const [first] = schema.enum ?? []
  if (first !== undefined) return first
  const [choice] = schema.anyOf ?? []
  if (choice) return sampleOf(choice)
  if (schema.type === 'object') {
    const required = schema.required ?? []
    return Object.fromEntries(required.map((name) => [name, sampleOf(schema.properties?.[name] ?? {})]))
  }
  if (schema.type === 'array') return []
  if (schema.type === 'integer' || schema.type === 'number') return 1
  return schema.type === 'boolean' ? true : 'sample@example.test'
}

async function operations(): Promise<{ method: string; path: string; schema: Schema | undefined }[]> {
  const { body } = await stand.call('GET', '/admin/v1/openapi.json')
  const paths = body.paths as { readonly [path: string]: { readonly [method: string]: Operation } }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => ({
      method: method.toUpperCase(),
      path,
      schema: requestBody?.content['application/json']?.schema,
    })),
  )
}

describe('the admin API takes anything and breaks at nothing (security.md row 15)', () => {
  test('hostile path segments', async () => {
    const cases = (await operations())
      .filter(({ path }) => path.includes('{'))
      .flatMap(({ method, path, schema }) =>
        hostileSegments.map((segment) => ({
          path: path.replaceAll(/\{\w+\}/g, segment),
          request: {
            method,
            headers: { ...asAdmin(), 'if-match': '*', ...(schema ? { 'content-type': 'application/json' } : {}) },
            ...(schema ? { body: JSON.stringify(sampleOf(schema)) } : {}),
          },
        })),
      )
    expect(cases.length).toBeGreaterThan(300)
    expect(await faultsOf(cases)).toEqual([])
  }, 60_000)

  test('hostile queries', async () => {
    const cases = (await operations()).flatMap(({ method, path }) =>
      method !== 'GET'
        ? []
        : hostileQueries.map((query) => ({
            path: `${path.replaceAll(/\{\w+\}/g, 'x')}?${query}`,
            request: { headers: asAdmin() },
          })),
    )
    expect(await faultsOf(cases)).toEqual([])
  }, 60_000)

  test('every member of every body as something else', async () => {
    const cases = (await operations()).flatMap(({ method, path, schema }) =>
      Object.keys(schema?.properties ?? {}).flatMap((member) =>
        hostileValues.map((value) => ({
          path: path.replaceAll(/\{\w+\}/g, 'x'),
          request: {
            method,
            headers: { ...asAdmin(), 'if-match': '*', 'content-type': 'application/json' },
            body: JSON.stringify({ ...Object(sampleOf(schema ?? {})), [member]: value }),
          },
        })),
      ),
    )
    expect(cases.length).toBeGreaterThan(1_000)
    expect(await faultsOf(cases)).toEqual([])
  }, 60_000)

  test('bodies that are none, at every path that takes one', async () => {
    const taking = (await operations()).filter(({ method }) => method !== 'GET')
    const cases = taking.flatMap(({ method, path }, index) =>
      // One path takes the 10 MB, the others all the rest.
      hostileBodies
        .filter((body) => body.length < 1e6 || index % 8 === 0)
        .map((body) => ({
          path: path.replaceAll(/\{\w+\}/g, 'x'),
          request: { method, headers: { ...asAdmin(), 'if-match': '*', 'content-type': 'application/json' }, body },
        })),
    )
    expect(await faultsOf(cases)).toEqual([])
  }, 60_000)

  test('documents and imports of any text', async () => {
    const types = ['application/json', 'application/yaml', 'application/x-ndjson', 'text/plain', 'multipart/form-data']
    const texts = [
      ...hostileBodies.filter((body) => body.length < 1e6),
      'kind: [',
      'kind: User\nname: &a [*a]\nspec: {}',
      `a: &a [x,x]\n${[...'bcdefghijklm'].map((name, at) => `${name}: &${name} [*${'abcdefghijkl'[at]},*${'abcdefghijkl'[at]}]`).join('\n')}`,
      'kind: User\nname: !!js/function "x"\nspec: {}',
      'kind: User\nname: x\nspec: { __proto__: { email: a } }',
      'kind: User\nname: x\nspec: { email: "a\\0b@example.test" }',
      '{"documents":[null,1,"x",{},{"kind":"User"},{"kind":"__proto__","name":"x","spec":{}}]}',
      '{"type":"User","id":"x","attributes":{}}\n{"type":',
    ]
    const cases = ['/admin/v1/apply', '/admin/v1/plan', '/admin/v1/entities/import'].flatMap((path) =>
      types.flatMap((type) =>
        texts.map((body) => ({
          path,
          request: { method: 'POST', headers: { ...asAdmin(), 'content-type': type }, body },
        })),
      ),
    )
    expect(await faultsOf(cases)).toEqual([])
  }, 60_000)
})

describe('the provider answers in OAuth’s form (security.md row 15, provider.md §10)', () => {
  const endpoints = ['token', 'introspect', 'revoke', 'par', 'userinfo', 'end_session/confirm']
  const parameters = [
    ...[
      'grant_type',
      'code',
      'redirect_uri',
      'code_verifier',
      'refresh_token',
      'scope',
      'resource',
      'token',
      'request',
    ],
    ...['client_id', 'client_secret', 'client_assertion', 'client_assertion_type', 'token_type_hint', 'request_uri'],
    ...['code_challenge', 'code_challenge_method', 'response_type', 'response_mode', 'claims', 'dpop_jkt', 'max_age'],
    ...['prompt', 'id_token_hint', 'acr_values', 'ui_locales', 'display', 'login_hint', 'nonce', 'state', 'xsrf'],
  ]
  const values = [
    '',
    '%00',
    '%ff',
    'a%0d%0ab',
    '%F0%9F%98%80',
    '__proto__',
    '%7B%22a%22:1%7D',
    '[]',
    'a.b.c',
    long,
    '-1',
  ]
  const valid: { readonly [endpoint: string]: string } = {
    token: 'grant_type=client_credentials',
    introspect: 'token=x',
    revoke: 'token=x',
    par: 'response_type=code&scope=openid&code_challenge_method=S256',
    userinfo: '',
    'end_session/confirm': 'xsrf=x',
  }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const isDocumented = ({ status, headers }: RawAnswer): boolean =>
    status < 400 || /application\/json|text\/html|problem\+json/.test(headers['content-type'] ?? '')

  test.each(endpoints)(
    '%s: each parameter hostile, twice, and as a list',
    async (endpoint) => {
      const cases = parameters.flatMap((name) =>
        [...values.map((value) => `${name}=${value}`), `${name}=a&${name}=b`, `${name}[]=a`, `${name}[x]=a`].map(
          (text) => ({
            path: `/oauth2/${endpoint}`,
            request: {
              method: 'POST',
              headers: { ...form, authorization: stand.basic(stand.web) },
              body: [valid[endpoint], text].filter(Boolean).join('&'),
            },
          }),
        ),
      )
      expect(await faultsOf(cases)).toEqual([])
    },
    60_000,
  )

  test('authorize and end_session: the same in the query; nothing leads to a stranger', async () => {
    const cases = ['authorize', 'end_session'].flatMap((endpoint) =>
      parameters.flatMap((name) =>
        [...values.map((value) => `${name}=${value}`), `${name}=a&${name}=b`].map((text) => {
          const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
          const fixed = {
            client_id: 'web',
            response_type: 'code',
            scope: 'openid',
            redirect_uri: stand.web.redirectUri,
          }
          const whole = { ...fixed, code_challenge: challenge, code_challenge_method: 'S256' }
          const base = Object.entries(whole).filter(([other]) => other !== name)
          return { path: `/oauth2/${endpoint}?${new URLSearchParams(base)}&${text}`, request: {} }
        }),
      ),
    )
    expect(await faultsOf(cases)).toEqual([])
    for (const { path } of cases) {
      const location = (await stand.raw(path)).headers.location
      if (location !== undefined) expect(new URL(location, stand.issuer).origin).toBe(stand.issuer)
    }
  }, 60_000)

  test('bodies of another type, another encoding, broken, or of 10 MB', async () => {
    const types = [
      'application/json',
      'text/plain',
      'multipart/form-data',
      'application/x-www-form-urlencoded; charset=utf-16',
      '',
    ]
    const bodies = [...hostileBodies, '&&&', '=', '%', '%zz=1', 'a=%ff', `${'a=b&'.repeat(5_000)}`, 'a'.repeat(300_000)]
    const cases = endpoints.flatMap((endpoint, index) =>
      [...types, form['content-type']].flatMap((type) =>
        bodies
          .filter((body) => body.length < 1e6 || index === 0)
          .map((body) => ({
            path: `/oauth2/${endpoint}`,
            request: {
              method: 'POST',
              headers: {
                'content-type': type,
                authorization: stand.basic(stand.web),
                'content-encoding': index % 2 ? 'identity' : 'gzip',
              },
              body,
            },
          })),
      ),
    )
    expect(await faultsOf(cases)).toEqual([])
    const answers = await Promise.all(cases.slice(0, 40).map(({ path, request }) => stand.raw(path, request)))
    expect(answers.filter((answer) => !isDocumented(answer))).toEqual([])
  }, 60_000)

  test('any method at any path', async () => {
    const paths = [
      ...[
        ...endpoints,
        'authorize',
        'authorize/x',
        'jwks',
        'end_session',
        'register',
        'device_authorization',
        'ciba',
        'nothing',
      ].map((name) => `/oauth2/${name}`),
      ...[
        '/device',
        '/signin/x',
        '/signin/',
        '/setup/x',
        '/demo',
        '/demo/callback',
        '/demo/callback?code=x&state=y',
        '/dev/mail',
      ],
      ...[
        '/',
        '/health/live',
        '/health/ready',
        '/metrics',
        '/access/v1/evaluation',
        '/storage/v1/buckets',
        '/admin/v1/users',
      ],
      ...[
        '/.well-known/openid-configuration',
        '/.well-known/authzen-configuration',
        '/.well-known/oauth-protected-resource',
      ],
      ...[
        '/t/x/oauth2/token',
        '/t/default/oauth2/token',
        '/t/%00/x',
        '/t/',
        '/t',
        '/account',
        '/console',
        '/scim/v2/Users',
      ],
    ]
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'M-SEARCH']
    const cases = paths.flatMap((path) =>
      methods.flatMap((method) => [
        { path, request: { method } },
        {
          path,
          request: { method, headers: { origin: 'https://evil.example', cookie: '_session=x; _session.sig=y' } },
        },
      ]),
    )
    // HEAD carries no body to hold a code.
    const found = await faultsOf(cases)
    expect(found.filter((text) => !(text.startsWith('HEAD ') && text.includes('no stable code')))).toEqual([])
  }, 60_000)
})

describe('decisions, files and pages', () => {
  test('AuthZEN: any body is 400 or a decision (AuthZEN 1.0, errors)', async () => {
    const members = ['subject', 'resource', 'action', 'context', 'evaluations', 'options']
    const sample = {
      subject: { type: 'User', id: 'x' },
      resource: { type: 'Tenant', id: 'x' },
      action: { name: 'readAudit' },
    }
    const nested = hostileValues.flatMap((value) => [
      ...members.map((member) => ({ ...sample, [member]: value })),
      ...['type', 'id', 'properties'].map((member) => ({
        ...sample,
        resource: { ...sample.resource, [member]: value },
      })),
      ...['type', 'id', 'properties'].map((member) => ({ ...sample, subject: { ...sample.subject, [member]: value } })),
      ...['name', 'properties'].map((member) => ({ ...sample, action: { ...sample.action, [member]: value } })),
      { ...sample, context: { scopes: value, client: value, now: value, ip: value } },
      { ...sample, evaluations: [value, { action: value }] },
    ])
    const headers = { authorization: stand.basic(stand.service), 'content-type': 'application/json' }
    const bodies = [...nested.map((body) => JSON.stringify(body)), ...hostileBodies]
    const cases = bodies.flatMap((body) =>
      ['/access/v1/evaluation', '/access/v1/evaluations'].map((path) => ({
        path,
        request: { method: 'POST', headers, body },
      })),
    )
    expect(await faultsOf(cases)).toEqual([])
  }, 60_000)

  test('storage: keys, headers and conditions of any kind', async () => {
    await stand.call('POST', '/admin/v1/assignments', {
      subject: { type: 'User', id: stand.alice.id },
      role: 'admin',
      on: { type: 'Tenant', id: 'default' },
    })
    const { tokens } = await stand.tokens({ resource: `${stand.issuer}/api`, scopes: ['openid', 'access'] })
    const bearer = { authorization: `Bearer ${tokens.body.access_token}` }
    const made = await stand.raw('/storage/v1/buckets', {
      method: 'POST',
      headers: { ...bearer, 'content-type': 'application/json' },
      body: '{"id":"fuzz"}',
    })
    expect([201, 403]).toContain(made.status)
    const keys = ['a', ...hostileSegments, 'a/../b', 'a//b', 'CON', 'a%0Ab', 'a\u0001', '.', '.git/config'].filter(
      (key) => !/[^\x20-\x7e]/.test(key),
    )
    const headers = [
      ...[{ range: 'bytes=-' }, { range: 'bytes=5-1' }, { range: `bytes=${'0-1,'.repeat(500)}0-1` }, { range: 'x=1' }],
      ...[{ 'if-match': '"' }, { 'if-none-match': long }, { 'if-modified-since': 'x' }, { 'content-type': 'x' }],
      ...[{ 'content-type': 'a/b; c="\\"' }, { digest: 'sha-256=x' }, { 'repr-digest': 'sha-256=:x:' }],
      ...[{ 'content-disposition': 'attachment; filename="a.html"' }, { 'content-length': '0' }],
    ]
    const cases = [
      ...keys.flatMap((key) =>
        ['PUT', 'GET', 'HEAD', 'DELETE'].map((method) => ({
          path: `/storage/v1/buckets/fuzz/objects/${key}`,
          request: { method, headers: bearer, ...(method === 'PUT' ? { body: 'text' } : {}) },
        })),
      ),
      ...headers.flatMap((more) =>
        ['PUT', 'GET'].map((method) => ({
          path: '/storage/v1/buckets/fuzz/objects/a',
          request: { method, headers: { ...bearer, ...more } },
        })),
      ),
      ...hostileQueries.map((query) => ({ path: `/storage/v1/buckets?${query}`, request: { headers: bearer } })),
      ...hostileQueries.map((query) => ({
        path: `/storage/v1/buckets/fuzz/objects?${query}`,
        request: { headers: bearer },
      })),
      ...hostileBodies.map((body) => ({
        path: '/storage/v1/buckets',
        request: { method: 'POST', headers: { ...bearer, 'content-type': 'application/json' }, body },
      })),
    ]
    const found = await faultsOf(cases)
    expect(found.filter((text) => !(text.startsWith('HEAD ') && text.includes('no stable code')))).toEqual([])
  }, 60_000)

  test('headers: too large, too many, twice, or not what they say', async () => {
    const many = Object.fromEntries(Array.from({ length: 90 }, (_, at) => [`x-${at}`, 'y']))
    const headers: readonly RawRequest['headers'][] = [
      { authorization: 'Basic' },
      { authorization: 'Basic !!!' },
      { authorization: `Basic ${Buffer.from('a').toString('base64')}` },
      { authorization: `Basic ${Buffer.from('%zz:%zz').toString('base64')}` },
      { authorization: `Basic ${Buffer.from([0xff, 0x3a, 0xff]).toString('base64')}` },
      { authorization: `Basic ${Buffer.from('web\0:x').toString('base64')}` },
      { authorization: 'Bearer a b' },
      { authorization: ['Bearer a', 'Bearer b'] },
      { authorization: `DPoP ${'a'.repeat(4_000)}`, dpop: 'a.b.c' },
      { authorization: 'Bearer \u00ff' },
      { dpop: 'x' },
      { dpop: ['a.b.c', 'a.b.c'] },
      { cookie: `_session=${'x'.repeat(6_000)}` },
      { cookie: 'a=b; __proto__=x; =; ;;;' },
      { cookie: 'writ-demo=x; writ-demo-sign-in=x; _interaction=x' },
      { 'accept-language': '*;q=x,,,ko;q=9e99' },
      { accept: '\u00ff/\u00ff' },
      { 'writ-consistency': '9'.repeat(18) },
      { 'writ-consistency': '-1' },
      { 'x-request-id': '<script>' },
      { host: '' },
      many,
    ]
    const paths = [
      '/oauth2/userinfo',
      '/admin/v1/users',
      '/access/v1/evaluation',
      '/storage/v1/buckets',
      '/demo',
      '/signin/x',
    ]
    const cases = headers.flatMap((given) =>
      [...paths, '/oauth2/authorize?client_id=web', '/demo/callback'].map((path) => ({
        path,
        request: { method: path.startsWith('/access') ? 'POST' : 'GET', ...(given ? { headers: given } : {}) },
      })),
    )
    expect(await faultsOf(cases)).toEqual([])
    // Refused by the parser before any layer: 431 without a body.
    expect((await stand.raw('/demo', { headers: { 'x-a': 'y'.repeat(20_000) } })).status).toBe(431)
  }, 60_000)

  test('and afterwards it is well, and nothing was logged as a bug', async () => {
    expect((await stand.raw('/health/ready')).status).toBe(200)
    expect(stand.logs.filter((line) => /"msg":"bug"|"level":"(error|fatal)"/.test(line))).toEqual([])
  })
})
