// What the Config and the RP-Initiated Logout plans ask, one test for each module, by its name in the suite (provider.md §9).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import type { HttpBrowser, Page } from '../kit/http-browser.ts'
import { type SignInAs, signIn } from '../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from '../server/oidc/rig.ts'

let rig: Rig
let as: SignInAs
let back: string
beforeAll(async () => {
  rig = await openRig()
  const redirectUri = `${rig.issuer}/test/a/writ/callback`
  back = `${rig.issuer}/test/a/writ/post_logout_redirect`
  await rig.seed.account('alice@example.test')
  const spec = { redirectUris: [redirectUri], postLogoutRedirectUris: [back], scope: 'openid' }
  await rig.seed.client('logout-one', spec, { firstParty: true })
  as = {
    issuer: rig.issuer,
    client: { id: 'logout-one', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
})
afterAll(() => rig.close())

type Fields = { readonly [name: string]: string }
type End = { readonly page: Page; readonly browser: HttpBrowser; readonly isAsked: boolean }

/** Signed in, then to the end of the session, through the page that asks where there is one. */
async function end(fields: (idToken: string) => Fields | Promise<Fields>): Promise<End> {
  const { browser, tokens } = await signIn(as)
  const query = new URLSearchParams(await fields(tokens.body.id_token ?? ''))
  const shown = await browser.open(`${rig.issuer}/oauth2/end_session?${query}`)
  const isAsked = shown.text.includes('id="logout-confirm"')
  const page = isAsked ? await browser.submit({}, 'logout') : shown
  return { page, browser, isAsked }
}
async function isSignedIn(browser: HttpBrowser): Promise<boolean> {
  const { id, redirectUri } = as.client
  const query = { client_id: id, redirect_uri: redirectUri, response_type: 'code', scope: 'openid', prompt: 'none' }
  const pkce = { code_challenge: 'c'.repeat(43), code_challenge_method: 'S256' }
  const { url } = await browser.open(`${rig.issuer}/oauth2/authorize?${new URLSearchParams({ ...query, ...pkce })}`)
  return new URL(url).searchParams.has('code')
}

test('oidcc-discovery-endpoint-verification; oidcc-rp-initiated-logout-discovery-endpoint-verification', async () => {
  const metadata = await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()
  expect(metadata).toMatchObject({
    issuer: rig.issuer,
    authorization_endpoint: `${rig.issuer}/oauth2/authorize`,
    token_endpoint: `${rig.issuer}/oauth2/token`,
    userinfo_endpoint: `${rig.issuer}/oauth2/userinfo`,
    jwks_uri: `${rig.issuer}/oauth2/jwks`,
    end_session_endpoint: `${rig.issuer}/oauth2/end_session`,
    response_types_supported: ['code'],
    subject_types_supported: expect.arrayContaining(['public']),
    id_token_signing_alg_values_supported: expect.arrayContaining(['RS256']),
    scopes_supported: expect.arrayContaining(['openid']),
    claims_supported: expect.arrayContaining(['sub']),
    token_endpoint_auth_methods_supported: expect.arrayContaining(['client_secret_basic', 'client_secret_post']),
  })
})

test('oidcc-rp-initiated-logout: back to the app with its state, and nobody is signed in', async () => {
  const { page, browser } = await end((hint) => ({
    id_token_hint: hint,
    post_logout_redirect_uri: back,
    state: 'the-state',
  }))
  expect(page.url).toBe(`${back}?state=the-state`)
  expect(await isSignedIn(browser)).toBe(false)
})

test('oidcc-rp-initiated-logout-no-state', async () => {
  const { page } = await end((hint) => ({ id_token_hint: hint, post_logout_redirect_uri: back }))
  expect(page.url).toBe(back)
})

test.each<[string, (hint: string) => Fields]>([
  ['oidcc-rp-initiated-logout-no-post-logout-redirect-uri', (hint) => ({ id_token_hint: hint })],
  ['oidcc-rp-initiated-logout-no-params', () => ({})],
  ['oidcc-rp-initiated-logout-only-state', () => ({ state: 'the-state' })],
])('%s: a page of ours says that it is done', async (_module, fields) => {
  const { page, browser } = await end(fields)
  expect(page.url.startsWith(rig.issuer)).toBe(true)
  expect(page.url).not.toContain('post_logout_redirect')
  expect(await isSignedIn(browser)).toBe(false)
})

test.each<[string, (hint: string) => Fields | Promise<Fields>]>([
  [
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
    (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: `${rig.issuer}/elsewhere` }),
  ],
  [
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri',
    (hint) => ({ id_token_hint: hint, post_logout_redirect_uri: `${back}?foo=bar` }),
  ],
  [
    'oidcc-rp-initiated-logout-modified-id-token-hint',
    (hint) => ({ id_token_hint: `${hint.slice(0, -8)}AAAAAAAA`, post_logout_redirect_uri: back }),
  ],
  [
    'oidcc-rp-initiated-logout-bad-id-token-hint',
    async () => ({
      id_token_hint: await new SignJWT({ sub: 'x', aud: 'logout-one' })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(clientSecret)),
      post_logout_redirect_uri: back,
    }),
  ],
  ['oidcc-rp-initiated-logout-no-id-token-hint', () => ({ post_logout_redirect_uri: back })],
])('%s: an error page or the question, and never back without it', async (_module, fields) => {
  const { browser, tokens } = await signIn(as)
  const query = new URLSearchParams(await fields(tokens.body.id_token ?? ''))
  const page = await browser.open(`${rig.issuer}/oauth2/end_session?${query}`)
  expect(page.url.startsWith(`${rig.issuer}/oauth2/end_session`)).toBe(true)
  expect(page.text).toMatch(/<h1/)
  expect(await isSignedIn(browser)).toBe(true)
})
