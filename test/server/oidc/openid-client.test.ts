// A client package that nobody here wrote, through every flow it knows and we serve.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as client from 'openid-client'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { authorize, type SignInAs } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let redirectUri: string
let web: client.Configuration
let accountId: string
const user = { identifier: 'alice@example.test', password: alicePassword }

beforeAll(async () => {
  rig = await openRig()
  redirectUri = `${rig.issuer}/app/cb`
  accountId = await rig.seed.account('alice@example.test')
  const scope = 'openid profile email offline_access access'
  const redirectUris = [redirectUri]
  const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const
  await rig.seed.client('web', {
    redirectUris,
    grantTypes: [...grantTypes],
    scope,
    postLogoutRedirectUris: [`${rig.issuer}/app/bye`],
  })
  await rig.seed.client('spa', {
    redirectUris,
    grantTypes: ['authorization_code', 'refresh_token'],
    scope,
    tokenEndpointAuthMethod: 'none',
  })
  web = await discover('web', clientSecret)
})
afterAll(() => rig.close())

const discover = (id: string, secret?: string) =>
  client.discovery(
    new URL(rig.issuer),
    id,
    undefined,
    secret === undefined ? client.None() : client.ClientSecretBasic(secret),
    {
      execute: [client.allowInsecureRequests],
    },
  )

async function codeFlow(
  config: client.Configuration,
  options: { readonly scope: string; readonly resource?: string; readonly browser?: SignInAs['browser'] },
) {
  const verifier = client.randomPKCECodeVerifier()
  const nonce = client.randomNonce()
  const parameters = {
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    nonce,
    prompt: 'consent',
  }
  const { answer, browser } = await authorize({
    issuer: rig.issuer,
    client: { id: config.clientMetadata().client_id, redirectUri },
    user,
    scopes: options.scope.split(' '),
    parameters,
    ...(options.resource !== undefined ? { resource: options.resource } : {}),
    ...(options.browser ? { browser: options.browser } : {}),
  })
  const tokens = await client.authorizationCodeGrant(
    config,
    new URL(`${redirectUri}?${answer}`),
    { pkceCodeVerifier: verifier, expectedNonce: nonce, expectedState: 'the-state', idTokenExpected: true },
    options.resource !== undefined ? { resource: options.resource } : undefined,
  )
  return { tokens, browser }
}

describe('openid-client v6 against the provider', () => {
  test('a confidential client signs a person in, reads userinfo and refreshes (OIDC Core §3.1, RFC 6749 §6)', async () => {
    const { tokens } = await codeFlow(web, { scope: 'openid email offline_access' })
    const claims = tokens.claims()
    expect(claims).toMatchObject({ sub: accountId, iss: rig.issuer, aud: 'web', acr: 'pwd', amr: ['pwd'] })
    expect(decodeProtectedHeader(tokens.id_token ?? '')).toMatchObject({ alg: 'RS256' })
    expect(await client.fetchUserInfo(web, tokens.access_token, accountId)).toMatchObject({
      sub: accountId,
      email: 'alice@example.test',
      email_verified: true,
    })
    const again = await client.refreshTokenGrant(web, tokens.refresh_token ?? '')
    expect(again.refresh_token).not.toBe(tokens.refresh_token)
    expect(await client.fetchUserInfo(web, again.access_token, accountId)).toMatchObject({ sub: accountId })
  })

  test('a public client does the same without a secret (RFC 7636)', async () => {
    const spa = await discover('spa')
    const { tokens } = await codeFlow(spa, { scope: 'openid offline_access' })
    const again = await client.refreshTokenGrant(spa, tokens.refresh_token ?? '')
    expect(again.refresh_token).toEqual(expect.any(String))
  })

  test('with a resource the access token is a JWT for it (RFC 8707 §2.2, RFC 9068 §2)', async () => {
    const resource = `${rig.issuer}/api`
    const { tokens } = await codeFlow(web, { scope: 'openid access offline_access', resource })
    expect(decodeProtectedHeader(tokens.access_token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      iss: rig.issuer,
      sub: accountId,
      aud: resource,
      client_id: 'web',
      scope: 'access',
      acr: 'pwd',
      auth_time: expect.any(Number),
    })
    // The same refresh token may ask for either kind.
    const opaque = await client.refreshTokenGrant(web, tokens.refresh_token ?? '')
    expect(opaque.access_token.split('.')).toHaveLength(1)
  })

  test('client credentials: the audience is the API, or the one that was asked (provider.md §2)', async () => {
    const plain = await client.clientCredentialsGrant(web)
    expect(decodeJwt(plain.access_token)).toMatchObject({ sub: 'web', client_id: 'web', aud: `${rig.issuer}/api` })
    const resource = `${rig.issuer}/access`
    const access = await client.clientCredentialsGrant(web, { scope: 'access', resource })
    expect(decodeJwt(access.access_token)).toMatchObject({ aud: resource, scope: 'access' })
  })

  test('introspection and revocation know opaque tokens and JWTs (RFC 7662 §2.2, RFC 7009 §2)', async () => {
    const first = (await codeFlow(web, { scope: 'openid' })).tokens
    const second = (await codeFlow(web, { scope: 'openid offline_access' })).tokens
    const jwt = (await client.clientCredentialsGrant(web, { scope: 'access' })).access_token
    for (const token of [first.access_token, second.refresh_token ?? '', jwt]) {
      expect(await client.tokenIntrospection(web, token)).toMatchObject({ active: true, client_id: 'web' })
      await client.tokenRevocation(web, token)
      expect(await client.tokenIntrospection(web, token)).toEqual({ active: false })
    }
  })

  test('RP-initiated logout ends the session after a yes (OIDC RP-Initiated Logout §2)', async () => {
    const browser = openHttpBrowser()
    const { tokens } = await codeFlow(web, { scope: 'openid', browser })
    const bye = `${rig.issuer}/app/bye`
    const url = client.buildEndSessionUrl(web, {
      post_logout_redirect_uri: bye,
      id_token_hint: tokens.id_token ?? '',
      state: 's',
    })
    const asked = await browser.open(url.href)
    expect(asked.text).toContain('id="logout-confirm"')
    const left = await browser.submit({}, 'logout')
    expect(left.url).toBe(`${bye}?state=s`)
    const next = await browser.open(authorizeUrl({ prompt: 'none' }))
    expect(new URL(next.url).searchParams.get('error')).toBe('login_required')
  })
})

const authorizeUrl = (more: { readonly [name: string]: string }) =>
  `${rig.issuer}/oauth2/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: 'web',
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...more,
  })}`
