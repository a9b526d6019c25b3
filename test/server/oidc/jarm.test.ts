// Authorization responses that the provider signs (JARM), and what the claims parameter asks (OIDC Core §5.5).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { authorize, redeem, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
beforeAll(async () => {
  rig = await openRig()
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  await rig.seed.client('web', { redirectUris: [redirectUri], scope: 'openid email' }, { firstParty: true })
  await rig.seed.client('modern', {
    redirectUris: [redirectUri],
    scope: 'openid',
    authorizationSignedResponseAlg: 'ES256',
  })
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
})
afterAll(() => rig.close())

const read = (text: string, clientId = 'web') =>
  jwtVerify(text, createRemoteJWKSet(new URL(`${rig.issuer}/oauth2/jwks`)), { issuer: rig.issuer, audience: clientId })

test.each(['jwt', 'query.jwt'])(
  'response_mode=%s: code and state come signed, for this client, for a short time (§2.1, §2.3.1)',
  async (mode) => {
    const { answer, ...rest } = await authorize({ ...as, parameters: { response_mode: mode } })
    expect([...answer.keys()]).toEqual(['response'])
    const { payload, protectedHeader } = await read(answer.get('response') ?? '')
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toMatchObject({ iss: rig.issuer, aud: 'web', state: 'the-state', code: expect.any(String) })
    expect((payload.exp ?? 0) - Math.floor(Date.now() / 1_000)).toBeLessThanOrEqual(600)
    const signed = new URLSearchParams({ code: String(payload.code) })
    expect((await redeem(as, { ...rest, answer: signed })).status).toBe(200)
  },
)

test('the client chooses how it is signed (§3)', async () => {
  const modern = { ...as, client: { ...as.client, id: 'modern' }, parameters: { response_mode: 'jwt' } }
  const { answer } = await authorize(modern)
  expect((await read(answer.get('response') ?? '', 'modern')).protectedHeader.alg).toBe('ES256')
})

test('refusals come signed as well (§2.1)', async () => {
  const browser = openHttpBrowser()
  const { answer } = await authorize({ ...as, browser, parameters: { response_mode: 'jwt', prompt: 'none' } })
  expect((await read(answer.get('response') ?? '')).payload).toMatchObject({
    error: 'login_required',
    state: 'the-state',
  })
})

test('form_post.jwt: the page sends itself to the client alone, and works without a script (§2.3.3)', async () => {
  const { browser } = await signIn(as)
  const query = new URLSearchParams({
    response_type: 'code',
    response_mode: 'form_post.jwt',
    client_id: 'web',
    redirect_uri: as.client.redirectUri,
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const page = await browser.open(`${rig.issuer}/oauth2/authorize?${query}`)
  expect(page.text).toMatch(/name="response" value="[\w-]+\.[\w-]+\.[\w-]+"/)
  expect(page.headers.get('content-security-policy')).toMatch(
    /script-src 'sha256-[^']+'.*form-action 'self' http:\/\/127\.0\.0\.1/,
  )
  expect(page.text).toContain('<noscript>')
})

test('a response is no ID token, and no access token (RFC 8725 §3.11)', async () => {
  const { answer } = await authorize({ ...as, parameters: { response_mode: 'jwt' } })
  const text = answer.get('response') ?? ''
  const userinfo = await fetch(`${rig.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${text}` } })
  expect(userinfo.status).toBe(401)
  const hinted = await fetch(`${rig.issuer}/oauth2/end_session?id_token_hint=${text}`)
  expect(hinted.status).toBe(400)
})

test('claims that are asked for one by one are given, where they were consented to (OIDC Core §5.5)', async () => {
  const claims = JSON.stringify({ id_token: { email: null, name: { essential: true } }, userinfo: { name: null } })
  const { tokens } = await signIn({ ...as, parameters: { claims } })
  expect(decodeJwt(tokens.body.id_token ?? '')).toMatchObject({ email: 'alice@example.test', name: 'Alice Kim' })
  const headers = { authorization: `Bearer ${tokens.body.access_token}` }
  expect(await (await fetch(`${rig.issuer}/oauth2/userinfo`, { headers })).json()).toMatchObject({ name: 'Alice Kim' })
})

test.each(['{', '[]', '{"id_token":1}', '{"userinfo":{"email":1}}', 'null'])('claims=%s is refused', async (claims) => {
  const { answer } = await authorize({ ...as, parameters: { claims, prompt: 'none' } })
  expect(answer.get('error')).toBe('invalid_request')
})

test('discovery says so', async () => {
  const document = await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()
  expect(document).toMatchObject({
    response_modes_supported: expect.arrayContaining(['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']),
    authorization_signing_alg_values_supported: ['RS256', 'ES256'],
    claims_parameter_supported: true,
  })
})
