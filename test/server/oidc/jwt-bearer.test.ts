// A token for whom a trusted issuer vouches for (RFC 7523 §2.1).
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { guardedEgress } from '../../../adapters/egress/guarded-egress.ts'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../server/oidc/trusted-issuers.ts'
import { askToken, postForm } from '../../kit/sign-in.ts'
import { type Claims, type ClientKey, openClientKey } from './proofs.ts'
import { clientSecret, openRig, type Rig } from './rig.ts'

const upstream = 'https://login.partner.example'
const byAddress = 'https://mail.partner.example'
const byFetch = 'https://fetched.partner.example'

let rig: Rig
let alice: string
let key: ClientKey
let stranger: ClientKey
let keys: Server
let fetches: number
let published: readonly object[]
beforeAll(async () => {
  rig = await openRig({ area: { egress: guardedEgress({ allowLoopback: true }) } })
  key = await openClientKey()
  stranger = await openClientKey()
  keys = createServer((_request, response) => {
    fetches += 1
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: published }))
  })
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  const store = createTrustedIssuerStore(rig.database, 'default')
  const put = (issuer: string, settings: object) => store.put({ ...trustedIssuerSchema.parse(settings), issuer })
  const jwks = { keys: [key.publicJwk] }
  await put(upstream, { jwks, algorithms: ['ES256'], subject: { by: 'account' }, scope: 'access' })
  await put(byAddress, { jwks, subject: { by: 'email', domains: ['example.test'] }, scope: 'access' })
  const jwksUri = `http://127.0.0.1:${(keys.address() as AddressInfo).port}/jwks`
  await put(byFetch, { jwksUri, subject: { by: 'account' }, scope: 'access' })
})
afterAll(async () => {
  await rig.close()
  keys.close()
})
beforeEach(async () => {
  fetches = 0
  published = [key.publicJwk]
  await rig.empty()
  alice = await rig.seed.account('alice@example.test')
  await rig.seed.client('batch', {
    grantTypes: [grantNames.assertion],
    scope: 'openid access',
    trustedIssuers: [upstream, byAddress, byFetch, 'https://nobody.example'],
  })
})

const client = { id: 'batch', redirectUri: '', secret: clientSecret }
const assertion = (changes: Claims = {}, header = {}, by = key) =>
  by.sign(
    {
      iss: upstream,
      sub: alice,
      aud: rig.issuer,
      jti: crypto.randomUUID(),
      iat: Math.floor(Date.now() / 1_000),
      exp: Math.floor(Date.now() / 1_000) + 60,
      ...changes,
    },
    { kid: 'client-key', ...header },
  )
const ask = (text: string, fields: { readonly [name: string]: string } = {}) =>
  askToken({ issuer: rig.issuer, client }, { grant_type: grantNames.assertion, assertion: text, ...fields })

test('a client gets a token for the person, and no more than the issuer may give', async () => {
  const answer = await ask(await assertion())
  expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer', scope: 'access' } })
  expect(answer.body.refresh_token).toBeUndefined()
  const claims = decodeJwt(answer.body.access_token ?? '')
  expect(claims).toMatchObject({ sub: alice, client_id: 'batch', aud: `${rig.issuer}/api`, scope: 'access' })
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, client, { token: answer.body.access_token ?? '' })
  expect(JSON.parse(body)).toMatchObject({ active: true, sub: alice })
  expect((await ask(await assertion(), { scope: 'openid' })).body.error).toBe('invalid_scope')
  expect((await ask(await assertion(), { resource: `${rig.issuer}/admin` })).body.error).toBe('invalid_target')
})

test('an assertion works once (§3.7)', async () => {
  const text = await assertion()
  expect((await ask(text)).status).toBe(200)
  expect(await ask(text)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

test('one id of two issuers is two ids', async () => {
  const jti = crypto.randomUUID()
  expect((await ask(await assertion({ jti }))).status).toBe(200)
  expect((await ask(await assertion({ jti, iss: byFetch }))).status).toBe(200)
})

describe('refused (§3)', () => {
  const now = () => Math.floor(Date.now() / 1_000)
  test.each<[string, () => Promise<string>]>([
    ['an issuer that nobody trusts', () => assertion({ iss: 'https://nobody.example' })],
    ['ourselves as issuer', () => assertion({ iss: rig.issuer })],
    ['another audience', () => assertion({ aud: 'https://elsewhere.example' })],
    ['two audiences, ours among them', () => assertion({ aud: [rig.issuer, 'https://elsewhere.example'] })],
    ['our token endpoint as audience', () => assertion({ aud: `${rig.issuer}/oauth2/token` })],
    ['an hour of life', () => assertion({ exp: now() + 3_600 })],
    ['no end', () => assertion({ exp: undefined })],
    ['an end that has passed', () => assertion({ exp: now() - 60 })],
    ['a beginning that is to come', () => assertion({ nbf: now() + 120 })],
    ['a time that is to come', () => assertion({ iat: now() + 120 })],
    ['no id', () => assertion({ jti: undefined })],
    ['nobody', () => assertion({ sub: undefined })],
    ['somebody whom we do not know', () => assertion({ sub: crypto.randomUUID() })],
    ['a NUL as somebody', () => assertion({ sub: '\u0000' })],
    ['a key of somebody else', () => assertion({}, {}, stranger)],
    ['a key that it brings along', () => assertion({}, { jwk: stranger.publicJwk, kid: undefined }, stranger)],
    ['the type of an access token (RFC 8725 §3.11)', () => assertion({}, { typ: 'at+jwt' })],
    ['the type of a DPoP proof', () => assertion({}, { typ: 'dpop+jwt' })],
    [
      'no algorithm',
      async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await assertion()).split('.')[1]}.`,
    ],
    ['no JWT', async () => 'x'],
    ['50,000 letters', async () => 'x'.repeat(50_000)],
  ])('%s', async (_what, make) => {
    expect(await ask(await make())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('an algorithm that the issuer does not use', async () => {
    const rsa = await openClientKey('RS256')
    const text = await assertion({}, {}, rsa)
    expect((await ask(text)).body.error).toBe('invalid_grant')
  })

  test('no assertion at all, or two', async () => {
    expect((await askToken({ issuer: rig.issuer, client }, { grant_type: grantNames.assertion })).body.error).toBe(
      'invalid_request',
    )
    const basic = Buffer.from(`batch:${clientSecret}`).toString('base64')
    const body = new URLSearchParams([
      ['grant_type', grantNames.assertion],
      ['assertion', await assertion()],
      ['assertion', await assertion()],
    ])
    const headers = { authorization: `Basic ${basic}` }
    const response = await fetch(`${rig.issuer}/oauth2/token`, { method: 'POST', headers, body })
    expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
      status: 400,
      error: 'invalid_request',
    })
  })

  test('an issuer that the client does not name, and one that the tenant trusts no longer', async () => {
    await rig.seed.client('other', { grantTypes: [grantNames.assertion], scope: 'access', trustedIssuers: [byFetch] })
    const other = await askToken(
      { issuer: rig.issuer, client: { ...client, id: 'other' } },
      { grant_type: grantNames.assertion, assertion: await assertion() },
    )
    expect(other.body.error).toBe('invalid_grant')
  })

  test('a fault in what the issuer may give does not burn the assertion', async () => {
    const text = await assertion()
    expect((await ask(text, { scope: 'admin' })).body.error).toBe('invalid_scope')
    expect((await ask(text)).status).toBe(200)
  })
})

describe('an identity assertion grant (ID-JAG)', () => {
  const jag = (changes: Claims = {}) => assertion({ client_id: 'batch', ...changes }, { typ: 'oauth-id-jag+jwt' })
  test('is for the client that it names', async () => {
    expect((await ask(await jag())).status).toBe(200)
    expect((await ask(await jag({ client_id: 'other' }))).body.error).toBe('invalid_grant')
    expect((await ask(await jag({ client_id: undefined }))).body.error).toBe('invalid_grant')
  })
  test('and for the scopes and the resource that it names', async () => {
    expect((await ask(await jag({ scope: 'other' }), { scope: 'access' })).body.error).toBe('invalid_scope')
    expect((await ask(await jag({ scope: 'access' }), { scope: 'access' })).status).toBe(200)
    expect((await ask(await jag({ resource: `${rig.issuer}/storage/v1` }))).body.error).toBe('invalid_target')
    expect((await ask(await jag({ resource: `${rig.issuer}/api` }))).status).toBe(200)
  })
})

describe('by address (security.md row 3)', () => {
  const vouched = (changes: Claims = {}) =>
    assertion({ iss: byAddress, sub: 'u1', email: 'alice@example.test', email_verified: true, ...changes })
  test('where the issuer has checked it and is in charge of its domain, and so have we', async () => {
    expect((await ask(await vouched())).status).toBe(200)
  })
  test.each([
    ['that the issuer has not checked', { email_verified: false }],
    ['said to be checked by a text', { email_verified: 'true' }],
    ['of a domain that is not the issuer’s', { email: 'alice@elsewhere.test' }],
    ['that is none', { email: { $like: '%' } }],
  ])('not for an address %s', async (_what, changes) => {
    expect((await ask(await vouched(changes))).body.error).toBe('invalid_grant')
  })
  test('not for an account that has not proved the address to us', async () => {
    await rig.seed.run('update identifier set verified_at = null', [])
    expect((await ask(await vouched())).body.error).toBe('invalid_grant')
  })
})

describe('the admin API', () => {
  test('lists, puts and drops issuers, for administrators', async () => {
    await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
    await rig.seed.admin('desk')
    const { body } = await askToken(
      { issuer: rig.issuer, client: { ...client, id: 'desk' } },
      { grant_type: 'client_credentials', resource: `${rig.issuer}/admin` },
    )
    const call = (method: string, query = '', json?: object) =>
      fetch(`${rig.issuer}/admin/v1/trusted-issuers${query}`, {
        method,
        headers: { authorization: `Bearer ${body.access_token}`, 'content-type': 'application/json' },
        ...(json ? { body: JSON.stringify(json) } : {}),
      })
    const named = `?issuer=${encodeURIComponent('https://third.example')}`
    expect((await call('PUT', named, { subject: { by: 'account' } })).status).toBe(422)
    const settings = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' }, scope: 'access' }
    expect((await call('PUT', named, settings)).status).toBe(204)
    const listed = (await (await call('GET')).json()) as { items: { issuer: string }[] }
    expect(listed.items.map(({ issuer }) => issuer)).toContain('https://third.example')
    expect((await call('DELETE', named)).status).toBe(204)
    expect((await call('DELETE', named)).status).toBe(404)
  })
})

describe('keys that are published', () => {
  const fetched = (by = key, header = {}) => assertion({ iss: byFetch }, header, by)
  test('are read once, and again for a key that is not among them, a minute later', async () => {
    rig.clock.advance(10 * 60_000)
    expect((await ask(await assertion({ iss: byFetch, ...shifted() }))).status).toBe(200)
    expect((await ask(await assertion({ iss: byFetch, ...shifted() }))).status).toBe(200)
    expect(fetches).toBe(1)
    published = [key.publicJwk, { ...stranger.publicJwk, kid: 'new' }]
    expect((await ask(await fetched(stranger, { kid: 'new' }))).body.error).toBe('invalid_grant')
    rig.clock.advance(61_000)
    expect((await ask(await assertion({ iss: byFetch, ...shifted() }, { kid: 'new' }, stranger))).status).toBe(200)
    expect(fetches).toBe(2)
  })
  const shifted = () => {
    const at = Math.floor(rig.clock.now() / 1_000)
    return { iat: at, exp: at + 60 }
  }
})
