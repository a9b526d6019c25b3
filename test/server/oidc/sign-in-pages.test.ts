import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { type HttpBrowser, openHttpBrowser } from '../../kit/http-browser.ts'
import { alicePassword, openRig, type Rig } from './rig.ts'

let rig: Rig
let browser: HttpBrowser
beforeAll(async () => {
  rig = await openRig()
  await rig.seed.account('alice@example.test')
  const disabled = await rig.seed.account('gone@example.test')
  await rig.seed.setStatus(disabled, 'disabled')
  const metadata = { redirectUris: [`${rig.issuer}/app/cb`], scope: 'openid email profile access' }
  await rig.seed.client('web', metadata)
  await rig.seed.run(`update client set name = '</script><b onclick=x>Web' where id = 'web'`, [])
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.seed.run('delete from attempt_budget', [])
  browser = openHttpBrowser()
})

const start = (more: { readonly [name: string]: string } = {}) =>
  `${rig.issuer}/oauth2/authorize?${new URLSearchParams({
    response_type: 'code',
    client_id: 'web',
    redirect_uri: `${rig.issuer}/app/cb`,
    scope: 'openid email',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...more,
  })}`
const alice = { identifier: 'alice@example.test', password: alicePassword }
const withoutVariables = (text: string) => text.replace(/nonce="[^"]*"|value="[^"]*"|signin\/[\w-]+/g, '')

describe('the sign-in page', () => {
  test('is a plain labelled form under a strict policy, with the ids that suites look for (provider.md §9)', async () => {
    const { text, headers } = await browser.open(start())
    for (const id of ['identifier', 'password', 'submit-signin']) expect(text).toContain(`id="${id}"`)
    expect(text).toContain('<label for="identifier">')
    expect(text).toContain('<label for="password">')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain(`form-action 'self' ${rig.issuer}`)
    expect(policy).not.toContain('unsafe')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
  })

  test('a hostile client name is inert (security.md row 13)', async () => {
    const { text } = await browser.open(start())
    expect(text).toContain('&lt;/script&gt;&lt;b onclick=x&gt;Web')
    expect(text).not.toContain('<b onclick')
  })

  test('speaks Korean when asked to', async () => {
    expect((await browser.open(start({ ui_locales: 'ko' }))).text).toContain('<html lang="ko">')
    const korean = openHttpBrowser({ 'accept-language': 'ko-KR,ko;q=0.9' })
    expect((await korean.open(start())).text).toContain('비밀번호')
  })

  test.each([
    ['a wrong password', { ...alice, password: 'something else entirely' }],
    ['an unknown address', { ...alice, identifier: 'nobody@example.test' }],
    ['a disabled account', { ...alice, identifier: 'gone@example.test' }],
    ['an operator instead of an address (security.md §2.15)', { ...alice, identifier: '{"$like":"%"}' }],
    ['a password of 2,000 characters', { ...alice, password: 'x'.repeat(2_000) }],
  ])('%s gets the one answer (security.md row 14)', async (_what, fields) => {
    await browser.open(start())
    const wrong = await browser.submit({ ...alice, password: 'the reference answer' })
    await browser.open(start())
    const page = await browser.submit(fields)
    expect(page.status).toBe(401)
    expect(withoutVariables(page.text)).toBe(withoutVariables(wrong.text))
    expect(page.text).toContain('role="alert"')
    expect(page.text).not.toContain(fields.password)
    expect([...browser.cookies().keys()]).not.toContain('writ-default-device')
  })

  test('a sign-in leaves an audit row, a refused one another that names nobody', async () => {
    await browser.open(start())
    await browser.submit({ ...alice, password: 'wrong' })
    await browser.submit(alice)
    const rows = await rig.seed.run(
      'select action, outcome, actor_type, resource_type from audit_event order by id desc limit 2',
      [],
    )
    expect(rows).toEqual([
      { action: 'identity.session.started', outcome: 'success', actor_type: 'User', resource_type: 'User' },
      { action: 'identity.session.refused', outcome: 'denied', actor_type: 'Anonymous', resource_type: 'Tenant' },
    ])
  })

  test('known and unknown addresses run out of tries alike (people.md §4)', async () => {
    for (const identifier of ['alice@example.test', 'nobody@example.test']) {
      const statuses = []
      for (let count = 0; count < 11; count += 1) {
        await browser.open(start())
        statuses.push((await browser.submit({ identifier, password: 'wrong' })).status)
      }
      expect(statuses.slice(-2)).toEqual([401, 429])
      expect(browser.page().headers.get('retry-after')).toMatch(/^\d+$/)
    }
  })

  test('a foreign origin, a foreign site and a missing token are refused (security.md row 5)', async () => {
    const page = await browser.open(start())
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    const post = (headers: { readonly [name: string]: string }, fields: { readonly [name: string]: string }) =>
      fetch(page.url, {
        method: 'POST',
        headers: { cookie, ...headers },
        body: new URLSearchParams(fields),
        redirect: 'manual',
      })
    expect((await post({ origin: 'https://evil.example' }, { ...alice, csrf })).status).toBe(403)
    expect((await post({ origin: 'null', 'sec-fetch-site': 'cross-site' }, { ...alice, csrf })).status).toBe(403)
    expect((await post({}, alice)).status).toBe(403)
    expect((await post({}, { ...alice, csrf: `${csrf}x` })).status).toBe(403)
    expect((await post({ origin: 'null', 'sec-fetch-site': 'same-origin' }, { ...alice, csrf })).status).toBe(303)
  })

  test('another browser, another interaction, a field twice and a NUL lead nowhere', async () => {
    const page = await browser.open(start())
    expect((await openHttpBrowser().open(page.url)).status).toBe(400)
    const other = openHttpBrowser()
    await other.open(start())
    const stranger = await other.open(page.url)
    expect(stranger.status).toBe(400)
    expect(stranger.text).toContain('interaction_not_found')
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const body of ['identifier=a&identifier=b', 'identifier=a%00b&password=x', 'identifier=%ff']) {
      const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded' }
      const response = await fetch(page.url, { method: 'POST', headers, body })
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toContain('text/html')
    }
  })

  test('cancelling tells the client access_denied', async () => {
    await browser.open(start({ state: 'x' }))
    const { url } = await browser.submit({}, 'cancel')
    expect(new URL(url).searchParams.get('error')).toBe('access_denied')
  })

  test('the session id is new after a sign-in (security.md row 5)', async () => {
    await browser.open(start())
    await browser.submit(alice)
    const first = browser.cookies().get('writ-default')
    expect(first).toEqual(expect.any(String))
    await browser.open(start({ prompt: 'login' }))
    await browser.submit(alice)
    expect(browser.cookies().get('writ-default')).not.toBe(first)
  })
})

describe('the consent page', () => {
  test('says in words what is asked, with both buttons', async () => {
    await browser.open(start({ scope: 'openid email access', resource: `${rig.issuer}/api` }))
    const { text } = await browser.submit(alice)
    expect(text).toContain('Your e-mail address')
    expect(text).toContain('Ask whether something is permitted')
    expect(text).toContain('id="allow"')
    expect(text).toContain('id="deny"')
  })

  test('deny tells the client access_denied, and nothing is granted (security.md §2.24)', async () => {
    await browser.open(start())
    await browser.submit(alice)
    const { url } = await browser.submit({}, 'deny')
    expect(new URL(url).searchParams.get('error')).toBe('access_denied')
    expect(new URL(url).searchParams.get('iss')).toBe(rig.issuer)
  })

  test('is asked once for the same, in another session too, and again for more', async () => {
    await browser.open(start())
    await browser.submit(alice)
    await browser.submit({}, 'allow')
    const second = openHttpBrowser()
    await second.open(start())
    expect(new URL((await second.submit(alice)).url).searchParams.get('code')).toEqual(expect.any(String))
    const more = await second.open(start({ scope: 'openid profile' }))
    expect(more.text).toContain('id="allow"')
  })
})
