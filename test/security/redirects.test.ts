// Redirects are compared letter by letter (RFC 9700 §4.1.3, security.md row 7): every mutant of a registered one stays on our page.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { fromElsewhere, openStand, type Stand, type TestClient } from './stand.ts'

const registered = 'https://app.example/cb'
const afterLogout = 'https://app.example/bye'

/** What comparisons by prefix, host, case, decoding or normal form have let through elsewhere. */
const mutantsOf = (uri: string): readonly string[] => {
  const { host, pathname: path } = new URL(uri)
  const evil = 'evil.example'
  return [
    // The path.
    ...[
      '/',
      '?',
      '#',
      '?x=1',
      '#f',
      ';x',
      '/..',
      `/../${evil}`,
      '%20',
      '%00',
      '%2f',
      '%0d%0aLocation:%20//evil.example',
    ].map((more) => uri + more),
    `https://${host}${path.toUpperCase()}`,
    `https://${host}/${path}`,
    `https://${host}/.${path}`,
    `https://${host}/x/..${path}`,
    `https://${host}/%63${path.slice(2)}`,
    `https://${host}${path.slice(0, -1)}`,
    `https://${host}/*`,
    `https://${host}`,
    `https://${host}/`,
    // The authority.
    `https://${host.toUpperCase()}${path}`,
    `https://${host}.${path}`,
    `https://${host}:443${path}`,
    `https://${host}:8443${path}`,
    `https://user@${host}${path}`,
    `https://user:pass@${host}${path}`,
    `https://${host}@${evil}${path}`,
    `https://${host}:x@${evil}${path}`,
    `https://${host}%40${evil}${path}`,
    `https://${host}%2e${evil}${path}`,
    `https://${host}.${evil}${path}`,
    `https://${evil}/${host}${path}`,
    `https://${evil}#${uri}`,
    `https://${evil}?${uri}`,
    `https://x${host}${path}`,
    `https://x.${host}${path}`,
    `https://*.example${path}`,
    `https://${host}\\@${evil}${path}`,
    `https://${evil}\\.${host}${path}`,
    `https://\u0430pp.example${path}`,
    `https://xn--pp-6kc.example${path}`,
    `https://app\u3002example${path}`,
    `https://app\uff0eexample${path}`,
    `https://[::1]${path}`,
    `https://127.0.0.1${path}`,
    `https://0x7f.1${path}`,
    // The scheme.
    `http://${host}${path}`,
    `HTTPS://${host}${path}`,
    `https:/${host}${path}`,
    `https:${host}${path}`,
    `https:///${host}${path}`,
    `https:\\\\${host}${path}`,
    `//${host}${path}`,
    `//${evil}${path}`,
    path,
    path.slice(1),
    '',
    'javascript:alert(document.domain)',
    `javascript://${host}${path}%0aalert(1)`,
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'about:blank',
    `blob:${uri}`,
    'urn:ietf:wg:oauth:2.0:oob',
    'com.example.app:/cb',
    'http://localhost/cb',
    // The text.
    ` ${uri}`,
    `${uri} `,
    `\t${uri}`,
    `${uri}\n`,
    `${uri}\r\n`,
    `https://app\t.example${path}`,
    `${uri}\u0000`,
    `${uri}\u200b`,
    `${uri},https://${evil}`,
    `${uri} https://${evil}`,
    JSON.stringify([uri]),
    encodeURIComponent(uri),
    `${uri}/${'a'.repeat(3_000)}`,
  ]
}

let stand: Stand
let app: TestClient
beforeAll(async () => {
  stand = await openStand()
  app = await stand.createClient('app', { redirectUris: [registered], postLogoutRedirectUris: [afterLogout] })
}, 60_000)
afterAll(() => stand?.close())

const query = (redirectUri: string, more: readonly (readonly [string, string])[] = []): URLSearchParams =>
  new URLSearchParams([
    ['client_id', app.id],
    ['response_type', 'code'],
    ['scope', 'openid'],
    ['state', 's'],
    ['code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'],
    ['code_challenge_method', 'S256'],
    ['redirect_uri', redirectUri],
    ...more.map(([name, value]): [string, string] => [name, value]),
  ])
/** Where a page could send somebody; its icon is a picture in itself. */
const leadsAway = /(href|action|content)="[^"]*(evil\.example|javascript:|data:(?!image\/svg))/i
const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('redirect_uri', () => {
  test('the registered one leads on, so that the others are refused for what they are', async () => {
    const answer = await stand.raw(`/oauth2/authorize?${query(registered)}`, { headers: fromElsewhere() })
    expect(answer.status).toBe(303)
    expect(mutantsOf(registered).length).toBeGreaterThanOrEqual(60)
    expect(new Set(mutantsOf(registered)).size).toBe(mutantsOf(registered).length)
  })

  test.each(mutantsOf(registered).map((mutant) => [mutant.slice(0, 80), mutant]))(
    'authorization of %j stays on our page; pushed, it is refused',
    async (_title, mutant) => {
      for (const request of [
        { path: `/oauth2/authorize?${query(mutant)}`, request: { headers: fromElsewhere() } },
        // What may go back to the app by itself does not either.
        { path: `/oauth2/authorize?${query(mutant, [['prompt', 'none']])}`, request: { headers: fromElsewhere() } },
        {
          path: '/oauth2/authorize',
          request: { method: 'POST', headers: { ...form, ...fromElsewhere() }, body: String(query(mutant)) },
        },
      ]) {
        const { status, headers, text } = await stand.raw(request.path, request.request)
        const onward = headers.location === undefined ? '' : String(headers.location)
        // A form that was posted is kept and opened again, here.
        if (status === 303 && onward.startsWith(`${stand.issuer}/oauth2/authorize?`)) {
          const again = await stand.raw(onward.slice(stand.issuer.length), { headers: fromElsewhere() })
          expect([again.status, again.headers.location]).toEqual([400, undefined])
          continue
        }
        expect([status, headers.location]).toEqual([400, undefined])
        expect(text).not.toMatch(leadsAway)
      }
      const pushed = await stand.raw('/oauth2/par', {
        method: 'POST',
        headers: { ...form, ...fromElsewhere(), authorization: stand.basic(app) },
        body: String(query(mutant)),
      })
      expect([pushed.status, pushed.text.includes('request_uri"')]).toEqual([400, false])
    },
  )

  test('said twice, as a list, or in other letters it is no redirect', async () => {
    const twice = query(registered, [['redirect_uri', 'https://evil.example/cb']])
    const list = query(registered)
    list.delete('redirect_uri')
    for (const parameters of [
      `${twice}`,
      `${list}&redirect_uri[]=${encodeURIComponent(registered)}`,
      `${list}&redirect_uri[0]=${encodeURIComponent('https://evil.example/cb')}`,
      `${list}&REDIRECT_URI=${encodeURIComponent('https://evil.example/cb')}`,
    ]) {
      const { status, headers } = await stand.raw(`/oauth2/authorize?${parameters}`, { headers: fromElsewhere() })
      expect([parameters.slice(-60), status, headers.location]).toEqual([parameters.slice(-60), 400, undefined])
    }
  })
})

describe('post_logout_redirect_uri', () => {
  test.each(mutantsOf(afterLogout).map((mutant) => [mutant.slice(0, 80), mutant]))(
    '%j is not where anybody is sent (RP-Initiated Logout §3)',
    async (_title, mutant) => {
      const parameters = new URLSearchParams({ client_id: app.id, post_logout_redirect_uri: mutant, state: 's' })
      const { status, headers, text } = await stand.raw(`/oauth2/end_session?${parameters}`, {
        headers: fromElsewhere(),
      })
      expect(headers.location).toBeUndefined()
      expect([200, 400]).toContain(status)
      // The empty one says nothing: the page asks, and leads nowhere.
      if (mutant !== '') expect(status).toBe(400)
      expect(text).not.toMatch(leadsAway)
    },
  )
})
