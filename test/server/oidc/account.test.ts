import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type HttpBrowser, openHttpBrowser } from '../../kit/http-browser.ts'
import { refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const password = 'violet otters juggle 41 lanterns'
let server: TestServer
let secret: string
let serial = 0
let person: SignInAs['user']
let personId: string

beforeAll(async () => {
  server = await startServer()
  const made = await server.admin('POST', '/admin/v1/clients', {
    clientId: 'photos',
    name: 'Photos',
    redirectUris: [`${server.issuer}/app/cb`],
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: 'openid email offline_access',
  })
  secret = String(((await made.json()) as { clientSecret: string }).clientSecret)
})
afterAll(() => server.stop())
beforeEach(async () => {
  serial += 1
  const email = `person-${serial}@example.test`
  const made = await server.admin('POST', '/admin/v1/users', { email, emailVerified: true, password })
  person = { identifier: email, password }
  personId = String(((await made.json()) as { id: string }).id)
})

const photos = (browser?: HttpBrowser): SignInAs => ({
  issuer: server.issuer,
  client: { id: 'photos', secret, redirectUri: `${server.issuer}/app/cb` },
  user: person,
  scopes: ['openid', 'email', 'offline_access'],
  parameters: { prompt: 'consent' },
  ...(browser ? { browser } : {}),
})

/** A browser that has opened the account page and signed in there. */
async function openAccount(headers: { readonly [name: string]: string } = {}): Promise<HttpBrowser> {
  const browser = openHttpBrowser(headers)
  const asked = await browser.open(`${server.issuer}/account`)
  expect(asked.text).toContain('name="password"')
  const page = await browser.submit({ identifier: person.identifier, password: person.password })
  expect(page.url).toBe(`${server.issuer}/account`)
  return browser
}
const isSignedIn = async (browser: HttpBrowser) =>
  (await browser.open(`${server.issuer}/account`)).text.includes('id="account-name"')

describe('/account (people.md §5)', () => {
  test('first visits at once all lead to the sign-in', async () => {
    const pages = await Promise.all(Array.from({ length: 8 }, () => openHttpBrowser().open(`${server.issuer}/account`)))
    for (const { text } of pages) expect(text).toContain('name="password"')
  })

  test('asks for a sign-in, then shows who and where', async () => {
    const { text, headers } = (await openAccount()).page()
    expect(text).toContain(person.identifier)
    expect(text).toContain('This browser')
    expect(text).toContain('id="no-apps"')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  test('speaks Korean to whoever asks for it', async () => {
    const { text } = (await openAccount({ 'accept-language': 'ko' })).page()
    expect(text).toContain('로그인한 곳')
    expect(text).toContain('<html lang="ko">')
  })

  test('another browser can be signed out, and is told apart from this one', async () => {
    const elsewhere = openHttpBrowser()
    await signIn(photos(elsewhere))
    const browser = await openAccount()
    const [before] = [browser.page().text]
    expect(before).toContain('Another browser')
    expect(before).toContain('Signed in to Photos')
    expect(await isSignedIn(elsewhere)).toBe(true)
    const uid = /name="end" value="([\w-]{10,})"/.exec(before)?.[1] ?? ''
    const after = await browser.submit({ end: uid })
    expect(after.text).not.toContain('Another browser')
    expect(await isSignedIn(elsewhere)).toBe(false)
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('everywhere else at once', async () => {
    const others = [openHttpBrowser(), openHttpBrowser()]
    for (const other of others) await signIn(photos(other))
    const browser = await openAccount()
    await browser.submit({ end: 'others' })
    for (const other of others) expect(await isSignedIn(other)).toBe(false)
    expect(await isSignedIn(browser)).toBe(true)
  })

  test('what an app was allowed can be taken back: its tokens end, and it must ask again', async () => {
    const { tokens } = await signIn(photos())
    const userinfo = () =>
      fetch(`${server.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${tokens.body.access_token}` } })
    expect((await userinfo()).status).toBe(200)
    const browser = await openAccount()
    expect(browser.page().text).toContain('<strong>Photos</strong>')
    const after = await browser.submit({ withdraw: 'photos' })
    expect(after.text).toContain('id="no-apps"')
    expect((await userinfo()).status).toBe(401)
    expect((await refresh(photos(), tokens.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
    const asked = openHttpBrowser()
    const again = { ...photos(asked), parameters: {} }
    await expect(signIn({ ...again, user: person })).resolves.toMatchObject({ tokens: { status: 200 } })
    const [audit] = await server.kernel.database.query<{ count: string }>(
      {
        name: '',
        text: `select count(*) from audit_event where action = 'oidc.consent.withdrawn' and actor_id = $1`,
      },
      [personId],
    )
    expect(Number(audit?.count)).toBe(1)
  })

  test('what is not there, or is somebody else’s, is 404 and changes nothing', async () => {
    const elsewhere = openHttpBrowser()
    await signIn(photos(elsewhere))
    const first = await openAccount()
    const foreign = /name="end" value="([\w-]{10,})"/.exec(first.page().text)?.[1] ?? ''
    serial += 1
    const email = `person-${serial}@example.test`
    await server.admin('POST', '/admin/v1/users', { email, emailVerified: true, password })
    person = { identifier: email, password }
    await signIn(photos())
    const browser = await openAccount()
    const csrf = formToken(browser)
    for (const fields of [{ end: foreign }, { end: 'nothing' }, { withdraw: 'nothing' }, {}]) {
      const answer = await post(browser, { csrf, ...fields })
      expect(answer.status).toBe(404)
    }
    expect(await isSignedIn(elsewhere)).toBe(true)
  })

  test('a form of another site, or without its token, is refused', async () => {
    await signIn(photos())
    const browser = await openAccount()
    const csrf = formToken(browser)
    expect((await post(browser, { end: 'others' })).status).toBe(403)
    expect((await post(browser, { csrf: `${csrf}x`, end: 'others' })).status).toBe(403)
    expect((await post(browser, { csrf, end: 'others' }, { origin: 'https://evil.example' })).status).toBe(403)
    expect((await post(browser, { csrf, end: 'others' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await post(browser, { csrf, end: 'others' })).status).toBe(303)
  })

  test('a disabled person is signed out, and a form without a session does nothing', async () => {
    await signIn(photos())
    const browser = await openAccount()
    const csrf = formToken(browser)
    await server.admin('POST', `/admin/v1/users/${personId}/disable`)
    expect(await isSignedIn(browser)).toBe(false)
    expect((await post(browser, { csrf, end: 'others' })).status).toBe(401)
  })

  test('other methods are 405 with Allow', async () => {
    const answer = await fetch(`${server.issuer}/account`, { method: 'DELETE' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST'])
  })
})

const formToken = (browser: HttpBrowser): string => /name="csrf" value="([^"]+)"/.exec(browser.page().text)?.[1] ?? ''

function post(
  browser: HttpBrowser,
  fields: { readonly [name: string]: string },
  headers: { readonly [name: string]: string } = {},
): Promise<Response> {
  const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  return fetch(`${server.issuer}/account`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, ...headers },
    body: new URLSearchParams(fields),
  })
}
