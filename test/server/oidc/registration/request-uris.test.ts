// Request objects by reference (RFC 9101 §5.2.2, OIDC Core §6.2): fetched from where the client registered, and from nowhere else.
import { hash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { authorize, redeem, type SignInAs } from '../../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from '../proofs.ts'
import { alicePassword, clientSecret } from '../rig.ts'
import { openSites, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

let sites: Sites
let stand: Stand
let key: ClientKey
let redirectUri: string
const uri = 'https://app.example/request.jwt'
const pinnedHost = 'https://app.example/pinned.jwt'

beforeAll(async () => {
  sites = await openSites('app.example')
  stand = await openStand({ egress: sites.egress })
  key = await openClientKey()
  redirectUri = `${stand.issuer}/app/cb`
  await stand.rig.seed.account('alice@example.test')
  const base = { redirectUris: [redirectUri], scope: 'openid email', jwks: { keys: [key.publicJwk] } }
  const requestUris = [uri, pinnedHost, 'https://169.254.169.254/latest']
  await stand.rig.seed.client('web', { ...base, requestUris }, { firstParty: true })
  await stand.rig.seed.client('bare', base, { firstParty: true })
  await stand.rig.seed.client('pushes', { ...base, requestUris, requirePushedAuthorizationRequests: true })
  await on(true)
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})
beforeEach(async () => {
  sites.put(uri, { body: await objectOf(), type: 'application/oauth-authz-req+jwt' })
})

const on = (requestUri: boolean) => stand.admin('PUT', '/openid-settings', { requestUri })
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const objectOf = (more: object = {}, clientId = 'web') => {
  const now = Math.floor(Date.now() / 1_000)
  return key.sign(
    {
      iss: clientId,
      aud: stand.issuer,
      client_id: clientId,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      state: 'signed-state',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      iat: now,
      exp: now + 300,
      ...more,
    },
    { kid: 'client-key', typ: 'oauth-authz-req+jwt' },
  )
}
const ask = (requestUri: string, more: { readonly [name: string]: string } = {}) =>
  fetch(
    `${stand.issuer}/oauth2/authorize?${new URLSearchParams({
      client_id: 'web',
      response_type: 'code',
      scope: 'openid',
      request_uri: requestUri,
      ...more,
    })}`,
    { redirect: 'manual' },
  )
const leadsTo = async (response: Response) => [response.status, response.headers.get('location') ?? ''] as const

describe('where the tenant takes them', () => {
  test('a whole flow runs from an address', async () => {
    const as: SignInAs = {
      issuer: stand.issuer,
      client: { id: 'web', redirectUri, secret: clientSecret },
      user: { identifier: 'alice@example.test', password: alicePassword },
      parameters: { request_uri: uri },
    }
    // The challenge that counts is the signed one.
    const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
    const authorization = await authorize(as)
    expect(authorization.answer.get('state')).toBe('signed-state')
    const { status, body } = await redeem(as, { ...authorization, verifier })
    expect([status, body.scope]).toEqual([200, 'openid'])
  })

  test('discovery says so, and that they must be registered (OIDC Discovery §3)', async () => {
    for (const name of ['openid-configuration', 'oauth-authorization-server']) {
      const { body } = await stand.call('GET', `/.well-known/${name}`)
      expect([body.request_uri_parameter_supported, body.require_request_uri_registration]).toEqual([true, true])
    }
  })

  test('what stands beside it in the query does not count (RFC 9101 §6.3)', async () => {
    const aside = await ask(uri, { redirect_uri: 'https://evil.example/cb' })
    expect(await leadsTo(aside)).toEqual([303, expect.stringContaining('/signin/')])
    const [, location] = await leadsTo(await ask(uri, { scope: 'openid admin' }))
    expect(location.startsWith(`${redirectUri}?error=invalid_scope`)).toBe(true)
    expect(await leadsTo(await ask(uri, { state: 'unsigned' }))).toEqual([303, expect.stringContaining('/signin/')])
  })

  test('a POST is the same', async () => {
    const body = new URLSearchParams({ client_id: 'web', response_type: 'code', scope: 'openid', request_uri: uri })
    const first = await fetch(`${stand.issuer}/oauth2/authorize`, { method: 'POST', body, redirect: 'manual' })
    expect(first.status).toBe(303)
    const second = await fetch(first.headers.get('location') ?? '', { redirect: 'manual' })
    expect(await leadsTo(second)).toEqual([303, expect.stringContaining('/signin/')])
  })
})

describe('refused on a page, and never by a redirect (provider.md §10)', () => {
  const refused = async (response: Response) => {
    expect([response.status, response.headers.get('location')]).toEqual([400, null])
    expect(await response.text()).toContain('invalid_request_uri')
  }

  test.each([
    ['another address', 'https://app.example/other.jwt'],
    ['a longer one', `${uri}?a=b`],
    ['another host', 'https://evil.example/request.jwt'],
    ['an address inside', 'https://127.0.0.1/request.jwt'],
    ['a file', 'file:///etc/passwd'],
    ['no address', 'x'],
  ])('%s than the registered ones is not fetched', async (_what, other) => {
    const before = sites.heard.length
    await refused(await ask(other))
    expect(sites.heard).toHaveLength(before)
  })

  test('the guard stands before a registered address, too (security.md row 9)', async () => {
    await refused(await ask('https://169.254.169.254/latest'))
  })

  test('a client that registered none has none', async () => {
    const before = sites.heard.length
    await refused(await ask(uri, { client_id: 'bare' }))
    expect(sites.heard).toHaveLength(before)
  })

  test.each([
    ['not found', { status: 404 }],
    ['a redirect', { status: 302, headers: { location: 'https://app.example/request.jwt?b' } }],
    ['HTML', { body: '<p>hello</p>' }],
    ['more than 64 KiB', { body: `${'x'.repeat(32 * 1024)}.${'y'.repeat(32 * 1024)}.z` }],
    ['nothing', { body: '' }],
  ])('an address that answers %s holds no request', async (_what, page) => {
    sites.put(uri, page)
    await refused(await ask(uri))
  })
})

describe('the object is judged as one by value', () => {
  test.each([
    ['of another client', async () => objectOf({}, 'bare')],
    ['for another server', async () => objectOf({ aud: 'https://other.example' })],
    ['that is over', async () => objectOf({ exp: Math.floor(Date.now() / 1_000) - 60 })],
    ['with a scope beyond the client', async () => objectOf({ scope: 'openid admin' })],
    ['that names another address', async () => objectOf({ request_uri: uri })],
    [
      'with another key',
      async () => (await openClientKey()).sign({ iss: 'web', aud: stand.issuer }, { kid: 'client-key' }),
    ],
    ['without a signature', async () => `${(await objectOf()).split('.').slice(0, 2).join('.')}.`],
  ])('one %s begins no sign-in', async (_what, make) => {
    sites.put(uri, { body: await make() })
    const response = await ask(uri)
    expect(response.headers.get('location') ?? '').not.toContain('/signin/')
    expect(response.status).toBeLessThan(500)
  })

  test('request and request_uri together are refused, and nothing is fetched (RFC 9101 §5)', async () => {
    const before = sites.heard.length
    const response = await ask(uri, { request: await objectOf(), redirect_uri: redirectUri })
    expect(response.headers.get('location') ?? '').not.toContain('/signin/')
    expect(sites.heard).toHaveLength(before)
  })

  test.each(['request_uri', 'client_id'])('a doubled %s is refused, and nothing is fetched', async (name) => {
    const before = sites.heard.length
    const query = new URLSearchParams({ client_id: 'web', response_type: 'code', request_uri: uri })
    query.append(name, name === 'client_id' ? 'web' : uri)
    const response = await fetch(`${stand.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' })
    expect(response.status).toBe(400)
    expect(sites.heard).toHaveLength(before)
  })

  test('who must push cannot point instead (RFC 9126 §6)', async () => {
    const before = sites.heard.length
    const response = await ask(uri, { client_id: 'pushes' })
    expect(response.headers.get('location') ?? '').not.toContain('/signin/')
    expect(sites.heard).toHaveLength(before)
  })

  test('a pushed request cannot point either (RFC 9126 §2.1)', async () => {
    const response = await fetch(`${stand.issuer}/oauth2/par`, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`web:${clientSecret}`).toString('base64')}` },
      body: new URLSearchParams({ client_id: 'web', request_uri: uri }),
    })
    expect(response.status).toBe(400)
  })
})

describe('what lies there (OIDC Core §6.2)', () => {
  test('without a digest it is read each time', async () => {
    const before = sites.count(uri)
    await ask(uri)
    await ask(`${uri}#version-2`)
    expect(sites.count(uri)).toBe(before + 2)
  })

  test('with the digest of its content it is read once, and must be what the digest says', async () => {
    const object = await objectOf()
    const pinned = `${pinnedHost}#${hash('sha256', object, 'base64url')}`
    sites.put(pinnedHost, { body: object })
    expect((await ask(pinned)).status).toBe(303)
    sites.put(pinnedHost, { body: await objectOf({ state: 'another' }) })
    expect((await ask(pinned)).status).toBe(303)
    expect(sites.count(pinnedHost)).toBe(1)
    expect((await ask(`${pinnedHost}#${hash('sha256', 'else', 'base64url')}`)).status).toBe(400)
  })

  test("a client's server is asked no more often than sign-ins begin", async () => {
    const before = sites.count(uri)
    const statuses = new Set<number>()
    for (let turn = 0; turn < 80; turn += 1) statuses.add((await ask(uri)).status)
    expect(statuses).toEqual(new Set([303, 429]))
    expect(sites.count(uri) - before).toBeLessThan(75)
    stand.rig.clock.advance(60_000)
    expect((await ask(uri)).status).toBe(303)
    stand.rig.clock.advance(-60_000)
  })
})

test('off by default: the parameter is not supported, and discovery says that (RFC 9101 §6.2)', async () => {
  await on(false)
  const before = sites.heard.length
  const response = await ask(uri, { redirect_uri: redirectUri, state: 'x' })
  expect(new URL(response.headers.get('location') ?? 'x:').searchParams.get('error')).toBe('request_uri_not_supported')
  const { body } = await stand.call('GET', '/.well-known/openid-configuration')
  expect([body.request_uri_parameter_supported, body.require_request_uri_registration]).toEqual([false, undefined])
  expect(sites.heard).toHaveLength(before)
  await on(true)
})
