// Who the server is comes from its configuration, never from a request (security.md row 6): no name that a request brings is repeated.
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { fromElsewhere, openStand, type RawRequest, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
}, 60_000)
afterAll(() => stand?.close())

const evil = 'evil.example'
/** Ways in which servers have been told who they are. */
const claims: { readonly [how: string]: { readonly [name: string]: string } } = {
  Host: { host: evil },
  'Host with a port': { host: `${evil}:443` },
  'Host that only begins well': { host: `127.0.0.1.${evil}` },
  'X-Forwarded-Host': { 'x-forwarded-host': evil },
  'X-Forwarded-Host, several': { 'x-forwarded-host': `127.0.0.1, ${evil}` },
  'X-Forwarded-Server': { 'x-forwarded-server': evil },
  'X-Host': { 'x-host': evil, 'x-http-host-override': evil },
  'X-Original-URL': { 'x-original-url': `https://${evil}/admin/v1/users`, 'x-rewrite-url': `/${evil}` },
  'X-Forwarded-Proto and Port': { 'x-forwarded-proto': 'javascript', 'x-forwarded-port': `1@${evil}` },
  'X-Forwarded-Prefix': { 'x-forwarded-prefix': `//${evil}`, 'x-script-name': `//${evil}` },
  Forwarded: { forwarded: `for=10.0.0.1;host=${evil};proto=https` },
  'Referer and Origin': { referer: `https://${evil}/`, origin: `https://${evil}` },
}
const pkce = 'code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256'

/** Whatever says a link, an address or a name of the server. */
function requests(): readonly (readonly [string, RawRequest])[] {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const basic = { authorization: stand.basic(stand.web) }
  const redirect = encodeURIComponent(stand.web.redirectUri)
  const get = (path: string): readonly [string, RawRequest] => [path, {}]
  const post = (path: string, body: string): readonly [string, RawRequest] => [
    path,
    { method: 'POST', headers: { ...form, ...basic }, body },
  ]
  return [
    get('/.well-known/openid-configuration'),
    get('/.well-known/oauth-authorization-server'),
    get('/.well-known/oauth-protected-resource'),
    get('/.well-known/authzen-configuration'),
    get('/oauth2/jwks'),
    get(`/oauth2/authorize?client_id=web&response_type=code&scope=openid&redirect_uri=${redirect}&${pkce}`),
    get('/oauth2/authorize?client_id=nobody'),
    get('/oauth2/end_session'),
    get('/oauth2/userinfo'),
    get('/device'),
    get('/account'),
    get('/account/v1/me'),
    get('/setup/nothing'),
    get('/admin/v1/users'),
    get('/admin/v1/openapi.json'),
    get('/storage/v1/buckets'),
    get('/health/ready'),
    get('/no/such/path'),
    post('/oauth2/par', `client_id=web&response_type=code&scope=openid&redirect_uri=${redirect}&${pkce}`),
    post('/oauth2/token', 'grant_type=client_credentials'),
    post('/oauth2/device_authorization', 'client_id=web'),
    post('/oauth2/introspect', 'token=x'),
    post('/oauth2/register', '{}'),
    post('/access/v1/evaluation', '{}'),
  ]
}

describe.each(Object.entries(claims))('%s', (_how, headers) => {
  test('is repeated in no answer: not in a link, a redirect, a cookie or a page', async () => {
    const repeated: string[] = []
    for (const [path, request] of requests()) {
      const answer = await stand.raw(path, {
        ...request,
        headers: { ...request.headers, ...fromElsewhere(), ...headers },
      })
      expect(answer.status).toBeLessThan(500)
      // An origin may read what anybody may: without credentials, which no cookie of ours is sent with.
      const { 'access-control-allow-origin': _, ...headersSaid } = answer.headers
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined()
      // A refusal that says which origin is not the client's repeats what was said to whoever said it.
      const text = answer.text.replace(/origin https:\/\/evil\.example not allowed/, '')
      const said = `${JSON.stringify(headersSaid)}\n${text}`
      if (said.includes(evil) || /"location":"(?!\/|http:\/\/127\.0\.0\.1)/.test(said)) {
        repeated.push(`${request.method ?? 'GET'} ${path.slice(0, 60)} → ${answer.status}`)
      }
    }
    expect(repeated).toEqual([])
  })
})

test('tokens name the configured issuer, whoever the request says we are', async () => {
  const headers = {
    authorization: stand.basic(stand.web),
    'content-type': 'application/x-www-form-urlencoded',
    'x-forwarded-host': evil,
    forwarded: `host=${evil}`,
    ...fromElsewhere(),
  }
  const body = 'grant_type=client_credentials&scope=access'
  const { text } = await stand.raw('/oauth2/token', { method: 'POST', headers, body })
  const { access_token: token } = JSON.parse(text) as { readonly access_token: string }
  const claimsOf = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    readonly iss: string
  }
  expect(claimsOf.iss).toBe(stand.issuer)
})

/** Bytes as they are, over a connection of its own. */
function say(text: string): Promise<string> {
  const { hostname, port } = new URL(stand.server.url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.end(text))
    let heard = ''
    socket.on('data', (piece) => {
      heard += String(piece)
    })
    socket.on('close', () => resolve(heard))
    socket.on('error', reject)
  })
}

describe('requests that say twice, or otherwise, whom they are for (RFC 9112 §3.2)', () => {
  const at = '/.well-known/openid-configuration'
  test.each([
    ['two Hosts', `GET ${at} HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: ${evil}\r\n\r\n`],
    ['no Host', `GET ${at} HTTP/1.1\r\n\r\n`],
    ['a Host that is none', `GET ${at} HTTP/1.1\r\nHost: evil.example/x?y@z\r\n\r\n`],
    ['a Host with a space', `GET ${at} HTTP/1.1\r\nHost: 127.0.0.1 ${evil}\r\n\r\n`],
  ])('%s: refused', async (_, text) => {
    const heard = await say(text)
    expect(heard).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(heard).not.toContain('token_endpoint')
  })

  test('a target with a name of its own says no more than its path', async () => {
    const heard = await say(`GET http://${evil}${at} HTTP/1.1\r\nHost: ${evil}\r\nConnection: close\r\n\r\n`)
    expect(heard).not.toContain(evil)
  })
})
