// What a person is shown of an app that no administrator made (provider.md §9, Dynamic plan).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { askForDevice, confirmDevice } from '../../../kit/device.ts'
import { openHttpBrowser } from '../../../kit/http-browser.ts'
import { alicePassword } from '../rig.ts'
import { openSites, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)
const logo = 'https://app.example/logo.png'
let sites: Sites
let stand: Stand
beforeAll(async () => {
  sites = await openSites('app.example')
  stand = await openStand({ egress: sites.egress })
  await stand.rig.seed.account('alice@example.test')
  sites.put(logo, { body: png, type: 'text/html' })
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})

const register = async (more: object = {}) =>
  (
    await stand.register(
      { client_name: 'Shop', redirect_uris: ['https://shop.example/cb'], token_endpoint_auth_method: 'none', ...more },
      await stand.initialToken(),
    )
  ).body
const consentOf = async (clientId: unknown, more: object = {}): Promise<{ text: string; policy: string }> => {
  const browser = openHttpBrowser()
  const query = new URLSearchParams({
    client_id: String(clientId),
    response_type: 'code',
    redirect_uri: 'https://shop.example/cb',
    scope: 'openid email',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...more,
  })
  await browser.open(`${stand.issuer}/oauth2/authorize?${query}`)
  const page = await browser.submit({ identifier: 'alice@example.test', password: alicePassword })
  expect(page.text).toContain('name="allow"')
  return { text: page.text, policy: page.headers.get('content-security-policy') ?? '' }
}

test('its logo, policy and terms; that it registered itself, and where it leads', async () => {
  const links = { logo_uri: logo, policy_uri: 'https://app.example/policy', tos_uri: 'https://app.example/terms' }
  const { client_id: id } = await register(links)
  const { text, policy } = await consentOf(id)
  for (const part of ['Shop', 'registered itself', 'shop.example', links.policy_uri, links.tos_uri])
    expect(text).toContain(part)
  expect(text).toContain(`<img src="/oauth2/logo/${id}" alt=""`)
  expect(text).not.toContain(logo)
  expect(policy).toContain("img-src 'self' data:")
  const korean = await consentOf(id, { ui_locales: 'ko' })
  expect(korean.text).toContain('스스로 등록한 앱입니다')
})

test('an app that an administrator made is shown without a warning', async () => {
  await stand.rig.seed.client('shop', { redirectUris: ['https://shop.example/cb'], scope: 'openid email' })
  expect((await consentOf('shop')).text).not.toContain('id="stranger"')
})

test('a device is shown without an address, where its terms allow it at all', async () => {
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const { body } = await stand.register(
    { client_name: 'Television', grant_types: [device], redirect_uris: [], token_endpoint_auth_method: 'none' },
    await stand.initialToken({ grantTypes: [device] }),
  )
  const client = { id: String(body.client_id), redirectUri: `${stand.issuer}/device` }
  const user = { identifier: 'alice@example.test', password: alicePassword }
  const as = { issuer: stand.issuer, client, user }
  const browser = openHttpBrowser()
  let shown = ''
  const spying: typeof browser = {
    ...browser,
    submit: async (...given) => {
      if (browser.page().text.includes('name="allow"')) shown = browser.page().text
      return browser.submit(...given)
    },
  }
  const asked = await askForDevice(as)
  await confirmDevice(as, spying, asked.user_code)
  expect(shown).toContain('registered itself')
  expect(shown).not.toContain('you are sent to')
})

test('a name cannot become markup', async () => {
  const { client_id: id } = await register({ client_name: '<img src=x onerror=alert(1)>' })
  expect((await consentOf(id)).text).not.toContain('<img src=x')
})

test('a logo is read once, through the guard, and is what its bytes are', async () => {
  const { client_id: id } = await register({ logo_uri: logo })
  const before = sites.count(logo)
  for (let turn = 0; turn < 3; turn += 1) {
    const response = await fetch(`${stand.issuer}/oauth2/logo/${id}`)
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('x-content-type-options'),
    ]).toEqual([200, 'image/png', 'nosniff'])
    expect(Buffer.from(await response.arrayBuffer())).toEqual(png)
  }
  expect(sites.count(logo) - before).toBeLessThanOrEqual(1)
})

test.each([
  ['a page', { body: '<script>alert(1)</script>', type: 'image/png' }],
  ['a drawing that runs', { body: '<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', type: 'image/svg+xml' }],
  ['nothing', { status: 404 }],
])('%s is no logo', async (what, page) => {
  const uri = `https://app.example/${encodeURIComponent(what)}.png`
  sites.put(uri, page)
  const { client_id: id } = await register({ logo_uri: uri })
  expect((await fetch(`${stand.issuer}/oauth2/logo/${id}`)).status).toBe(404)
})

test.each(['unknown', 'desk', '..%2fx'])('there is no logo of %s', async (id) => {
  expect((await fetch(`${stand.issuer}/oauth2/logo/${id}`)).status).toBeGreaterThanOrEqual(400)
})
