// What the FAPI 2.0 plans ask with private_key_jwt and DPoP, one test for each module, by its name in the suite without the prefix
// `fapi2-security-profile-final-` (provider.md §9). With certificates: test/server/oidc/fapi-mutual-tls.test.ts.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt, UnsecuredJWT } from 'jose'
import { type HttpBrowser, openHttpBrowser } from '../kit/http-browser.ts'
import { type Claims, type ClientKey, openClientKey } from '../server/oidc/proofs.ts'
import { alicePassword, openRig, type Rig } from '../server/oidc/rig.ts'

const verifier = 'v'.repeat(43)
const challenge = createHash('sha256').update(verifier).digest('base64url')
const seconds = () => Math.floor(Date.now() / 1_000)

let rig: Rig
let key: ClientKey
let key2: ClientKey
let weak: ClientKey
let redirectUri: string
beforeAll(async () => {
  rig = await openRig()
  ;[key, key2, weak] = await Promise.all([openClientKey(), openClientKey(), openClientKey('RS256')])
  redirectUri = `${rig.issuer}/test/a/writ/callback`
  const spec = {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code' as const, 'refresh_token' as const],
    scope: 'openid email',
    tokenEndpointAuthMethod: 'private_key_jwt' as const,
    profile: 'fapi2' as const,
  }
  await rig.seed.account('alice@example.test')
  const seed = (id: string, by: ClientKey, more: object = {}, firstParty = true) =>
    rig.seed.client(id, { ...spec, jwks: { keys: [by.publicJwk] }, ...more }, { firstParty })
  await seed('one', key)
  await seed('asked', key, {}, false)
  await seed('two', key2)
  await seed('weak', weak)
  await seed('signing', key, { profile: 'fapi2-message-signing' })
  await seed('weak-signing', weak, { profile: 'fapi2-message-signing' })
})
afterAll(() => rig.close())

type Fields = { readonly [name: string]: string }
const keyOf = (id: string): ClientKey => (id === 'two' ? key2 : id.startsWith('weak') ? weak : key)
const request = (id = 'one', more: { readonly [name: string]: string | undefined } = {}): Fields =>
  JSON.parse(
    JSON.stringify({
      client_id: id,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid email',
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...more,
    }),
  )

type Sent = {
  readonly proof?: string | undefined
  readonly assertion?: Claims
  readonly bare?: boolean
  readonly method?: string
}
async function call(
  path: string,
  id: string,
  fields: Fields,
  { proof, assertion, bare = false, method = 'POST' }: Sent = {},
) {
  const body = new URLSearchParams({
    ...(bare
      ? {}
      : {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: await keyOf(id).assertion(id, rig.issuer, assertion),
        }),
    ...fields,
  })
  const response = await fetch(`${rig.issuer}${path}`, { method, headers: proof ? { dpop: proof } : {}, body })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  const answer = (isJson ? JSON.parse(text) : {}) as { readonly [member: string]: string }
  return { status: response.status, error: answer.error, body: answer, nonce: response.headers.get('dpop-nonce') ?? '' }
}

const push = (fields: Fields = request(), sent: Sent = {}) =>
  call('/oauth2/par', fields.client_id ?? 'one', fields, sent)
const pushed = async (fields: Fields = request()) => (await push(fields)).body.request_uri ?? ''

async function visit(
  id: string,
  more: Fields,
  answer: 'allow' | 'deny' = 'allow',
  browser: HttpBrowser = openHttpBrowser(),
) {
  const query = new URLSearchParams({ client_id: id, ...more })
  let { url, text, status } = await browser.open(`${rig.issuer}/oauth2/authorize?${query}`)
  for (let page = 0; !url.startsWith(redirectUri) && /<form/.test(text) && page < 4; page += 1) {
    const fields = { identifier: 'alice@example.test', password: alicePassword }
    ;({ url, text, status } = await (text.includes('name="password"')
      ? browser.submit(fields)
      : browser.submit({}, answer)))
  }
  return { answer: url.startsWith(redirectUri) ? new URL(url).searchParams : new URLSearchParams(), status, browser }
}
const codeOf = async (fields: Fields = request()) =>
  (await visit(fields.client_id ?? 'one', { request_uri: await pushed(fields) })).answer.get('code') ?? ''

const redeeming = (code: string): Fields => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  code_verifier: verifier,
})
let nonce = ''
async function proofFor(changes: Claims = {}, by = key, path = '/oauth2/token') {
  const url = `${rig.issuer}${path}`
  if (nonce === '') {
    const proof = await key.proof({ method: 'POST', url: `${rig.issuer}/oauth2/token` })
    nonce = (await call('/oauth2/token', 'one', redeeming('none'), { proof })).nonce
  }
  return by.proof({ method: 'POST', url, nonce }, changes)
}
const redeem = async (code: string, sent: Sent & { readonly id?: string; readonly fields?: Fields } = {}) =>
  call('/oauth2/token', sent.id ?? 'one', { ...redeeming(code), ...sent.fields }, { proof: await proofFor(), ...sent })
const tokensOf = async (fields: Fields = request()) => (await redeem(await codeOf(fields))).body

async function userinfo(token: string, scheme = 'DPoP') {
  const url = `${rig.issuer}/oauth2/userinfo`
  const ask = async (given?: string) =>
    fetch(url, {
      headers: {
        authorization: `${scheme} ${token}`,
        dpop: await key.proof({ method: 'GET', url, token, ...(given ? { nonce: given } : {}) }),
      },
    })
  return (await ask((await ask()).headers.get('dpop-nonce') ?? '')).status
}

const granted = { status: 200 }
const refused = { status: 400, error: 'invalid_grant' }

test('discovery-end-point-verification: what the profile needs is said', async () => {
  const metadata = await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()
  expect(metadata).toMatchObject({
    issuer: rig.issuer,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    pushed_authorization_request_endpoint: `${rig.issuer}/oauth2/par`,
    authorization_response_iss_parameter_supported: true,
    token_endpoint_auth_methods_supported: expect.arrayContaining(['private_key_jwt']),
    token_endpoint_auth_signing_alg_values_supported: expect.arrayContaining(['ES256', 'PS256']),
    dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
    request_object_signing_alg_values_supported: expect.not.arrayContaining(['none']),
  })
})

test('happy-flow; par-without-duplicate-parameters; access-token-type-header-case-sensitivity', async () => {
  const { answer } = await visit('one', { request_uri: await pushed() })
  expect([answer.get('iss'), answer.get('state')]).toEqual([rig.issuer, 'the-state'])
  const { status, body } = await redeem(answer.get('code') ?? '')
  expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'DPoP' })
  for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect(await userinfo(body.access_token ?? '', scheme)).toBe(200)
})

test('user-rejects-authentication: access_denied, with state and iss', async () => {
  const { answer } = await visit(
    'asked',
    { request_uri: await pushed(request('asked', { prompt: 'consent' })) },
    'deny',
  )
  expect([answer.get('error'), answer.get('state'), answer.get('iss')]).toEqual([
    'access_denied',
    'the-state',
    rig.issuer,
  ])
})

test.each([
  ['ensure-authorization-request-without-state-success', { state: undefined }],
  ['ensure-authorization-request-without-nonce-success', { nonce: undefined }],
  ['ensure-authorization-request-with-64-char-nonce-success', { nonce: 'n'.repeat(64) }],
  ['ensure-authorization-request-with-long-nonce', { nonce: 'n'.repeat(384) }],
  ['ensure-authorization-request-with-long-state', { state: 's'.repeat(384) }],
  ['ensure-other-scope-order-succeeds', { scope: 'email openid' }],
])('%s', async (_module, more: { readonly [name: string]: string | undefined }) => {
  const fields = request('one', more)
  const { answer } = await visit('one', { request_uri: await pushed(fields) })
  expect(answer.get('state')).toBe(fields.state ?? null)
  const { status, body } = await redeem(answer.get('code') ?? '')
  expect(status).toBe(200)
  expect(decodeJwt(body.id_token ?? '').nonce).toBe(fields.nonce)
})

test('test-claims-parameter-identity-claims', async () => {
  const claims = JSON.stringify({ id_token: { email: null } })
  const { id_token: id = '' } = await tokensOf(request('one', { claims }))
  expect(decodeJwt(id)).toMatchObject({ email: 'alice@example.test' })
})

test.each<[string, () => Claims]>([
  ['check-dpop-proof-nbf-exp', () => ({ nbf: seconds() - 5, exp: seconds() + 60 })],
  ['ensure-dpopproof-with-iat-10seconds-before-succeeds', () => ({ iat: seconds() - 10 })],
  ['ensure-dpopproof-with-iat-10seconds-after-succeeds', () => ({ iat: seconds() + 10 })],
])('%s', async (_module, changes) => {
  expect(await redeem(await codeOf(), { proof: await proofFor(changes()) })).toMatchObject(granted)
})

test('ensure-mismatched-dpop-jkt-fails: dpop_jkt and the proof at PAR must agree', async () => {
  const proof = await proofFor({}, key, '/oauth2/par')
  expect((await push(request('one', { dpop_jkt: key2.thumbprint }), { proof })).status).toBe(400)
  expect(
    (await push(request('one', { dpop_jkt: key.thumbprint }), { proof: await proofFor({}, key, '/oauth2/par') }))
      .status,
  ).toBe(201)
})

test('ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt; ensure-dpopproof-at-par-endpoint-binding-success', async () => {
  const bound = async () => {
    const { body } = await push(request(), { proof: await proofFor({}, key, '/oauth2/par') })
    return (await visit('one', { request_uri: body.request_uri ?? '' })).answer.get('code') ?? ''
  }
  expect(await redeem(await bound(), { proof: await proofFor({}, key2) })).toMatchObject(refused)
  expect(await redeem(await bound())).toMatchObject(granted)
})

test('ensure-token-endpoint-fails-with-mismatched-dpop-jkt; ensure-dpop-auth-code-binding-success', async () => {
  const fields = request('one', { dpop_jkt: key.thumbprint })
  expect(await redeem(await codeOf(fields), { proof: await proofFor({}, key2) })).toMatchObject(refused)
  expect(await redeem(await codeOf(fields))).toMatchObject(granted)
})

test('ensure-registered-redirect-uri; plain-fapi-tolerate-unregistered-redirect-uri: refused where it is pushed', async () => {
  expect((await push(request('one', { redirect_uri: `${rig.issuer}/elsewhere` }))).status).toBe(400)
})
test('ensure-redirect-uri-in-authorization-request', async () => {
  expect((await push(request('one', { redirect_uri: undefined }))).status).toBe(400)
})
test('ensure-unsigned-authorization-request-without-using-par-fails', async () => {
  const { answer } = await visit('one', request())
  expect([answer.get('code'), answer.get('error')]).toEqual([null, 'invalid_request'])
})
test.each([
  ['ensure-response-type-code-idtoken-fails', 'code id_token'],
  ['ensure-response-type-token-fails', 'token'],
])('%s', async (_module, type) => {
  expect((await push(request('one', { response_type: type }))).status).toBe(400)
})

test('ensure-client-id-in-token-endpoint; ensure-client-assertion-in-token-endpoint: nobody is no client', async () => {
  const code = await codeOf()
  expect((await redeem(code, { bare: true })).status).toBeGreaterThanOrEqual(400)
  expect((await redeem(code, { bare: true, fields: { client_id: 'one' } })).status).toBe(401)
})
test('ensure-holder-of-key-required', async () => {
  expect((await redeem(await codeOf(), { proof: undefined })).status).toBe(400)
})
test('ensure-authorization-code-is-bound-to-client', async () => {
  expect(await redeem(await codeOf(), { id: 'two' })).toMatchObject(refused)
})
test('attempt-reuse-authorization-code-after-one-second', async () => {
  const code = await codeOf()
  expect(await redeem(code)).toMatchObject(granted)
  expect(await redeem(code)).toMatchObject(refused)
})
test('ensure-token-endpoint-fails-with-expired-auth-code', async () => {
  const code = await codeOf()
  const text = `update oidc_code set payload = jsonb_set(payload::jsonb, '{exp}', to_jsonb(1))::text`
  await rig.seed.run(text, [])
  expect(await redeem(code)).toMatchObject(refused)
})

test('ensure-signed-client-assertion-with-RS256-fails', async () => {
  expect(await push(request('weak'))).toMatchObject({ status: 401, error: 'invalid_client' })
})
test.each<[string, () => Claims]>([
  [
    'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails',
    () => ({ iat: seconds() - 360, exp: seconds() - 300 }),
  ],
  ['ensure-client-assertion-with-wrong-aud-fails', () => ({ aud: 'https://elsewhere.example' })],
  ['ensure-invalid-client-assertions-fail: aud the token endpoint', () => ({ aud: `${rig.issuer}/oauth2/token` })],
  ['ensure-invalid-client-assertions-fail: aud an array', () => ({ aud: [rig.issuer] })],
  [
    'ensure-invalid-client-assertions-fail: more than a minute ahead',
    () => ({ iat: seconds() + 65, nbf: seconds() + 65 }),
  ],
  ['ensure-client-assertion-with-no-sub-fails', () => ({ sub: undefined })],
])('%s', async (_module, changes) => {
  expect((await push(request(), { assertion: changes() })).status).toBe(401)
})

test.each<[string, () => Promise<string>]>([
  ['htm', () => proofFor({ htm: 'GET' })],
  ['htu', () => proofFor({ htu: `${rig.issuer}/oauth2/par` })],
  ['no jti', () => proofFor({ jti: undefined })],
  ['no iat', () => proofFor({ iat: undefined })],
  ['signed by another key', async () => `${(await proofFor()).split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`],
])('dpop-negative-tests: %s', async (_what, proof) => {
  expect((await redeem(await codeOf(), { proof: await proof() })).error).toBe('invalid_dpop_proof')
})

test('refresh-token: bound to its client, to a key, and not rotated', async () => {
  const { refresh_token: token = '' } = await tokensOf()
  const refresh = async (id: string, sent: Sent = {}) =>
    call(
      '/oauth2/token',
      id,
      { grant_type: 'refresh_token', refresh_token: token },
      { proof: await proofFor(), ...sent },
    )
  expect(await refresh('two')).toMatchObject(refused)
  expect((await refresh('one', { bare: true })).status).toBeGreaterThanOrEqual(400)
  expect((await refresh('one', { proof: undefined })).status).toBe(400)
  for (const _use of [1, 2]) expect((await refresh('one')).body.refresh_token ?? token).toBe(token)
})

test('par-ensure-reused-request-uri-prior-to-auth-completion-succeeds; par-attempt-reuse-request_uri', async () => {
  const uri = await pushed()
  await openHttpBrowser().open(
    `${rig.issuer}/oauth2/authorize?${new URLSearchParams({ client_id: 'one', request_uri: uri })}`,
  )
  expect((await visit('one', { request_uri: uri })).answer.get('code')).not.toBeNull()
  expect((await visit('one', { request_uri: uri })).answer.get('code')).toBeNull()
})
test('par-attempt-to-use-expired-request_uri', async () => {
  const uri = await pushed()
  await rig.seed.run(
    `update oidc_pushed_request set payload = jsonb_set(payload::jsonb, '{exp}', to_jsonb(1))::text`,
    [],
  )
  expect((await visit('one', { request_uri: uri })).answer.get('code')).toBeNull()
})
test('par-attempt-to-use-request_uri-for-different-client', async () => {
  expect((await visit('two', { request_uri: await pushed() })).answer.get('code')).toBeNull()
})
test('par-authorization-request-containing-request_uri-form-param', async () => {
  expect((await push(request('one', { request_uri: await pushed() }))).status).toBe(400)
})
test('par-attempt-invalid-http-method', async () => {
  expect((await call('/oauth2/par', 'one', request(), { method: 'PUT' })).status).toBe(405)
})

test('par-ensure-pkce-required; par-plain-pkce-rejected', async () => {
  expect((await push(request('one', { code_challenge: undefined, code_challenge_method: undefined }))).status).toBe(400)
  expect((await push(request('one', { code_challenge: verifier, code_challenge_method: 'plain' }))).status).toBe(400)
})
test('ensure-pkce-code-verifier-required; incorrect-pkce-code-verifier-rejected', async () => {
  const { code_verifier: _left, ...bare } = redeeming(await codeOf())
  expect((await call('/oauth2/token', 'one', bare, { proof: await proofFor() })).status).toBe(400)
  expect(await redeem(await codeOf(), { fields: { code_verifier: 'w'.repeat(43) } })).toMatchObject(refused)
})

const signed = (changes: Claims = {}, id = 'signing', by = keyOf(id)) =>
  by.sign(
    {
      ...request(id),
      response_mode: 'jwt',
      iss: id,
      aud: rig.issuer,
      nbf: seconds(),
      exp: seconds() + 300,
      ...changes,
    },
    { typ: 'oauth-authz-req+jwt', kid: 'client-key' },
  )
const pushSigned = async (object: Promise<string> | string, outside: Fields = {}, id = 'signing') =>
  push({ client_id: id, request: await object, ...outside })
/** What the signed answer says (JARM §4). */
async function signedAnswer(uri = '') {
  const { answer } = await visit('signing', { request_uri: uri })
  return decodeJwt<{ code?: string; state?: string; error?: string }>(answer.get('response') ?? '')
}

test.each<[string, () => Claims]>([
  ['ensure-request-object-with-multiple-aud-succeeds', () => ({ aud: [rig.issuer, 'https://elsewhere.example'] })],
  ['ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted', () => ({ nbf: seconds() + 8 })],
])('%s', async (_module, changes) => {
  const { status, body } = await pushSigned(signed(changes()))
  expect(status).toBe(201)
  const code = String((await signedAnswer(body.request_uri)).code)
  expect(await redeem(code, { id: 'signing' })).toMatchObject(granted)
})

test.each<[string, () => Claims]>([
  ['ensure-request-object-without-exp-fails', () => ({ exp: undefined })],
  ['ensure-request-object-without-nbf-fails', () => ({ nbf: undefined })],
  ['ensure-request-object-without-redirect-uri-fails', () => ({ redirect_uri: undefined })],
  ['ensure-expired-request-object-fails', () => ({ nbf: seconds() - 400, exp: seconds() - 100 })],
  ['ensure-request-object-with-bad-aud-fails', () => ({ aud: 'https://elsewhere.example' })],
  ['ensure-request-object-with-exp-over-60-fails', () => ({ exp: seconds() + 4_200 })],
  ['ensure-request-object-with-nbf-over-60-fails', () => ({ nbf: seconds() - 4_200 })],
  ['par-authorization-request-containing-request_uri', () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })],
])('%s', async (_module, changes) => {
  expect((await pushSigned(signed(changes()))).status).toBe(400)
})

test('ensure-different-nonce-inside-and-outside-request-object; ensure-different-state-inside-and-outside-request-object; state-only-outside-request-object-not-used', async () => {
  const both = await pushSigned(signed({ state: 'inside', nonce: 'inside' }), { state: 'outside', nonce: 'outside' })
  const answer = await signedAnswer(both.body.request_uri)
  expect(answer.state).toBe('inside')
  const { body } = await redeem(String(answer.code), { id: 'signing' })
  expect(decodeJwt(body.id_token ?? '').nonce).toBe('inside')
  const outside = await pushSigned(signed({ state: undefined }), { state: 'outside' })
  expect(await signedAnswer(outside.body.request_uri)).not.toHaveProperty('state', 'outside')
})

test('ensure-signed-request-object-with-RS256-fails', async () => {
  const object = await weak.sign(
    { ...request('signing'), iss: 'signing', aud: rig.issuer, nbf: seconds(), exp: seconds() + 300 },
    { typ: 'oauth-authz-req+jwt', kid: 'client-key' },
  )
  expect((await pushSigned(object)).status).toBe(400)
  expect((await pushSigned(signed({}, 'weak-signing'), {}, 'weak-signing')).status).toBe(401)
})
test('ensure-request-object-signature-algorithm-is-not-none', async () => {
  expect(
    (await pushSigned(new UnsecuredJWT({ ...request('signing'), iss: 'signing', aud: rig.issuer }).encode())).status,
  ).toBe(400)
})
test('ensure-request-object-with-invalid-signature-fails; ensure-matching-key-in-authorization-request', async () => {
  const object = await signed()
  expect((await pushSigned(`${object.slice(0, -86)}${'A'.repeat(86)}`)).status).toBe(400)
  expect((await pushSigned(signed({}, 'signing', key2))).status).toBe(400)
})
test('ensure-unsigned-request-at-par-endpoint-fails', async () => {
  expect((await push(request('signing'))).status).toBe(400)
})
