// Clients known by a document at the address that is their id (draft-ietf-oauth-client-id-metadata-document-02; MCP authorization).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { openHttpBrowser } from '../../../kit/http-browser.ts'
import { askToken, authorize, redeem, refresh, type SignInAs, signIn } from '../../../kit/sign-in.ts'
import { openClientKey } from '../proofs.ts'
import { alicePassword } from '../rig.ts'
import { openSites, type Page, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

let sites: Sites
let stand: Stand
let redirectUri: string
let id: string
let at = 0
beforeAll(async () => {
  sites = await openSites('app.example', 'other.example')
  stand = await openStand({ egress: sites.egress })
  redirectUri = `${stand.issuer}/app/cb`
  await stand.rig.seed.account('alice@example.test')
  await settle(['app.example'])
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})
beforeEach(() => {
  at += 1
  id = `https://app.example/client-${at}.json`
  sites.putJson(id, documentOf())
})

const settle = (clientDocumentHosts: readonly string[], more: object = {}) =>
  stand.admin('PUT', '/openid-settings', { clientDocumentHosts, ...more })
const documentOf = (more: object = {}) => ({
  client_id: id,
  client_name: 'The editor',
  redirect_uris: [redirectUri],
  grant_types: ['authorization_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
  ...more,
})
const as = (more: Partial<SignInAs> = {}): SignInAs => ({
  issuer: stand.issuer,
  client: { id, redirectUri },
  user: { identifier: 'alice@example.test', password: alicePassword },
  ...more,
})
const request = (clientId = id, more: object = {}) =>
  fetch(
    `${stand.issuer}/oauth2/authorize?${new URLSearchParams({
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      ...more,
    })}`,
    { redirect: 'manual' },
  )
/** 303 leads to the sign-in page: the client and its redirect were good. */
const statusFor = async (clientId = id, more: object = {}) => (await request(clientId, more)).status
const discovered = async () => (await stand.call('GET', '/.well-known/oauth-authorization-server')).body

describe('a whole flow', () => {
  test('an app that nobody registered signs a person in, with consent, and is given tokens', async () => {
    const { tokens } = await signIn(
      as({ scopes: ['openid', 'email', 'offline_access'], parameters: { prompt: 'consent' } }),
    )
    expect(tokens.status).toBe(200)
    expect((await refresh(as(), tokens.body.refresh_token ?? '')).status).toBe(200)
    expect(sites.count(id)).toBe(1)
    const events = await stand.rig.seed.run('select detail from audit_event where resource_id = $1 and action = $2', [
      id,
      'oidc.client.registered',
    ])
    expect(events).toHaveLength(1)
  })

  test('the consent page says by which host the app is known, and where it leads', async () => {
    const browser = openHttpBrowser()
    let shown = ''
    const spying: typeof browser = {
      ...browser,
      submit: async (...given) => {
        if (browser.page().text.includes('name="allow"')) shown = browser.page().text
        return browser.submit(...given)
      },
    }
    await authorize(as({ browser: spying }))
    expect(shown).toContain('app.example')
    expect(shown).toContain(new URL(redirectUri).host)
    expect(shown).toContain('The editor')
  })

  test('an administrator sees it as what it is, and disabling it holds against the document', async () => {
    expect(await statusFor()).toBe(303)
    const path = `/clients/${encodeURIComponent(id)}`
    const { body, headers } = await stand.admin('GET', path)
    expect([body.origin, body.id, body.firstParty]).toEqual(['document', id, false])
    const changed = await fetch(`${stand.issuer}/admin/v1${path}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${stand.adminToken}`,
        'content-type': 'application/json',
        'if-match': headers.get('etag') ?? '',
      },
      body: JSON.stringify({ status: 'disabled' }),
    })
    expect(changed.status).toBe(200)
    expect(await statusFor()).toBe(400)
    stand.rig.clock.advance(86_400_000)
    expect(await statusFor()).toBe(400)
    stand.rig.clock.advance(-86_400_000)
    expect(sites.count(id)).toBe(1)
  })

  test('what the document says is not for an administrator to change; whether it is trusted is', async () => {
    expect(await statusFor()).toBe(303)
    const path = `/clients/${encodeURIComponent(id)}`
    const patch = async (change: object) => {
      const etag = (await stand.admin('GET', path)).headers.get('etag') ?? ''
      const headers = {
        authorization: `Bearer ${stand.adminToken}`,
        'content-type': 'application/json',
        'if-match': etag,
      }
      const response = await fetch(`${stand.issuer}/admin/v1${path}`, {
        method: 'PATCH',
        headers,
        body: JSON.stringify(change),
      })
      return [response.status, ((await response.json()) as { code?: string }).code]
    }
    expect(await patch({ scope: 'openid admin' })).toEqual([409, 'client_follows_document'])
    expect(await patch({ name: 'Other' })).toEqual([409, 'client_follows_document'])
    expect((await patch({ firstParty: true }))[0]).toBe(200)
  })

  test('a rule of the tenant knows such a client at the gate (security.md row 1)', async () => {
    await stand.rules(`import Credential from "issuance"
@id("no-strangers")
deny issue on credential: Credential to anyone
  when has credential.client and credential.client.origin == "document"
  because "Not for apps that nobody made."`)
    const { answer } = await authorize(as())
    await stand.rules('')
    expect(answer.get('error')).toBe('access_denied')
  })

  test('it holds no scope and no audience that the tenant does not give to strangers', async () => {
    sites.putJson(id, documentOf({ scope: 'openid admin mcp:tools' }))
    expect(await statusFor(id, { scope: 'openid' })).toBe(303)
    expect((await stand.admin('GET', `/clients/${encodeURIComponent(id)}`)).body.scope).toBe('openid')
    const { tokens } = await signIn(as())
    expect(tokens.body.scope).toBe('openid')
    const aimed = await request(id, { resource: `${stand.issuer}/storage/v1` })
    expect(aimed.headers.get('location')).toContain('invalid_target')
  })
})

test('an MCP client finds its way from a resource to a token for it, and knows nothing before', async () => {
  await settle(['app.example'], { registration: { scope: 'openid access', resources: ['/access'] } })
  const { body: resource } = await stand.call('GET', '/.well-known/oauth-protected-resource/access')
  const [issuer = ''] = resource.authorization_servers as string[]
  const { body: server } = await stand.call('GET', `${issuer}/.well-known/oauth-authorization-server`)
  expect(server).toMatchObject({
    client_id_metadata_document_supported: true,
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: expect.arrayContaining(['none']),
  })
  const target = String(resource.resource)
  const { tokens } = await signIn(as({ scopes: ['openid', 'access'], resource: target }))
  await settle(['app.example'])
  const claims = decodeJwt(tokens.body.access_token ?? '')
  expect([claims.aud, claims.client_id, claims.scope]).toEqual([target, id, 'access'])
})

describe('off unless the tenant says otherwise (provider.md §6)', () => {
  test('without a listed host or a rule nothing is fetched, and discovery does not say that it would be', async () => {
    await settle([])
    expect((await discovered()).client_id_metadata_document_supported).toBeUndefined()
    expect(await statusFor()).toBe(400)
    expect(sites.count(id)).toBe(0)
    await settle(['app.example'])
    expect((await discovered()).client_id_metadata_document_supported).toBe(true)
    expect(await statusFor()).toBe(303)
  })

  test('a host beside the listed ones is not asked', async () => {
    const other = 'https://other.example/client.json'
    sites.putJson(other, documentOf({ client_id: other }))
    expect(await statusFor(other)).toBe(400)
    expect(sites.count(other)).toBe(0)
  })

  test('a rule opens other hosts, and a rule about the whole document closes again', async () => {
    const other = 'https://other.example/by-rule.json'
    sites.putJson(other, documentOf({ client_id: other }))
    await settle([])
    await stand.rules(`@id("any-host")
allow readClientDocument on Tenant to anyone

@id("only-editors")
allow registerClient on Tenant to anyone
  when context.way == "document" and context.metadata.clientName == "The editor"`)
    expect((await discovered()).client_id_metadata_document_supported).toBe(true)
    expect(await statusFor(other)).toBe(303)
    sites.putJson(id, documentOf({ client_name: 'Something else' }))
    expect(await statusFor()).toBe(400)
    await stand.rules('')
    expect(await statusFor(other)).toBe(400)
    await settle(['app.example'])
  })
})

describe('what is no document', () => {
  test.each([
    ['another client_id', { client_id: 'https://app.example/other.json' }],
    ['a secret', { client_secret: 'everyone-reads-this-0123456789' }],
    ['a secret method', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['privileged members', { skip_consent: true }],
    ['first party', { firstParty: true }],
    ['no PKCE', { require_pkce: false }],
    ['no redirect', { redirect_uris: [] }],
    ['a wildcard redirect', { redirect_uris: ['https://*.app.example/cb'] }],
    ['a plain-http redirect', { redirect_uris: ['http://app.example/cb'] }],
    ['private_key_jwt without a key', { token_endpoint_auth_method: 'private_key_jwt' }],
    ['no code grant', { grant_types: ['client_credentials'] }],
    ['a name that cannot be read', { client_name: 'Bank\u202Eknab' }],
  ])('with %s is refused on a page', async (_what, more) => {
    sites.putJson(id, documentOf(more))
    const response = await request()
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
    expect((await stand.admin('GET', `/clients/${encodeURIComponent(id)}`)).status).toBe(404)
  })

  const good = (more: object = {}) => JSON.stringify(documentOf(more))
  const padded = (bytes: number) => good({ padding: 'x'.repeat(bytes - good({ padding: '' }).length) })
  test.each<[string, () => Page]>([
    ['not found', () => ({ status: 404, body: good() })],
    ['a redirect', () => ({ status: 302, headers: { location: 'https://app.example/client.json' } })],
    ['another status', () => ({ status: 203, body: good() })],
    ['HTML', () => ({ type: 'text/html', body: good() })],
    ['no type', () => ({ type: 'application/octet-stream', body: good() })],
    ['no JSON', () => ({ body: good().slice(1) })],
    ['a list', () => ({ body: `[${good()}]` })],
    ['doubled members', () => ({ body: good().replace('{', `{"client_id":"${id}",`) })],
    ['a byte more than 32 KiB', () => ({ body: padded(32 * 1024 + 1) })],
    ['100 KiB', () => ({ body: padded(100 * 1024) })],
  ])('an address that answers %s is no client (draft §5, §8.7)', async (_what, make) => {
    sites.put(id, make())
    expect(await statusFor()).toBe(400)
  })

  test.each<[string, () => Page]>([
    ['32 KiB', () => ({ body: padded(32 * 1024) })],
    ['a type of its own', () => ({ type: 'application/cimd+json; charset=utf-8', body: good() })],
  ])('an address that answers %s is one', async (_what, make) => {
    sites.put(id, make())
    expect(await statusFor()).toBe(303)
  })

  test.each([
    ['http', 'http://app.example/client.json'],
    ['without a path', 'https://app.example'],
    ['with an empty path', 'https://app.example/'],
    ['with dot segments', 'https://app.example/a/../client.json'],
    ['with encoded dot segments', 'https://app.example/%2e%2e/client.json'],
    ['with a fragment', 'https://app.example/client.json#x'],
    ['with userinfo', 'https://app.example@other.example/client.json'],
    ['in capitals', 'https://APP.example/client.json'],
    ['with a backslash', 'https://app.example\\client.json'],
  ])('an id %s is not fetched (draft §3)', async (_what, clientId) => {
    const before = sites.heard.length
    expect(await statusFor(clientId)).toBe(400)
    expect(sites.heard).toHaveLength(before)
  })

  test.each(['https://169.254.169.254/latest/meta-data', 'https://127.0.0.1/client.json', 'https://[::1]/client.json'])(
    'the guard stands before %s, also where the host is listed (security.md row 9)',
    async (inside) => {
      await settle(['app.example', '169.254.169.254', '127.0.0.1'])
      expect(await statusFor(inside)).toBe(400)
      await settle(['app.example'])
    },
  )

  test('redirects must stand in the document, character by character', async () => {
    for (const other of [`${redirectUri}/x`, `${redirectUri}?a=b`, 'https://evil.example/cb']) {
      const response = await request(id, { redirect_uri: other })
      expect([response.status, response.headers.get('location')]).toEqual([400, null])
    }
  })
})

describe('how long a document is believed', () => {
  const later = (milliseconds: number) => stand.rig.clock.advance(milliseconds)
  const minute = 60_000

  test.each([
    ['nothing', {}, 5 * minute],
    ['no-store', { 'cache-control': 'no-store' }, minute],
    ['ten minutes', { 'cache-control': 'public, max-age=600' }, 10 * minute],
    ['a second', { 'cache-control': 'max-age=1' }, minute],
    ['a year', { 'cache-control': 'max-age=31536000' }, 24 * 60 * minute],
  ])('%s said, it is asked again after its time, and not before', async (_what, headers, milliseconds) => {
    sites.putJson(id, documentOf(), headers)
    expect(await statusFor()).toBe(303)
    later(milliseconds - 1_000)
    expect(await statusFor()).toBe(303)
    expect(sites.count(id)).toBe(1)
    later(2_000)
    expect(await statusFor()).toBe(303)
    expect(sites.count(id)).toBe(2)
    later(-milliseconds - 1_000)
  })

  test('a changed document changes the client; a token for what it no longer is ends', async () => {
    const { tokens } = await signIn(as({ scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } }))
    sites.putJson(id, documentOf({ redirect_uris: [`${stand.issuer}/app/other`] }))
    later(6 * minute)
    expect(await statusFor()).toBe(400)
    expect((await refresh(as(), tokens.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
    later(-6 * minute)
  })

  test('a change of what it says about itself ends nothing', async () => {
    const { tokens } = await signIn(as({ scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } }))
    sites.putJson(id, documentOf({ contacts: ['ops@app.example'] }))
    later(6 * minute)
    expect((await refresh(as(), tokens.body.refresh_token ?? '')).status).toBe(200)
    expect((await stand.admin('GET', `/clients/${encodeURIComponent(id)}`)).body.contacts).toEqual(['ops@app.example'])
    later(-6 * minute)
  })

  test('an address that is away is stood in for, for a day; one that says 404 is not', async () => {
    expect(await statusFor()).toBe(303)
    later(6 * minute)
    sites.put(id, { status: 503 })
    expect(await statusFor()).toBe(303)
    later(minute)
    sites.put(id, { status: 404 })
    expect(await statusFor()).toBe(400)
    later(-7 * minute)
  })

  test('an error is not remembered, but neither is an address asked without end (draft §5.2)', async () => {
    sites.put(id, { status: 404 })
    expect(await statusFor()).toBe(400)
    sites.putJson(id, documentOf())
    expect(await statusFor()).toBe(303)
    const other = `${id}?other`
    for (let turn = 0; turn < 12; turn += 1) expect(await statusFor(other)).toBe(400)
    expect(sites.count(other)).toBe(6)
  })

  test('many first requests at once fetch it once and make one client', async () => {
    const statuses = await Promise.all(Array.from({ length: 16 }, () => statusFor()))
    expect(new Set(statuses)).toEqual(new Set([303]))
    expect(sites.count(id)).toBe(1)
  })
})

test('a client with a key of its own authenticates by it, and by nothing less (RFC 7523 §2.2)', async () => {
  const key = await openClientKey()
  sites.putJson(id, documentOf({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.publicJwk] } }))
  expect((await redeem(as(), await authorize(as()))).body.error).toBe('invalid_client')
  const { answer, verifier } = await authorize(as())
  const { body } = await askToken(as(), {
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    redirect_uri: redirectUri,
    code_verifier: verifier,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await key.assertion(id, stand.issuer),
  })
  expect(body.access_token).toEqual(expect.any(String))
})
