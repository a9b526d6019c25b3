// What every page says to the browser, what every cookie is, and that no form takes a foreign hand (security.md rows 5, 13).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type HttpBrowser, openHttpBrowser, type Page } from '../kit/http-browser.ts'
import { fromElsewhere, openStand, type RawAnswer, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
}, 60_000)
afterAll(() => stand?.close())

const pkce = 'code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256'
const authorize = (more = '') =>
  `/oauth2/authorize?client_id=web&response_type=code&scope=openid&redirect_uri=${encodeURIComponent(stand.web.redirectUri)}&${pkce}${more}`

async function signedIn(): Promise<HttpBrowser> {
  const browser = openHttpBrowser(fromElsewhere())
  await browser.open(`${stand.issuer}${authorize()}`)
  await browser.submit({ identifier: stand.alice.identifier, password: stand.alice.password })
  return browser
}

/** Every page that a person can come to, by the way that leads there. */
const pages: { readonly [name: string]: (browser: HttpBrowser) => Promise<Page> } = {
  'sign-in': (browser) => browser.open(`${stand.issuer}${authorize('&prompt=login')}`),
  'sign-in, refused': async (browser) => {
    await browser.open(`${stand.issuer}${authorize('&prompt=login')}`)
    return browser.submit({ identifier: 'nobody@example.test', password: 'not the right one at all' })
  },
  error: (browser) => browser.open(`${stand.issuer}/oauth2/authorize?client_id=nobody`),
  device: (browser) => browser.open(`${stand.issuer}/device`),
  'device, wrong code': async (browser) => {
    await browser.open(`${stand.issuer}/device`)
    return browser.submit({ user_code: 'BCDF-GHJK' })
  },
  account: (browser) => browser.open(`${stand.issuer}/account`),
  'account, requests': (browser) => browser.open(`${stand.issuer}/account/requests`),
  'account, history': (browser) => browser.open(`${stand.issuer}/account/history`),
  'account, activity': (browser) => browser.open(`${stand.issuer}/account/activity`),
  'sign-out': (browser) => browser.open(`${stand.issuer}/oauth2/end_session`),
  'a spent setup link': (browser) => browser.open(`${stand.issuer}/setup/nothing-of-ours`),
}

describe('pages', () => {
  test.each(Object.keys(pages))('%s: no script but its own, no frame, no store, no referrer', async (name) => {
    const { headers, text } = (await pages[name]?.(await signedIn())) ?? { headers: new Headers(), text: '' }
    expect(headers.get('content-type')).toMatch(/^text\/html; charset=utf-8$/i)
    const policy = headers.get('content-security-policy') ?? ''
    const directives = new Map(policy.split(';').map((each) => [each.trim().split(' ')[0], each.trim()]))
    expect(directives.get('default-src')).toBe("default-src 'none'")
    expect(directives.get('frame-ancestors')).toBe("frame-ancestors 'none'")
    expect(directives.get('base-uri')).toBe("base-uri 'none'")
    expect(directives.get('form-action')).toBeDefined()
    expect(policy).not.toMatch(/unsafe-|\*(?!\.)|https?:(?!\/\/)|data:(?!;|$| )/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toContain('no-store')
    expect(headers.get('referrer-policy')).toMatch(/^(no-referrer|same-origin|strict-origin)$/)
    expect(text).not.toMatch(/<script(?! nonce)|\son\w+="/i)
  })
})

describe('cookies', () => {
  test('none can be read by a script, sent by a foreign form, or outlives what it is for', async () => {
    const lines: string[] = []
    const keep = (answer: RawAnswer): void => {
      lines.push(...[answer.headers['set-cookie'] ?? []].flat())
    }
    const first = await stand.raw(authorize(), { headers: fromElsewhere() })
    keep(first)
    const cookie = lines.map((line) => line.split(';')[0]).join('; ')
    const at = new URL(String(first.headers.location), stand.issuer).pathname
    keep(await stand.raw(at, { headers: { cookie, ...fromElsewhere() } }))
    for (const path of ['/device', '/account', '/oauth2/end_session', '/no/such/page?ui_locales=ko']) {
      keep(await stand.raw(path, { headers: fromElsewhere() }))
    }
    expect(lines.length).toBeGreaterThan(2)
    for (const line of lines) {
      expect(line).toMatch(/;\s*httponly/i)
      expect(line).toMatch(/;\s*samesite=(lax|strict)/i)
      expect(line).not.toMatch(/;\s*domain=/i)
    }
  })
})

describe('forms', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  /** `Origin: null` is what our own pages send, since they tell no referrer: there the form's secret alone decides. */
  const foreign = [
    ['from another origin', { origin: 'https://evil.example' }],
    ['as another site says', { 'sec-fetch-site': 'cross-site' }],
  ] as const

  test.each(foreign)('a sign-in that comes %s signs nobody in (login CSRF)', async (_, headers) => {
    const browser = openHttpBrowser(fromElsewhere())
    const page = await browser.open(`${stand.issuer}${authorize()}`)
    const action = /<form[^>]*action="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const path = new URL(action, page.url).pathname
    const body = new URLSearchParams({
      csrf,
      identifier: stand.alice.identifier,
      password: stand.alice.password,
    }).toString()
    const send = (more: object) =>
      stand.raw(path, { method: 'POST', headers: { ...form, cookie, ...fromElsewhere(), ...more }, body })
    const refused = await send({ origin: stand.issuer, ...headers })
    expect(refused.status).toBe(403)
    expect(refused.headers['set-cookie'] ?? []).toEqual([])
    // The same from the page itself does: what was refused was the hand, not the form.
    expect((await send({ origin: stand.issuer })).status).toBe(303)
  })

  test.each(['', 'x', 'A'.repeat(43)])('a sign-in with the form secret %j signs nobody in', async (csrf) => {
    const browser = openHttpBrowser(fromElsewhere())
    await browser.open(`${stand.issuer}${authorize()}`)
    const page = await browser.submit({ csrf, identifier: stand.alice.identifier, password: stand.alice.password })
    expect([403, 400, 422]).toContain(page.status)
    expect(page.url).not.toContain('code=')
  })

  test.each(['/account', '/oauth2/end_session', '/device'])(
    'a post to %s that no page made does nothing',
    async (path) => {
      const browser = await signedIn()
      await browser.open(`${stand.issuer}${path}`)
      const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
      for (const headers of [...foreign.map(([, each]) => each), { origin: 'null' }, {}]) {
        const answer = await stand.raw(path, {
          method: 'POST',
          headers: { ...form, cookie, ...fromElsewhere(), ...headers },
          body: 'csrf=x&logout=yes&user_code=BCDF-GHJK&end=all',
        })
        expect(answer.status).toBeGreaterThanOrEqual(400)
        expect(answer.status).toBeLessThan(500)
      }
      expect((await browser.open(`${stand.issuer}/account`)).text).toContain(stand.alice.identifier)
    },
  )
})
