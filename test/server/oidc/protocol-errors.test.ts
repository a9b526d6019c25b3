import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { askToken, authorize, postForm, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.tenant('default')
  await rig.seed.account('alice@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  const metadata = {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code' as const, 'refresh_token' as const, 'client_credentials' as const],
    scope: 'openid email offline_access access',
  }
  await rig.seed.client('web', metadata, { firstParty: true })
  await rig.seed.client('other', metadata, { firstParty: true })
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'email'],
  }
})

const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
const authorizeWith = (changes: { readonly [name: string]: string | undefined }, text = '') => {
  const parameters = {
    response_type: 'code',
    client_id: 'web',
    redirect_uri: as.client.redirectUri,
    scope: 'openid',
    state: 's',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...changes,
  }
  const kept = Object.entries(parameters).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return fetch(`${rig.issuer}/oauth2/authorize?${new URLSearchParams(kept)}${text}`, { redirect: 'manual' })
}

describe('the authorization endpoint', () => {
  test.each([
    ['no code_challenge (RFC 9700 §2.1.1)', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain (RFC 7636 §4.2)', { code_challenge_method: 'plain' }],
    ['a challenge that is too short', { code_challenge: 'short' }],
  ])('PKCE is asked of a confidential client too: refuses %s', async (_what, changes) => {
    const response = await authorizeWith(changes)
    const location = new URL(response.headers.get('location') ?? '')
    expect(response.status).toBe(303)
    expect(Object.fromEntries(location.searchParams)).toMatchObject({
      error: 'invalid_request',
      state: 's',
      iss: rig.issuer,
    })
  })

  test.each([
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
    ['a client id that no database takes', { client_id: 'a\u0001b' }, 'invalid_client'],
    ['another redirect address', { redirect_uri: 'https://evil.example/cb' }, 'invalid_redirect_uri'],
    ['a redirect address with a path added', { redirect_uri: 'PLUS' }, 'invalid_redirect_uri'],
    ['no redirect address', { redirect_uri: undefined }, 'invalid_request'],
  ])('answers %s with a page and never a redirect (RFC 6749 §4.1.2.1)', async (_what, changes, code) => {
    const fixed = Object.fromEntries(
      Object.entries(changes).map(([name, value]) => [name, value === 'PLUS' ? `${as.client.redirectUri}/x` : value]),
    )
    const response = await authorizeWith(fixed)
    expect(response.status).toBe(400)
    expect(response.headers.get('location')).toBeNull()
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(await response.text()).toContain(code)
  })

  test.each([
    ['an implicit response type', { response_type: 'token', response_mode: 'query' }, 'invalid_request'],
    ['a scope outside of the allow-list (security.md §2.14)', { scope: 'openid admin' }, 'invalid_scope'],
    ['an unknown resource (RFC 8707 §2)', { resource: 'https://elsewhere.example' }, 'invalid_target'],
    ['an unknown prompt', { prompt: 'dance' }, 'invalid_request'],
    ['prompt=none without a session', { prompt: 'none' }, 'login_required'],
    ['claims that are no JSON', { claims: '{' }, 'invalid_request'],
    ['an unsigned request object (RFC 9101 §10.5)', { request: 'e30.e30.' }, 'invalid_request_object'],
  ])('sends the client an error for %s', async (_what, changes, error) => {
    const response = await authorizeWith(changes)
    const location = new URL(response.headers.get('location') ?? 'about:blank')
    expect(location.searchParams.get('error')).toBe(error)
    expect(location.searchParams.get('iss')).toBe(rig.issuer)
  })

  test.each([
    ['a NUL in a parameter', '&login_hint=a%00b'],
    ['broken UTF-8', '&login_hint=%ff'],
    ['a parameter twice', '&state=again'],
    ['a client id twice', '&client_id=web'],
    ['a very long parameter', `&login_hint=${'x'.repeat(20_000)}`],
  ])('refuses %s with a 4xx or an error to the client, never a 5xx', async (_what, text) => {
    const response = await authorizeWith({}, text)
    expect(response.status).toBeGreaterThanOrEqual(300)
    expect(response.status).toBeLessThan(500)
    expect(response.headers.get('location') ?? '').not.toContain('/signin/')
  })

  test('POST is asked again as GET, so that the session cookie comes along (provider.md §1)', async () => {
    const body = new URLSearchParams({ client_id: 'web', scope: 'openid' })
    const response = await fetch(`${rig.issuer}/oauth2/authorize`, { method: 'POST', body, redirect: 'manual' })
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe(`${rig.issuer}/oauth2/authorize?client_id=web&scope=openid`)
  })

  test('a Host header changes nothing that is said (security.md row 6)', async () => {
    const { request } = await import('node:http')
    const text = await new Promise<string>((resolve, reject) => {
      const url = new URL(`${rig.issuer}/.well-known/openid-configuration`)
      const options = { host: url.hostname, port: url.port, path: url.pathname, headers: { host: 'evil.example' } }
      request(options, (response) => {
        let body = ''
        response.on('data', (chunk) => {
          body += chunk
        })
        response.on('end', () => resolve(body))
      })
        .on('error', reject)
        .end()
    })
    expect(text).not.toContain('evil.example')
    expect(JSON.parse(text).token_endpoint).toBe(`${rig.issuer}/oauth2/token`)
  })
})

describe('the token endpoint', () => {
  test('refuses a wrong verifier, and the code is burnt (provider.md §11.4)', async () => {
    const authorization = await authorize(as)
    const guessed = await redeem(as, { ...authorization, verifier: randomBytes(32).toString('base64url') })
    expect(guessed).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await redeem(as, authorization)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('refuses no verifier at all (RFC 7636 §4.6)', async () => {
    const { answer } = await authorize(as)
    const fields = {
      grant_type: 'authorization_code',
      code: answer.get('code') ?? '',
      redirect_uri: as.client.redirectUri,
    }
    expect(await askToken(as, fields)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('another client cannot redeem a code (RFC 6749 §4.1.3)', async () => {
    const authorization = await authorize(as)
    const thief = { ...as, client: { ...as.client, id: 'other' } }
    expect(await redeem(thief, authorization)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('a code used again takes back what it gave (RFC 6749 §4.1.2)', async () => {
    const authorization = await authorize({ ...as, resource: `${rig.issuer}/api`, scopes: ['openid', 'access'] })
    const first = await redeem({ ...as, resource: `${rig.issuer}/api` }, authorization)
    expect(first.status).toBe(200)
    const token = first.body.access_token ?? ''
    expect(await introspect(token)).toMatchObject({ active: true })
    expect(await redeem(as, authorization)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await introspect(token)).toEqual({ active: false })
    expect(await refresh(as, first.body.refresh_token ?? '')).toMatchObject({ body: { error: 'invalid_grant' } })
  })

  test('a refresh token reused after the grace ends its family (RFC 9700 §4.14)', async () => {
    const { tokens } = await signIn({ ...as, scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } })
    const old = tokens.body.refresh_token ?? ''
    const next = (await refresh(as, old)).body.refresh_token ?? ''
    expect((await refresh(as, old)).body.refresh_token).toBe(next)
    rig.clock.advance(31_000)
    expect(await refresh(as, old)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await refresh(as, next)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('within the grace, a successor that was spent already makes the old token a stolen one', async () => {
    const { tokens } = await signIn({ ...as, scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } })
    const old = tokens.body.refresh_token ?? ''
    const next = (await refresh(as, old)).body.refresh_token ?? ''
    const newest = (await refresh(as, next)).body.refresh_token ?? ''
    expect(await refresh(as, old)).toMatchObject({ body: { error: 'invalid_grant' } })
    expect(await refresh(as, newest)).toMatchObject({ body: { error: 'invalid_grant' } })
  })

  test('another client cannot refresh', async () => {
    const { tokens } = await signIn({ ...as, scopes: ['openid', 'offline_access'], parameters: { prompt: 'consent' } })
    const thief = { ...as, client: { ...as.client, id: 'other' } }
    expect(await refresh(thief, tokens.body.refresh_token ?? '')).toMatchObject({ body: { error: 'invalid_grant' } })
  })

  test.each([
    ['a wrong secret', { secret: 'wrong' }, 401, 'invalid_client'],
    ['a secret with a trailing NUL', { secret: `${clientSecret}\0` }, 400, 'invalid_request'],
    ['an unknown client', { id: 'nobody', secret: clientSecret }, 401, 'invalid_client'],
  ])('refuses %s (RFC 6749 §5.2)', async (_what, change, status, error) => {
    const client = { ...as.client, ...change }
    expect(await askToken({ ...as, client }, { grant_type: 'client_credentials' })).toMatchObject({
      status,
      body: { error },
    })
  })

  test.each([
    ['an unknown grant', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['no grant', {}, 'invalid_request'],
    ['a scope outside of the allow-list', { grant_type: 'client_credentials', scope: 'admin' }, 'invalid_scope'],
    ['an unknown resource', { grant_type: 'client_credentials', resource: 'https://x.example' }, 'invalid_target'],
    ['a NUL in the code', { grant_type: 'authorization_code', code: 'a\0b', redirect_uri: 'x' }, 'invalid_grant'],
    ['a code that is none', { grant_type: 'authorization_code', code: 'x', redirect_uri: 'x' }, 'invalid_grant'],
  ])('refuses %s', async (_what, fields, error) => {
    expect(await askToken(as, fields as { readonly [name: string]: string })).toMatchObject({
      status: 400,
      body: { error },
    })
  })

  test('answers in JSON whatever the caller accepts, and never from a cache', async () => {
    const headers = { accept: 'text/html' }
    const response = await fetch(`${rig.issuer}/oauth2/token`, {
      method: 'POST',
      headers,
      body: new URLSearchParams({ a: 'b' }),
    })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test.each(['text/plain', 'application/json'])('refuses a body of type %s', async (type) => {
    const response = await fetch(`${rig.issuer}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': type },
      body: '{}',
    })
    expect(response.status).toBe(400)
  })

  test('refuses a body of a megabyte', async () => {
    const body = new URLSearchParams({ grant_type: 'x'.repeat(1_000_000) })
    const response = await fetch(`${rig.issuer}/oauth2/token`, { method: 'POST', body }).catch(() => undefined)
    expect(response === undefined || (response.status >= 400 && response.status < 500)).toBe(true)
  })

  test.each(['GET', 'PUT', 'DELETE'])('takes no %s', async (method) => {
    const response = await fetch(`${rig.issuer}/oauth2/token`, { method })
    expect(response.status).toBe(405)
  })
})

describe('introspection and revocation', () => {
  test('another client learns nothing about a token, and cannot revoke it (RFC 7662 §4, RFC 7009 §2.1)', async () => {
    const { body } = await askToken(as, { grant_type: 'client_credentials', scope: 'access' })
    const token = body.access_token ?? ''
    const other = { ...as.client, id: 'other' }
    expect(JSON.parse((await postForm(`${rig.issuer}/oauth2/introspect`, other, { token })).body)).toEqual({
      active: false,
    })
    expect(await postForm(`${rig.issuer}/oauth2/revoke`, other, { token })).toMatchObject({ status: 400 })
    expect(await introspect(token)).toMatchObject({ active: true, aud: `${rig.issuer}/api`, token_type: 'Bearer' })
  })

  test('what is no token is inactive, and revoked already', async () => {
    for (const token of ['nothing', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.', '\u0000']) {
      expect(await introspect(token)).toEqual({ active: false })
      expect(await postForm(`${rig.issuer}/oauth2/revoke`, as.client, { token })).toMatchObject({ status: 200 })
    }
  })

  test('wants an authenticated client', async () => {
    const body = new URLSearchParams({ token: 'x' })
    expect((await fetch(`${rig.issuer}/oauth2/introspect`, { method: 'POST', body })).status).toBe(400)
  })
})

describe('nothing secret is said', () => {
  test('no password, secret, code, token or verifier stands in the log or in the database', async () => {
    const { tokens, answer, verifier } = await signIn({
      ...as,
      scopes: ['openid', 'offline_access'],
      parameters: { prompt: 'consent' },
    })
    await askToken(as, { grant_type: 'client_credentials', code: 'x' })
    const { access_token: access, refresh_token: refreshToken, id_token: idToken } = tokens.body
    const secrets = [alicePassword, clientSecret, answer.get('code'), access, refreshToken, idToken, verifier]
    const tables = ['session', 'interaction', 'grant', 'code', 'access_token', 'refresh_token'].map(
      (name) => `oidc_${name}`,
    )
    const rows = await Promise.all(tables.map((table) => rig.seed.run(`select * from ${table}`, [])))
    const stored = JSON.stringify(rows)
    for (const secret of secrets) {
      expect(rig.logged()).not.toContain(secret)
      expect(stored).not.toContain(secret)
    }
  })
})

async function introspect(token: string): Promise<{ readonly active: boolean }> {
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, as.client, { token })
  return JSON.parse(body)
}
