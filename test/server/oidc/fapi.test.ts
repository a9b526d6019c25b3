// FAPI 2.0 Security Profile and Message Signing, as a switch of one client.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { authorize, type SignInAs } from '../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const verifier = 'v'.repeat(43)
const challenge = createHash('sha256').update(verifier).digest('base64url')

let rig: Rig
let key: ClientKey
let weak: ClientKey
let redirectUri: string
beforeAll(async () => {
  rig = await openRig()
  key = await openClientKey()
  weak = await openClientKey('RS256')
  redirectUri = `${rig.issuer}/app/cb`
  const metadata = {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code' as const, 'refresh_token' as const],
    scope: 'openid email access',
    tokenEndpointAuthMethod: 'private_key_jwt' as const,
    jwks: { keys: [key.publicJwk] },
  }
  await rig.seed.account('alice@example.test')
  await rig.seed.client('bank', { ...metadata, profile: 'fapi2' }, { firstParty: true })
  await rig.seed.client(
    'weak',
    { ...metadata, profile: 'fapi2', jwks: { keys: [weak.publicJwk] } },
    { firstParty: true },
  )
  await rig.seed.client('signing', { ...metadata, profile: 'fapi2-message-signing' }, { firstParty: true })
  const { jwks: _keys, ...plain } = metadata
  const shared = { ...plain, tokenEndpointAuthMethod: 'client_secret_basic' as const }
  await rig.seed.client('shared-secret', { ...shared, profile: 'fapi2' }, { firstParty: true })
  await rig.seed.client('ordinary', shared, { firstParty: true })
})
afterAll(() => rig.close())

type Fields = { readonly [name: string]: string }
const seconds = () => Math.floor(Date.now() / 1_000)
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const request = (id: string): Fields => ({
  client_id: id,
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid',
  state: 'the-state',
  code_challenge: challenge,
  code_challenge_method: 'S256',
})

async function post(id: string, path: string, fields: Fields, more: { proof?: string; accept?: string } = {}) {
  const response = await fetch(`${rig.issuer}${path}`, {
    method: 'POST',
    headers: { ...(more.proof ? { dpop: more.proof } : {}), ...(more.accept ? { accept: more.accept } : {}) },
    body: new URLSearchParams({
      client_assertion_type: assertionType,
      client_assertion: await (id === 'weak' ? weak : key).assertion(id, rig.issuer),
      ...fields,
    }),
  })
  const text = await response.text()
  const type = response.headers.get('content-type') ?? ''
  const body = type.startsWith('application/json') ? (JSON.parse(text) as { [name: string]: string }) : {}
  return { status: response.status, text, type, body, nonce: response.headers.get('dpop-nonce') ?? '' }
}

/** Asked twice: the first answer says the nonce that the second proof carries (RFC 9449 §8). */
async function ask(id: string, fields: Fields) {
  const url = `${rig.issuer}/oauth2/token`
  const { nonce } = await post(id, '/oauth2/token', fields, { proof: await key.proof({ method: 'POST', url }) })
  return post(id, '/oauth2/token', fields, { proof: await key.proof({ method: 'POST', url, nonce }) })
}

/** A browser of Alice that is signed in: what it asks next is answered at once. */
async function signedIn() {
  const as: SignInAs = {
    issuer: rig.issuer,
    client: { id: 'ordinary', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
  return (await authorize({ ...as, browser: openHttpBrowser() })).browser
}

async function answerTo(id: string, fields: Fields) {
  const browser = await signedIn()
  const { url, text } = await browser.open(
    `${rig.issuer}/oauth2/authorize?${new URLSearchParams({ client_id: id, ...fields })}`,
  )
  return { text, answer: new URL(url).searchParams }
}

async function codeOf(id: string) {
  const { body } = await post(id, '/oauth2/par', request(id))
  const { answer } = await answerTo(id, { request_uri: body.request_uri ?? '' })
  return { code: answer.get('code') ?? '', iss: answer.get('iss') }
}
const redeeming = (code: string): Fields => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  code_verifier: verifier,
})
const tokensOf = async (id: string) => ask(id, redeeming((await codeOf(id)).code))

test('pushed, proven, bound: the flow leads to tokens signed ES256, with iss in the answer (§5.3.2.2)', async () => {
  const { code, iss } = await codeOf('bank')
  expect(iss).toBe(rig.issuer)
  const { status, body } = await ask('bank', redeeming(code))
  expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'DPoP' })
  expect(decodeProtectedHeader(body.id_token ?? '').alg).toBe('ES256')
})

test('what is not pushed is not heard (§5.3.2.2 item 3)', async () => {
  expect((await answerTo('bank', request('bank'))).answer.get('error')).toBe('invalid_request')
})

test('a token request without a key is refused (§5.3.2.1 item 4)', async () => {
  const { code } = await codeOf('bank')
  const { status, body } = await post('bank', '/oauth2/token', redeeming(code))
  expect({ status, error: body.error }).toEqual({ status: 400, error: 'invalid_grant' })
})

test('RS256 does not authenticate a client of the profile, and does elsewhere (§5.4)', async () => {
  expect(await post('weak', '/oauth2/par', request('weak'))).toMatchObject({
    status: 401,
    body: { error: 'invalid_client' },
  })
})

test('a client with a shared secret is none of the profile (§5.3.2.1 item 6)', async () => {
  const authorization = `Basic ${Buffer.from(`shared-secret:${clientSecret}`).toString('base64')}`
  const body = new URLSearchParams(request('shared-secret'))
  const refused = await fetch(`${rig.issuer}/oauth2/par`, { method: 'POST', headers: { authorization }, body })
  expect(refused.status).toBe(401)
  const same = `Basic ${Buffer.from(`ordinary:${clientSecret}`).toString('base64')}`
  const taken = await fetch(`${rig.issuer}/oauth2/par`, {
    method: 'POST',
    headers: { authorization: same },
    body: new URLSearchParams(request('ordinary')),
  })
  expect(taken.status).toBe(201)
})

test('refresh tokens are bound to their client, and not rotated (§5.3.2.1 item 9)', async () => {
  const refresh = (await tokensOf('bank')).body.refresh_token ?? ''
  for (let use = 0; use < 2; use += 1) {
    const { status, body } = await ask('bank', { grant_type: 'refresh_token', refresh_token: refresh })
    expect(status).toBe(200)
    expect(body.refresh_token ?? refresh).toBe(refresh)
  }
  // Bound to the client by its own key (RFC 9449 §5): whoever brings it as another client gets nothing.
  const stolen = await ask('signing', { grant_type: 'refresh_token', refresh_token: refresh })
  expect(stolen).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})

const signed = (changes: object = {}, by = key) =>
  by.sign(
    {
      ...request('signing'),
      response_mode: 'jwt',
      iss: 'signing',
      aud: rig.issuer,
      nbf: seconds(),
      exp: seconds() + 300,
      ...changes,
    },
    { typ: 'oauth-authz-req+jwt', kid: 'client-key' },
  )
const pushSigned = async (changes: object = {}) =>
  post('signing', '/oauth2/par', { client_id: 'signing', request: await signed(changes) })

test('message signing: a signed request leads to a signed answer (Message Signing §5.3, §5.4)', async () => {
  const { status, body } = await pushSigned()
  expect(status).toBe(201)
  const { answer } = await answerTo('signing', { request_uri: body.request_uri ?? '' })
  const keys = createRemoteJWKSet(new URL(`${rig.issuer}/oauth2/jwks`))
  const { payload, protectedHeader } = await jwtVerify(answer.get('response') ?? '', keys, { audience: 'signing' })
  expect(protectedHeader.alg).toBe('ES256')
  expect((await ask('signing', redeeming(String(payload.code)))).status).toBe(200)
})

test.each<[string, () => object]>([
  ['no nbf', () => ({ nbf: undefined })],
  ['more than an hour between nbf and exp', () => ({ nbf: seconds() - 3_400, exp: seconds() + 300 })],
])('message signing: refuses a request object with %s (§5.3.1)', async (_what, changes) => {
  expect(await pushSigned(changes())).toMatchObject({ status: 400, body: { error: 'invalid_request_object' } })
})

test('message signing: refuses what is not signed, and asks for a signed answer', async () => {
  const plain = await post('signing', '/oauth2/par', { ...request('signing'), response_mode: 'jwt' })
  expect(plain).toMatchObject({ status: 400 })
  const unsigned = await pushSigned({ response_mode: 'query' })
  expect(unsigned).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
})

test('message signing: introspection is signed for the client that asks, opaque and JWT tokens alike (RFC 9701 §5)', async () => {
  const accept = 'application/token-introspection+jwt'
  const { body } = await pushSigned({ scope: 'openid access', resource: `${rig.issuer}/access` })
  const { answer } = await answerTo('signing', { request_uri: body.request_uri ?? '' })
  const code = JSON.parse(Buffer.from((answer.get('response') ?? '').split('.')[1] ?? '', 'base64url').toString()).code
  const tokens = await ask('signing', { ...redeeming(code), resource: `${rig.issuer}/access` })
  const keys = createRemoteJWKSet(new URL(`${rig.issuer}/oauth2/jwks`))
  for (const token of [tokens.body.access_token ?? '', tokens.body.refresh_token ?? '']) {
    const { text, type } = await post('signing', '/oauth2/introspect', { token }, { accept })
    expect(type).toMatch(/^application\/token-introspection\+jwt/)
    const { payload } = await jwtVerify(text, keys, { issuer: rig.issuer, typ: 'token-introspection+jwt' })
    expect(payload.token_introspection).toMatchObject({ active: true, client_id: 'signing' })
  }
})
