// What the Basic and Form Post plans ask, one test for each module, by its name in the suite (provider.md §9).
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, UnsecuredJWT } from 'jose'
import { entityOf } from '../../server/identity/entities.ts'
import { clientMetadataSchema, hashClientSecret } from '../../server/oidc/client-metadata.ts'
import { createOpenidSettings, openidSettingsSchema } from '../../server/oidc/registration/openid-settings.ts'
import { type HttpBrowser, openHttpBrowser } from '../kit/http-browser.ts'
import { openRig, type Rig } from '../server/oidc/rig.ts'
import { makeDocuments, person } from './documents.ts'

let rig: Rig
let redirectUri: string
type Credentials = { readonly id: string; readonly secret: string }
let one: Credentials
let post: Credentials
let accountId: string

beforeAll(async () => {
  rig = await openRig()
  await certify(true)
  const { writ = [] } = makeDocuments({ issuer: rig.issuer, suite: rig.issuer }).basic ?? {}
  accountId = await rig.seed.account(person.email, person.password)
  const claims = writ.find(({ kind }) => kind === 'User')?.spec.claims
  await rig.seed.run('update account set claims = $1 where id = $2', [JSON.stringify(claims), accountId])
  const clients = new Map<string, Credentials>()
  for (const { kind, name, spec } of writ) {
    if (kind !== 'Client') continue
    const { clientId: _id, clientSecret, ...metadata } = spec
    const parsed = clientMetadataSchema.parse(metadata)
    await rig.seed.client(name, parsed, { firstParty: true })
    await rig.seed.run('update client set secret_hashes = $1 where id = $2', [
      JSON.stringify([hashClientSecret(String(clientSecret))]),
      name,
    ])
    clients.set(name, { id: name, secret: String(clientSecret) })
    redirectUri = parsed.redirectUris[0] ?? ''
  }
  one = clients.get('basic-one') ?? { id: '', secret: '' }
  post = clients.get('basic-post') ?? { id: '', secret: '' }
})
afterAll(() => rig.close())

async function certify(certification: boolean): Promise<void> {
  await rig.kernel.withTransaction({ tenantId: 'default', subject: entityOf('Server', 'test') }, async (unit) => {
    const settings = openidSettingsSchema.parse({ certification })
    await createOpenidSettings(rig.database, 'default').put(settings, rig.clock.now())
    unit.changed({ kind: 'tenant' })
  })
}

type Fields = { readonly [name: string]: string }
const nonce = 'a-nonce'
const asking = (more: Fields = {}, id = one.id): Fields => ({
  client_id: id,
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid',
  state: 'the-state',
  nonce,
  ...more,
})

type Answer = { readonly browser: HttpBrowser; readonly answer: URLSearchParams; readonly pages: number }

/** As the suite's browser goes through it; `pages` counts the forms that it was shown. */
async function authorize(fields: Fields, browser = openHttpBrowser()): Promise<Answer> {
  let { url, text } = await browser.open(`${rig.issuer}/oauth2/authorize?${new URLSearchParams(fields)}`)
  let pages = 0
  for (; !url.startsWith(redirectUri) && /<form/.test(text) && pages < 4; pages += 1) {
    const isSignIn = text.includes('name="password"')
    const sent = isSignIn ? { identifier: person.email, password: person.password } : {}
    ;({ url, text } = await (isSignIn ? browser.submit(sent) : browser.submit({}, 'allow')))
  }
  return { browser, answer: url.startsWith(redirectUri) ? new URL(url).searchParams : new URLSearchParams(), pages }
}

type Tokens = { readonly [member: string]: string }
async function token(fields: Fields, client = one, isInBody = false): Promise<{ status: number; body: Tokens }> {
  const response = await fetch(`${rig.issuer}/oauth2/token`, {
    method: 'POST',
    headers: isInBody
      ? {}
      : { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
    body: new URLSearchParams({
      ...(isInBody ? { client_id: client.id, client_secret: client.secret } : {}),
      ...fields,
    }),
  })
  return { status: response.status, body: (await response.json()) as Tokens }
}
const redeem = (code: string) => token({ grant_type: 'authorization_code', code, redirect_uri: redirectUri })
const errorOf = ({ answer }: Answer) => answer.get('error')

async function signIn(more: Fields = {}, browser?: HttpBrowser) {
  const gone = await authorize(asking(more), browser)
  const { status, body } = await redeem(gone.answer.get('code') ?? '')
  expect(status).toBe(200)
  return { ...gone, tokens: body, id: decodeJwt(body.id_token ?? '') }
}

async function userinfo(accessToken = '', init: RequestInit = {}) {
  const headers = { authorization: `Bearer ${accessToken}` }
  const response = await fetch(`${rig.issuer}/oauth2/userinfo`, { headers, ...init })
  return { status: response.status, body: (await response.json()) as { readonly [claim: string]: unknown } }
}

test('oidcc-server: code, tokens, an ID token with iss, aud, nonce and times, state back', async () => {
  const { answer, tokens, id } = await signIn()
  expect(answer.get('state')).toBe('the-state')
  expect(id).toMatchObject({ iss: rig.issuer, aud: one.id, sub: accountId, nonce })
  expect((id.exp ?? 0) > (id.iat ?? 0)).toBe(true)
  expect(tokens).toMatchObject({ token_type: 'Bearer', access_token: expect.any(String) })
})

test('oidcc-server, form post: the answer is a form that is sent to the client', async () => {
  const { browser } = await signIn()
  const { text, headers } = await browser.open(
    `${rig.issuer}/oauth2/authorize?${new URLSearchParams(asking({ response_mode: 'form_post' }))}`,
  )
  expect(text).toContain(`action="${redirectUri}"`)
  expect(text).toMatch(/name="code" value="[^"]+"/)
  expect(headers.get('cache-control')).toContain('no-store')
})

test('oidcc-response-type-missing: an error, by redirect or on a page', async () => {
  const { response_type: _left, ...fields } = asking()
  const gone = await authorize(fields)
  expect(errorOf(gone) ?? gone.browser.page().status).toMatch(/invalid_request|unsupported_response_type/)
})

test('oidcc-idtoken-signature: by a key of the JWKS, named by kid', async () => {
  const { tokens } = await signIn()
  const keys = createRemoteJWKSet(new URL(`${rig.issuer}/oauth2/jwks`))
  const { protectedHeader } = await jwtVerify(tokens.id_token ?? '', keys, { issuer: rig.issuer, audience: one.id })
  expect(protectedHeader).toMatchObject({ alg: 'RS256', kid: expect.any(String) })
})

test('oidcc-idtoken-unsigned: `none` is not among what is offered, which the plan then skips', async () => {
  const metadata = (await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()) as Metadata
  expect(metadata.id_token_signing_alg_values_supported).toContain('RS256')
  expect(metadata.id_token_signing_alg_values_supported).not.toContain('none')
})
type Metadata = { readonly [member: string]: readonly string[] }

test('oidcc-userinfo-get', async () => {
  const { tokens, id } = await signIn()
  expect(await userinfo(tokens.access_token)).toMatchObject({ status: 200, body: { sub: id.sub } })
})

test('oidcc-userinfo-post-header', async () => {
  const { tokens } = await signIn()
  const headers = { authorization: `Bearer ${tokens.access_token}` }
  expect((await userinfo('', { method: 'POST', headers })).status).toBe(200)
})

test('oidcc-userinfo-post-body', async () => {
  const { tokens } = await signIn()
  const body = new URLSearchParams({ access_token: tokens.access_token ?? '' })
  expect((await userinfo('', { method: 'POST', headers: {}, body })).status).toBe(200)
})

test('oidcc-ensure-request-without-nonce-succeeds-for-code-flow, where an administrator lets the client', async () => {
  const { nonce: _left, ...fields } = asking()
  const { answer } = await authorize(fields)
  const { status, body } = await redeem(answer.get('code') ?? '')
  expect(status).toBe(200)
  expect(decodeJwt(body.id_token ?? '')).not.toHaveProperty('nonce')
})

test.each([
  ['oidcc-scope-profile', 'openid profile', ['name', 'given_name', 'family_name', 'birthdate', 'updated_at']],
  ['oidcc-scope-email', 'openid email', ['email', 'email_verified']],
  ['oidcc-scope-address', 'openid address', ['address']],
  ['oidcc-scope-phone', 'openid phone', []],
  ['oidcc-scope-all', 'openid profile email address phone', ['name', 'email', 'address']],
  ['oidcc-alternate-happy-flow', 'email openid', ['email']],
])('%s: userinfo has what the scope releases and the person has', async (_module, scope, claims) => {
  const { tokens } = await signIn({ scope })
  const { body } = await userinfo(tokens.access_token)
  for (const claim of claims) expect(body).toHaveProperty(claim)
  if (!scope.includes('email')) expect(body).not.toHaveProperty('email')
})

test.each([
  ['oidcc-display-page', { display: 'page' }],
  ['oidcc-display-popup', { display: 'popup' }],
  ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
  ['oidcc-login-hint', { login_hint: person.email }],
  ['oidcc-ui-locales', { ui_locales: 'se' }],
  ['oidcc-claims-locales', { claims_locales: 'se' }],
  ['oidcc-ensure-request-with-acr-values-succeeds', { acr_values: '1 2' }],
])('%s: the sign-in goes on', async (_module, more: Fields) => {
  await signIn(more)
})

test('oidcc-prompt-login: asks again, and says when', async () => {
  const first = await signIn({ max_age: '10000' })
  const again = await signIn({ prompt: 'login' }, first.browser)
  expect(again.pages).toBeGreaterThan(0)
  expect(Number(again.id.auth_time ?? 0)).toBeGreaterThanOrEqual(Number(first.id.auth_time))
})

test('oidcc-prompt-none-not-logged-in: login_required, without a page', async () => {
  const gone = await authorize(asking({ prompt: 'none' }))
  expect([errorOf(gone), gone.answer.get('state'), gone.pages]).toEqual(['login_required', 'the-state', 0])
})

test('oidcc-prompt-none-logged-in: the same person, without a page', async () => {
  const first = await signIn()
  const again = await signIn({ prompt: 'none' }, first.browser)
  expect([again.pages, again.id.sub]).toEqual([0, first.id.sub])
})

test('oidcc-max-age-1: a second later it asks again', async () => {
  const first = await signIn({ max_age: '10000' })
  // The sign-in is made older, as the library reads the machine's clock.
  const text = `update oidc_session set payload = jsonb_set(payload::jsonb, '{loginTs}', to_jsonb((payload::jsonb->>'loginTs')::bigint - 60))::text`
  await rig.seed.run(text, [])
  const again = await signIn({ max_age: '1' }, first.browser)
  expect(again.pages).toBeGreaterThan(0)
  expect(again.id.auth_time).toEqual(expect.any(Number))
})

test('oidcc-max-age-10000: does not ask, and says auth_time', async () => {
  const first = await signIn({ max_age: '10000' })
  const again = await signIn({ max_age: '10000' }, first.browser)
  expect([again.pages, again.id.auth_time]).toEqual([0, first.id.auth_time])
})

test('oidcc-id-token-hint: whoever it names is signed in without a page', async () => {
  const first = await signIn()
  const again = await signIn({ prompt: 'none', id_token_hint: first.tokens.id_token ?? '' }, first.browser)
  expect(again.id.sub).toBe(first.id.sub)
})

test('oidcc-codereuse, oidcc-codereuse-30seconds: the second time is invalid_grant, and the first token ends', async () => {
  const { answer, tokens } = await signIn()
  expect((await userinfo(tokens.access_token)).status).toBe(200)
  expect(await redeem(answer.get('code') ?? '')).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  expect((await userinfo(tokens.access_token)).status).toBe(401)
})

test('oidcc-ensure-registered-redirect-uri: a page, and no redirect', async () => {
  const { browser, answer } = await authorize(asking({ redirect_uri: `${rig.issuer}/elsewhere` }))
  expect([browser.page().status, answer.size]).toEqual([400, 0])
  expect(browser.page().text).toMatch(/<h1/)
})

test('oidcc-ensure-post-request-succeeds', async () => {
  const response = await fetch(`${rig.issuer}/oauth2/authorize`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(asking()),
  })
  expect(response.status).toBe(303)
  expect(response.headers.get('location')).toContain('/oauth2/authorize?')
})

test('oidcc-server-client-secret-post', async () => {
  const { answer } = await authorize(asking({}, post.id))
  const fields = { grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: redirectUri }
  expect((await token(fields, post, true)).status).toBe(200)
})

test('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
  const gone = await authorize(asking({ request_uri: 'https://elsewhere.example/request' }))
  expect(errorOf(gone)).toBe('request_uri_not_supported')
})

test('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
  const request = new UnsecuredJWT({ nonce: 'inside', iss: one.id, aud: rig.issuer }).encode()
  const gone = await authorize(asking({ request }))
  expect(errorOf(gone)).toMatch(/^(request_not_supported|invalid_request_object)$/)
})

test('oidcc-ensure-request-object-with-redirect-uri: what stands in an unsigned object leads nowhere', async () => {
  const request = new UnsecuredJWT({ redirect_uri: `${rig.issuer}/elsewhere`, iss: one.id }).encode()
  const gone = await authorize(asking({ request }))
  expect(gone.browser.page().url).not.toContain('/elsewhere')
  expect(gone.answer.get('code')).toBeNull()
})

test('oidcc-claims-essential: a claim of userinfo by the claims parameter', async () => {
  const claims = JSON.stringify({ userinfo: { name: { essential: true } } })
  const { tokens } = await signIn({ claims })
  expect((await userinfo(tokens.access_token)).body).toHaveProperty('name')
})

test('oidcc-refresh-token: refreshed for the same person; nobody else may', async () => {
  const { tokens, id } = await signIn({ scope: 'openid offline_access', prompt: 'consent' })
  const fields = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }
  expect((await token(fields, post, true)).status).toBe(400)
  const { status, body } = await token(fields)
  expect(status).toBe(200)
  if (body.id_token) expect(decodeJwt(body.id_token)).toMatchObject({ sub: id.sub, aud: id.aud, iss: id.iss })
})

test('oidcc-ensure-request-with-valid-pkce-succeeds; a verifier must fit, and none is taken where none was asked', async () => {
  const verifier = 'v'.repeat(43)
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const fields = async (more: Fields) => {
    const { answer } = await authorize(asking(more))
    return { grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: redirectUri }
  }
  expect((await token({ ...(await fields(pkce)), code_verifier: verifier })).status).toBe(200)
  expect((await token({ ...(await fields(pkce)), code_verifier: 'w'.repeat(43) })).status).toBe(400)
  expect((await token(await fields(pkce))).status).toBe(400)
  expect((await token({ ...(await fields({})), code_verifier: verifier })).status).toBe(400)
})

test('an ID token names its algorithm and its key', async () => {
  const { tokens } = await signIn()
  expect(decodeProtectedHeader(tokens.id_token ?? '').alg).toBe('RS256')
})

test('without requireNonce: false a client without PKCE carries a nonce; a public client always has PKCE (provider.md §2)', async () => {
  const grants = { redirectUris: [redirectUri], scope: 'openid' }
  await rig.seed.client('careful', { ...grants, requirePkce: false }, { firstParty: true })
  await rig.seed.client('public', { ...grants, requirePkce: false, tokenEndpointAuthMethod: 'none' })
  const { nonce: _left, ...bare } = asking({}, 'careful')
  expect(errorOf(await authorize(bare))).toBe('invalid_request')
  expect(errorOf(await authorize({ ...bare, nonce }))).toBeNull()
  expect(errorOf(await authorize({ ...bare, nonce, client_id: 'public' }))).toBe('invalid_request')
})

test('requirePkce: false that is stored in a tenant without certification counts for nothing (provider.md §2)', async () => {
  expect(errorOf(await authorize(asking()))).toBeNull()
  await certify(false)
  expect(errorOf(await authorize(asking()))).toBe('invalid_request')
  await certify(true)
  expect(errorOf(await authorize(asking()))).toBeNull()
})
