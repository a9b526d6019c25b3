// Clients that register themselves (RFC 7591), at the door.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { signIn } from '../../../kit/sign-in.ts'
import { openClientKey } from '../proofs.ts'
import { alicePassword, clientSecret } from '../rig.ts'
import { openSites, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

let sites: Sites
let stand: Stand
beforeAll(async () => {
  sites = await openSites('app.example')
  stand = await openStand({ egress: sites.egress })
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})

const web = { client_name: 'My app', redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }
const withToken = async (more: object = {}, spec: object = {}) =>
  stand.register({ ...web, ...more }, await stand.initialToken(spec))
const codeOf = async (more: object, spec: object = {}) => {
  const { status, body } = await withToken(more, spec)
  return status === 201 ? 'registered' : String(body.error)
}
/** Anybody may, while `run` runs. */
const whileOpen = async (run: () => Promise<void>, rule = 'allow registerClient on Tenant to anyone') => {
  await stand.rules(`@id("open")\n${rule}`)
  try {
    await run()
  } finally {
    await stand.rules('')
  }
}

test('discovery names the endpoint (RFC 8414 §2)', async () => {
  const { body } = await stand.call('GET', '/.well-known/openid-configuration')
  expect(body.registration_endpoint).toBe(`${stand.issuer}/oauth2/register`)
})

describe('who may register (provider.md §6)', () => {
  test('without a token or a rule nobody does, and is told so by 401', async () => {
    const { status, headers, body } = await stand.register(web)
    expect([status, headers.get('www-authenticate'), body.error]).toEqual([401, 'Bearer', 'invalid_token'])
  })

  test('an initial access token registers one client, once (RFC 7591 §3)', async () => {
    const token = await stand.initialToken()
    const { status, headers, body } = await stand.register(web, token)
    expect([status, headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(body).toMatchObject({
      client_name: 'My app',
      redirect_uris: ['https://app.example/cb'],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      application_type: 'web',
      registration_client_uri: `${stand.issuer}/oauth2/register/${body.client_id}`,
    })
    expect(body.client_secret).toBeUndefined()
    expect((await stand.register(web, token)).body.error).toBe('invalid_token')
  })

  test('a registration that is refused leaves its token good', async () => {
    const token = await stand.initialToken()
    expect((await stand.register({ ...web, redirect_uris: ['https://*.example/'] }, token)).status).toBe(400)
    expect((await stand.register(web, token)).status).toBe(201)
  })

  test('a token is good for a day at most, and for as long as it says', async () => {
    expect((await stand.admin('POST', '/initial-access-tokens', { expiresInSeconds: 86_401 })).status).toBe(422)
    const token = await stand.initialToken({ expiresInSeconds: 600 })
    stand.rig.clock.advance(601_000)
    const { status } = await stand.register(web, token)
    stand.rig.clock.advance(-601_000)
    expect(status).toBe(401)
  })

  test('a token that was taken back is nothing; the list shows which was used, and by whom', async () => {
    const used = await withToken({}, { label: 'for the shop' })
    const listed = await stand.admin('GET', '/initial-access-tokens')
    expect(listed.body.items).toContainEqual(
      expect.objectContaining({ label: 'for the shop', clientId: used.body.client_id, usedAt: expect.any(String) }),
    )
    expect(JSON.stringify(listed.body)).not.toMatch(/wiat_/)
    const made = await stand.admin('POST', '/initial-access-tokens', {})
    expect((await stand.admin('DELETE', `/initial-access-tokens/${made.body.id}`)).status).toBe(204)
    expect((await stand.register(web, String(made.body.token))).status).toBe(401)
  })

  test.each(['wiat_unknown', 'nothing', 'a.b.c'])('the bearer %s is 401', async (token) => {
    const { status, headers } = await stand.register(web, token)
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer error="invalid_token"'])
  })

  test('a rule opens the door to anybody, as far as it says', () =>
    whileOpen(
      async () => {
        expect((await stand.register(web)).status).toBe(201)
        expect((await stand.register({ ...web, redirect_uris: ['https://evil.example/cb'] })).status).toBe(401)
      },
      `allow registerClient on Tenant to anyone
  when "app.example" in context.metadata.hosts`,
    ))

  test('a rule that says no is 403 and says why, also to the holder of a token', async () => {
    await stand.rules(`@id("named")
deny registerClient on Tenant to anyone
  when context.metadata.clientName == "Admin"
  because "Choose another name."`)
    const { status, body } = await withToken({ client_name: 'Admin' })
    await stand.rules('')
    expect([status, body]).toEqual([403, { error: 'access_denied', error_description: 'Choose another name.' }])
  })

  test('people and clients register by who they are, with a token of ours', async () => {
    const redirectUri = `${stand.issuer}/app/cb`
    const alice = await stand.rig.seed.account('alice@example.test')
    await stand.rig.seed.client('web', { redirectUris: [redirectUri], scope: 'openid access' }, { firstParty: true })
    const client = { id: 'web', redirectUri, secret: clientSecret }
    const user = { identifier: 'alice@example.test', password: alicePassword }
    const resource = `${stand.issuer}/api`
    const { tokens } = await signIn({ issuer: stand.issuer, client, user, resource, scopes: ['openid', 'access'] })
    const bearer = tokens.body.access_token ?? ''
    expect((await stand.register(web, bearer)).body.error).toBe('access_denied')
    await whileOpen(async () => {
      expect((await stand.register(web)).status).toBe(401)
      const { status, body } = await stand.register(web, bearer)
      expect(status).toBe(201)
      const rows = await stand.rig.seed.run('select registrant_id from client_registration where client_id = $1', [
        body.client_id,
      ])
      expect(rows).toEqual([{ registrant_id: alice }])
    }, 'allow registerClient on Tenant to User')
  })

  test('only administrators make tokens and settle what holds', async () => {
    for (const path of ['/initial-access-tokens', '/openid-settings']) {
      expect((await stand.call('GET', `/admin/v1${path}`)).status).toBe(401)
    }
    expect((await stand.call('POST', '/admin/v1/initial-access-tokens', {})).status).toBe(401)
    const mistaken = { registration: { scope: 'openid', everything: true } }
    expect((await stand.admin('PUT', '/openid-settings', mistaken)).status).toBe(422)
  })
})

describe('what a client may hold (security.md §2.14)', () => {
  test('without a word it asks for what may be had, and no more', async () => {
    const { body } = await withToken()
    expect(String(body.scope).split(' ').sort()).toEqual(
      ['address', 'email', 'offline_access', 'openid', 'phone', 'profile'].sort(),
    )
    expect((await stand.admin('GET', `/clients/${body.client_id}`)).body).toMatchObject({
      origin: 'registration',
      firstParty: false,
      requirePkce: true,
      allowedResources: [],
    })
  })

  test.each([
    ['scope', { scope: 'openid admin' }],
    ['grant', { grant_types: ['authorization_code', 'client_credentials'] }],
    [
      'grant that strangers abuse',
      { grant_types: ['urn:ietf:params:oauth:grant-type:device_code'], response_types: [] },
    ],
    ['grant that is no more', { grant_types: ['implicit', 'authorization_code'] }],
    ['response type', { response_types: ['code token'] }],
    ['response type without its grant', { grant_types: ['refresh_token'], response_types: ['code'] }],
    ['way of authentication', { token_endpoint_auth_method: 'client_secret_jwt' }],
    ['algorithm', { id_token_signed_response_alg: 'none' }],
    ['authorization detail', { authorization_details_types: ['Account.transfer'] }],
  ])('another %s is refused', async (_what, more) => {
    expect(await codeOf(more)).toBe('invalid_client_metadata')
  })

  test('a token may give more, and that is what its client has', async () => {
    const spec = { scope: 'access', resources: ['/access'], grantTypes: ['client_credentials'] }
    const more = {
      redirect_uris: [],
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'client_secret_post',
    }
    const { status, body } = await withToken(more, spec)
    expect([status, body.scope, body.response_types]).toEqual([201, 'access', []])
    const answer = await fetch(`${stand.issuer}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: String(body.client_id),
        client_secret: String(body.client_secret),
        resource: `${stand.issuer}/access`,
      }),
    })
    expect(answer.status).toBe(200)
  })

  test.each([
    'skip_consent',
    'skipConsent',
    'require_pkce',
    'requirePkce',
    'first_party',
    'profile',
    'tenants',
    'organization',
    'allowed_resources',
    'cors_origins',
    'access_token_lifetime_seconds',
    'identity_assertion_audiences',
  ])('the privileged member %s is refused, whatever it says', async (name) => {
    expect(await codeOf({ [name]: false })).toBe('invalid_client_metadata')
  })

  test('what is unknown is passed over, and null is absent (RFC 7591 §2)', async () => {
    const { status, body } = await withToken({ 'client_name#ko': '앱', tls_whatever: 1, contacts: null })
    expect([status, body.tls_whatever, body.contacts]).toEqual([201, undefined, undefined])
  })

  test('a client cannot choose its id or secret', async () => {
    const { body } = await withToken({
      client_id: 'desk',
      client_secret: 'mine',
      token_endpoint_auth_method: 'client_secret_basic',
    })
    expect(body.client_id).not.toBe('desk')
    expect(String(body.client_secret)).toMatch(/^[\w-]{43}$/)
    expect(body.client_secret_expires_at).toBe(0)
  })
})

describe('redirects (provider.md §6, and row 9 of the attack on the bare library)', () => {
  test.each([
    ['https', 'https://app.example/cb?a=b'],
    ['loopback', 'http://127.0.0.1:8080/cb'],
    ['loopback by name', 'http://localhost/cb'],
    ['IPv6 loopback', 'http://[::1]:1234/cb'],
    ['a reverse-domain scheme', 'com.example.app:/cb'],
  ])('%s can be registered', async (_what, uri) => {
    expect(await codeOf({ redirect_uris: [uri] })).toBe('registered')
  })

  test.each([
    ['a wildcard host', 'https://*.app.example/cb'],
    ['a wildcard path', 'https://app.example/*'],
    ['a fragment', 'https://app.example/cb#x'],
    ['an empty fragment', 'https://app.example/cb#'],
    ['userinfo', 'https://app.example@evil.example/cb'],
    ['a password', 'https://a:b@app.example/cb'],
    ['plain http', 'http://app.example/cb'],
    ['plain http to a private address', 'http://192.168.0.1/cb'],
    ['CR LF', 'https://app.example/cb\r\nset-cookie: a=b'],
    ['a tab', 'https://app.example/\tcb'],
    ['a backslash', 'https://app.example\\@evil.example/cb'],
    ['no slashes', 'https:app.example/cb'],
    ['one slash', 'https:/app.example/cb'],
    ['three slashes', 'https:///app.example/cb'],
    ['script', 'javascript:alert(1)'],
    ['data', 'data:text/html,x'],
    ['a file', 'file:///etc/passwd'],
    ['a scheme without a dot', 'myapp:/cb'],
    ['no address', 'cb'],
    ['nothing', ''],
    ['a number', 7],
    ['2,001 characters', `https://app.example/${'x'.repeat(1_981)}`],
  ])('%s cannot (RFC 7591 §5, RFC 8252 §7.1)', async (_what, uri) => {
    expect(await codeOf({ redirect_uris: [uri] })).toBe('invalid_redirect_uri')
    expect(await codeOf({ post_logout_redirect_uris: [uri] })).toBe('invalid_redirect_uri')
  })

  test('a client of the code grant has one (RFC 7591 §2)', async () => {
    expect(await codeOf({ redirect_uris: [] })).toBe('invalid_redirect_uri')
    expect(await codeOf({ redirect_uris: undefined })).toBe('invalid_redirect_uri')
    expect(await codeOf({ redirect_uris: 'https://app.example/cb' })).toBe('invalid_redirect_uri')
  })

  test('a native app is told by its redirects, so that any port of loopback is its own (RFC 8252 §7.3)', async () => {
    const { body } = await withToken({ redirect_uris: ['http://127.0.0.1/cb'] })
    expect(body.application_type).toBe('native')
    const query = new URLSearchParams({
      client_id: String(body.client_id),
      response_type: 'code',
      redirect_uri: 'http://127.0.0.1:51004/cb',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const asked = (more: URLSearchParams) => fetch(`${stand.issuer}/oauth2/authorize?${more}`, { redirect: 'manual' })
    expect((await asked(query)).status).toBe(303)
    query.set('redirect_uri', 'http://127.0.0.1:51004/other')
    expect((await asked(query)).status).toBe(400)
  })
})

describe('other addresses', () => {
  test('initiate_login_uri is https alone, and is echoed (OIDC Core §4)', async () => {
    const uri = 'https://app.example/login'
    expect((await withToken({ initiate_login_uri: uri })).body.initiate_login_uri).toBe(uri)
    expect(await codeOf({ initiate_login_uri: 'http://app.example/login' })).toBe('invalid_client_metadata')
    expect(await codeOf({ initiate_login_uri: 'com.example.app:/login' })).toBe('invalid_client_metadata')
  })

  test.each([
    'jwks_uri',
    'logo_uri',
    'client_uri',
    'policy_uri',
    'tos_uri',
    'sector_identifier_uri',
    'backchannel_logout_uri',
    'initiate_login_uri',
  ])('%s is https, without userinfo', async (name) => {
    for (const uri of [
      'http://app.example/x',
      'javascript:alert(1)',
      'https://a:b@app.example/x',
      'ftp://app.example/x',
    ])
      expect(await codeOf({ [name]: uri })).toBe('invalid_client_metadata')
  })

  test.each(['jwks_uri', 'logo_uri'])(
    '%s inside of the network is refused at once (security.md row 9)',
    async (name) => {
      for (const uri of ['https://169.254.169.254/x', 'https://127.0.0.1/x', 'https://[fd00::1]/x'])
        expect(await codeOf({ [name]: uri })).toBe('invalid_client_metadata')
    },
  )

  test('a sector must list the redirects (OIDC Core §8.1)', async () => {
    const sector = 'https://app.example/sector.json'
    const pairwise = { subject_type: 'pairwise', sector_identifier_uri: sector }
    sites.putJson(sector, ['https://app.example/other'])
    expect(await codeOf(pairwise)).toBe('invalid_client_metadata')
    stand.rig.clock.advance(61_000)
    sites.putJson(sector, ['https://app.example/cb'])
    expect(await codeOf(pairwise)).toBe('registered')
    stand.rig.clock.advance(-61_000)
    expect(await codeOf({ ...pairwise, sector_identifier_uri: 'https://10.0.0.1/sector.json' })).toBe(
      'invalid_client_metadata',
    )
    const split = { subject_type: 'pairwise', redirect_uris: ['https://app.example/a', 'https://two.example/b'] }
    expect(await codeOf(split)).toBe('invalid_client_metadata')
  })

  test('keys stand in the metadata or at an address, and are public', async () => {
    const key = await openClientKey()
    const signs = { token_endpoint_auth_method: 'private_key_jwt' }
    expect(await codeOf(signs)).toBe('invalid_client_metadata')
    expect(await codeOf({ ...signs, jwks: { keys: [key.publicJwk] } })).toBe('registered')
    const both = { jwks: { keys: [key.publicJwk] }, jwks_uri: 'https://app.example/jwks' }
    expect(await codeOf({ ...signs, ...both })).toBe('invalid_client_metadata')
    expect(await codeOf({ ...signs, jwks: { keys: [{ ...key.publicJwk, d: 'x' }] } })).toBe('invalid_client_metadata')
    expect(await codeOf({ ...signs, jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } })).toBe('invalid_client_metadata')
  })
})

test('a public app in a browser asks for tokens from where it is redirected to, and from nowhere else (security.md §2.10)', async () => {
  const { body } = await withToken({ redirect_uris: ['https://app.example/cb', 'com.example.app:/cb'] })
  const originFor = async (origin: string) => {
    const form = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', client_id: String(body.client_id) })
    const response = await fetch(`${stand.issuer}/oauth2/token`, { method: 'POST', headers: { origin }, body: form })
    return response.headers.get('access-control-allow-origin')
  }
  expect(await originFor('https://app.example')).toBe('https://app.example')
  expect(await originFor('https://evil.example')).toBeNull()
})

describe('bad requests', () => {
  test.each([
    ['no JSON', '{', 400],
    ['a list', '[]', 400],
    ['a text', '"x"', 400],
    ['doubled members', '{"client_name":"a","client_name":"b"}', 400],
    ['NUL', '{"client_name":"a\\u0000"}', 400],
    ['half a surrogate', '{"client_name":"\\ud800"}', 400],
    ['65 KiB', JSON.stringify({ x: 'y'.repeat(65 * 1024) }), 413],
    ['a deep one', '['.repeat(100) + ']'.repeat(100), 400],
  ])('%s is %d in the form of OAuth', async (_what, body, status) => {
    const answer = await stand.register(body, await stand.initialToken())
    expect([answer.status, Object.keys(answer.body)]).toEqual([status, ['error', 'error_description']])
  })

  test('a form is no JSON', async () => {
    const response = await fetch(`${stand.issuer}/oauth2/register`, {
      method: 'POST',
      body: new URLSearchParams({ a: 'b' }),
    })
    expect(response.status).toBe(415)
  })

  test.each([
    ['client_name', ['a']],
    ['client_name', ''],
    ['client_name', 'x'.repeat(201)],
    ['client_name', 'evil\u202Eeman'],
    ['contacts', 'ops@app.example'],
    ['contacts', ['not an address']],
    ['grant_types', 'authorization_code'],
    ['grant_types', []],
    ['jwks', []],
    ['default_max_age', -1],
    ['default_max_age', '1'],
    ['require_auth_time', 'yes'],
    ['application_type', 'desktop'],
    ['scope', ['openid']],
  ])('%s: %j is refused', async (name, value) => {
    expect(await codeOf({ [name]: value })).toBe('invalid_client_metadata')
  })

  test.each([
    ['GET', '/oauth2/register', 'POST, OPTIONS'],
    ['DELETE', '/oauth2/register', 'POST, OPTIONS'],
    ['POST', '/oauth2/register/x', 'GET, PUT, DELETE, OPTIONS'],
    ['PATCH', '/oauth2/register/x', 'GET, PUT, DELETE, OPTIONS'],
  ])('%s %s is 405', async (method, path, allow) => {
    const { status, headers } = await stand.call(method, path)
    expect([status, headers.get('allow')]).toEqual([405, allow])
  })

  test('an app in a browser may ask from anywhere, and brings no cookie (MCP)', async () => {
    const response = await fetch(`${stand.issuer}/oauth2/register`, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
    })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('whoever registers without end is told to wait (429)', async () => {
    const statuses = new Set<number>()
    for (let turn = 0; turn < 301; turn += 1) statuses.add((await stand.call('POST', '/oauth2/register', {})).status)
    stand.rig.clock.advance(3_600_000)
    expect(statuses).toContain(429)
    expect((await stand.register(web)).status).toBe(401)
  })
})
