import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { openRig, type Rig } from './rig.ts'

type Operation = { readonly method: string; readonly path: string }

let rig: Rig
let operations: readonly Operation[] = []
let stranger = ''

beforeAll(async () => {
  rig = await openRig()
  const { body } = await rig.call('GET', '/admin/v1/openapi.json')
  const paths = body.paths as { readonly [path: string]: object }
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  )
  const client = await rig.call('POST', '/admin/v1/clients', {
    clientId: 'stranger',
    name: 'Stranger',
    grantTypes: ['client_credentials'],
    scope: 'admin',
  })
  stranger = await tokenOf('stranger', String(client.body.clientSecret))
}, 60_000)
afterAll(() => rig?.close())

async function tokenOf(id: string, secret: string): Promise<string> {
  const answer = await fetch(`${rig.server.url}/oauth2/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: `${rig.server.issuer}/admin` }),
  })
  const { access_token: token } = (await answer.json()) as { readonly access_token?: string }
  if (!token) throw new Error(`no token: ${answer.status}`)
  return token
}

const bodies: { readonly [path: string]: unknown } = {
  'POST /admin/v1/users': { email: 'x@example.test' },
  'POST /admin/v1/clients': { name: 'x' },
  'POST /admin/v1/organizations': { id: 'x', name: 'x' },
  'POST /admin/v1/roles': { name: 'x', scopeType: 'Organization' },
  'POST /admin/v1/assignments': {
    subject: { type: 'User', id: 'x' },
    role: 'admin',
    on: { type: 'Tenant', id: 'default' },
  },
  'DELETE /admin/v1/assignments': {
    subject: { type: 'User', id: 'x' },
    role: 'admin',
    on: { type: 'Tenant', id: 'default' },
  },
  'PUT /admin/v1/policy-sets/{set}': { files: {} },
  'POST /admin/v1/policy-sets/{set}/rollback': { to: 'x' },
  'POST /admin/v1/tenants': { id: 'x' },
  'POST /admin/v1/decisions/explain': {
    request: { action: { name: 'read' }, resource: { type: 'User', id: 'x' } },
  },
  'POST /admin/v1/decisions/list': { request: { action: { name: 'read' }, resource: { type: 'User' } } },
}
const queries: { readonly [path: string]: string } = {
  'GET /admin/v1/users/{id}/effective': '?onType=Tenant&onId=default',
}

function ask({ method, path }: Operation, prefix: string, token: string) {
  const key = `${method} ${path}`
  const needsBody =
    /^(POST|PUT|PATCH)$/.test(method) &&
    !/(disable|enable|end-sessions|rotate-secret|rotate-registration-token|entities\/import)$/.test(path)
  const body = bodies[key] ?? (needsBody ? {} : undefined)
  return rig.call(method, `${prefix}${path.replaceAll(/\{\w+\}/g, 'x')}${queries[key] ?? ''}`, body, { token })
}

describe('every operation of the admin API (admin.md §11)', () => {
  test('names its action in the description', async () => {
    const { body } = await rig.call('GET', '/admin/v1/openapi.json')
    const all = Object.values(body.paths as { [path: string]: { [method: string]: object } }).flatMap((methods) =>
      Object.values(methods),
    )
    expect(all.length).toBeGreaterThan(40)
    expect(all.filter((operation) => !('x-writ-action' in operation))).toEqual([])
  })

  test('refuses whoever brings no token, and changes nothing', async () => {
    for (const operation of operations.filter(({ path }) => !path.endsWith('openapi.json'))) {
      const { status } = await ask(operation, '', '')
      expect([operation, [401, 403].includes(status)]).toEqual([operation, true])
    }
  })

  test('refuses a client that is no administrator with 403', async () => {
    for (const operation of operations.filter(({ path }) => !path.endsWith('openapi.json'))) {
      const { status } = await ask(operation, '', stranger)
      expect([operation, status]).toEqual([operation, 403])
    }
  })

  test('knows nothing of the tokens of another tenant', async () => {
    await rig.call('POST', '/admin/v1/tenants', { id: 'other', name: 'Other' })
    for (const operation of operations) {
      for (const token of [rig.token, stranger]) {
        const { status } = await ask(operation, '/t/other', token)
        expect([operation, status]).toEqual([operation, 401])
      }
    }
  })
})

describe('resources (admin.md §1, modules.md §0)', () => {
  test('a change needs If-Match: absent 428, stale 412', async () => {
    const made = await rig.call('POST', '/admin/v1/users', {
      email: 'ada@example.test',
      password: 'seven lilac gardens at dawn',
    })
    expect(made.status).toBe(201)
    const path = `/admin/v1/users/${made.body.id}`
    expect((await rig.call('PATCH', path, { locale: 'ko' })).status).toBe(428)
    expect((await rig.call('PATCH', path, { locale: 'ko' }, { headers: { 'if-match': '"99"' } })).status).toBe(412)
    const etag = made.headers.get('etag') ?? ''
    expect((await rig.call('PATCH', path, { locale: 'ko' }, { headers: { 'if-match': etag } })).status).toBe(200)
    expect((await rig.call('PATCH', path, { locale: 'en' }, { headers: { 'if-match': etag } })).status).toBe(412)
  })

  test('a cursor that was altered, or given for another list, is 400', async () => {
    for (const id of ['a', 'b', 'c']) await rig.call('POST', '/admin/v1/organizations', { id, name: id })
    const first = await rig.call('GET', '/admin/v1/organizations?limit=2')
    const cursor = String(first.body.nextCursor)
    expect(first.body.items).toHaveLength(2)
    const second = await rig.call('GET', `/admin/v1/organizations?limit=2&cursor=${cursor}`)
    expect(second.status).toBe(200)
    expect(second.body.items?.[0]?.id).not.toBe(first.body.items?.[1]?.id)
    expect((await rig.call('GET', `/admin/v1/organizations?cursor=x${cursor}`)).status).toBe(400)
    expect((await rig.call('GET', `/admin/v1/clients?cursor=${cursor}`)).status).toBe(400)
  })

  test('a client keeps two live secrets, and shows each once', async () => {
    const made = await rig.call('POST', '/admin/v1/clients', {
      clientId: 'job',
      name: 'Job',
      grantTypes: ['client_credentials'],
      scope: 'admin',
    })
    const first = String(made.body.clientSecret)
    const second = String((await rig.call('POST', '/admin/v1/clients/job/rotate-secret')).body.clientSecret)
    await expect(tokenOf('job', first)).resolves.toBeTruthy()
    await expect(tokenOf('job', second)).resolves.toBeTruthy()
    await rig.call('POST', '/admin/v1/clients/job/rotate-secret')
    await expect(tokenOf('job', first)).rejects.toThrow('401')
    const read = (await rig.call('GET', '/admin/v1/clients/job')).text
    expect([first, second].some((secret) => read.includes(secret) || rig.logs.join('').includes(secret))).toBe(false)
    expect(rig.logs.join('')).not.toContain(rig.token)
  })

  test('a redirect that cannot be compared exactly is not registered (provider.md §6)', async () => {
    for (const uri of ['http://evil.example/cb', 'https://a.example/*', 'javascript:alert(1)']) {
      expect((await rig.call('POST', '/admin/v1/clients', { name: 'x', redirectUris: [uri] })).status).toBe(422)
    }
  })

  test('a role cannot inherit itself (422 role_cycle), nor vanish while somebody has it (409)', async () => {
    const role = { scopeType: 'Organization', name: 'author' }
    const made = await rig.call('POST', '/admin/v1/roles', role)
    await rig.call('POST', '/admin/v1/roles', { ...role, name: 'chief', inherits: ['author'] })
    const match = { headers: { 'if-match': made.headers.get('etag') ?? '' } }
    const cycle = await rig.call('PATCH', '/admin/v1/roles/Organization:author', { inherits: ['chief'] }, match)
    expect([cycle.status, cycle.body.code]).toEqual([422, 'role_cycle'])
    const on = { type: 'Organization', id: 'a' }
    await rig.call('POST', '/admin/v1/assignments', { subject: { type: 'User', id: 'u' }, role: 'chief', on })
    const inUse = await rig.call('DELETE', '/admin/v1/roles/Organization:chief', undefined, {
      headers: { 'if-match': '*' },
    })
    expect([inUse.status, inUse.body.code]).toEqual([409, 'role_in_use'])
    const effective = await rig.call('GET', '/admin/v1/users/u/effective?onType=Organization&onId=a')
    expect(effective.body.roles).toEqual(['author', 'chief'])
  })
})
