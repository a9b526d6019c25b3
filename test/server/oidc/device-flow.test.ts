// Signing in on a device that has no browser (RFC 8628).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { sweepExpired } from '../../../server/oidc/sweep.ts'
import { askForDevice, confirmDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, postForm, refresh, type SignInAs } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
let alice: string
beforeAll(async () => {
  rig = await openRig()
  as = {
    issuer: rig.issuer,
    client: { id: 'tv', redirectUri: '' },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'offline_access'],
  }
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  alice = await rig.seed.account('alice@example.test')
  await rig.seed.client('tv', {
    grantTypes: [deviceGrant, 'refresh_token'],
    tokenEndpointAuthMethod: 'none',
    scope: 'openid email offline_access access',
  })
  await rig.seed.client('web', { redirectUris: [`${rig.issuer}/app/cb`], scope: 'openid' })
})

const poll = (deviceCode: string, client = as.client) =>
  askToken({ ...as, client }, { grant_type: deviceGrant, device_code: deviceCode })

test('a device waits until the person has confirmed at another screen, then gets its tokens once (§3)', async () => {
  const asked = await askForDevice(as)
  expect(asked).toMatchObject({ verification_uri: `${rig.issuer}/device`, expires_in: 600, interval: 5 })
  expect(asked.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
  expect((await poll(asked.device_code)).body.error).toBe('authorization_pending')
  const browser = openHttpBrowser()
  expect((await confirmDevice(as, browser, asked.user_code)).text).toContain('device-done')
  const tokens = await poll(asked.device_code)
  expect(tokens).toMatchObject({ status: 200 })
  expect(decodeJwt(tokens.body.id_token ?? '')).toMatchObject({ sub: alice, aud: 'tv', acr: 'pwd', amr: ['pwd'] })
  expect((await refresh(as, tokens.body.refresh_token ?? '')).status).toBe(200)
})

test('the complete address fills the code in, and sends nothing by itself (§3.3.1, §5.4)', async () => {
  const asked = await askForDevice(as)
  const browser = openHttpBrowser({ 'accept-language': 'ko' })
  const page = await browser.open(asked.verification_uri_complete)
  expect(page.text).toContain(`value="${asked.user_code}"`)
  expect(page.text).toContain('기기 연결')
  expect(page.text).not.toContain('<script')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  const confirm = await browser.submit({ user_code: asked.user_code.toLowerCase() })
  expect(confirm.text).toContain('App tv')
  expect(confirm.text).toContain('127.0.0.1')
})

test('who says no is heard: the device is told, and the code is dead (§3.5)', async () => {
  const asked = await askForDevice(as)
  const browser = openHttpBrowser()
  await browser.open(`${rig.issuer}/device`)
  await browser.submit({ user_code: asked.user_code })
  expect((await browser.submit({}, 'abort')).text).toContain('device-denied')
  expect((await poll(asked.device_code)).body.error).toBe('access_denied')
  await browser.open(`${rig.issuer}/device`)
  expect((await browser.submit({ user_code: asked.user_code })).status).toBe(422)
})

test('who asks too often is slowed down, by five seconds each time (§3.5)', async () => {
  const { device_code: code } = await askForDevice(as)
  expect((await poll(code)).body.error).toBe('authorization_pending')
  expect(await poll(code)).toMatchObject({ status: 400, body: { error: 'slow_down' } })
  rig.clock.advance(6_000)
  expect((await poll(code)).body.error).toBe('slow_down')
  rig.clock.advance(16_000)
  expect((await poll(code)).body.error).toBe('authorization_pending')
})

test('a code that has expired is said to be, at both ends, also after a sweep (§3.5)', async () => {
  const asked = await askForDevice(as)
  await rig.seed.run(
    `update oidc_device_code set payload = jsonb_set(payload::jsonb, '{exp}', '1')::text, expires_at = now() - interval '1 minute'`,
    [],
  )
  await sweepExpired(rig.database, rig.clock.now())
  expect((await poll(asked.device_code)).body.error).toBe('expired_token')
  const browser = openHttpBrowser()
  await browser.open(`${rig.issuer}/device`)
  const page = await browser.submit({ user_code: asked.user_code })
  expect({ status: page.status, says: page.text.includes('This code has expired') }).toEqual({
    status: 422,
    says: true,
  })
  await sweepExpired(rig.database, rig.clock.now() + 10 * 60_000)
  expect((await poll(asked.device_code)).body.error).toBe('invalid_grant')
})

test('another client neither gets the tokens nor slows the device down', async () => {
  await rig.seed.client('other', { grantTypes: [deviceGrant], tokenEndpointAuthMethod: 'none', scope: 'openid' })
  const { device_code: code } = await askForDevice(as)
  for (let round = 0; round < 3; round += 1) {
    expect((await poll(code, { id: 'other', redirectUri: '' })).body.error).toBe('invalid_grant')
  }
  expect((await poll(code)).body.error).toBe('authorization_pending')
})

test('a second redemption is refused, and takes back what the first one gave', async () => {
  const asked = await askForDevice(as)
  await confirmDevice(as, openHttpBrowser(), asked.user_code)
  const tokens = await poll(asked.device_code)
  expect((await poll(asked.device_code)).body.error).toBe('invalid_grant')
  expect((await refresh(as, tokens.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
})

test('of two browsers that confirm one code one goes on', async () => {
  const asked = await askForDevice(as)
  const browsers = [openHttpBrowser(), openHttpBrowser()]
  for (const browser of browsers) {
    await browser.open(`${rig.issuer}/device`)
    await browser.submit({ user_code: asked.user_code })
  }
  const pages = await Promise.all(browsers.map((browser) => browser.submit({}, 'confirm')))
  expect(pages.filter(({ text }) => text.includes('name="password"'))).toHaveLength(1)
})

describe('guesses (§5.1)', () => {
  const guess = async (browser: ReturnType<typeof openHttpBrowser>, code = 'BBBB-BBBB') => {
    await browser.open(`${rig.issuer}/device`)
    return browser.submit({ user_code: code })
  }
  test('five from one browser, then none is looked at for a while', async () => {
    const asked = await askForDevice(as)
    const browser = openHttpBrowser()
    for (let round = 0; round < 5; round += 1) expect((await guess(browser)).status).toBe(422)
    const page = await guess(browser, asked.user_code)
    expect(page.status).toBe(429)
    expect(page.headers.get('retry-after')).toBe('60')
    expect((await guess(openHttpBrowser(), asked.user_code)).text).toContain('id="confirm"')
  })
  test('thirty from one address, whatever the browser', async () => {
    for (let round = 0; round < 30; round += 1) expect((await guess(openHttpBrowser())).status).toBe(422)
    expect((await guess(openHttpBrowser())).status).toBe(429)
  })
})

describe('bad input', () => {
  test.each([
    ['a form of another site', { xsrf: 'x' }],
    ['no code', { user_code: '' }],
  ])('%s is a page, never a fault', async (_what, fields) => {
    const browser = openHttpBrowser()
    await browser.open(`${rig.issuer}/device`)
    const page = await browser.submit({ user_code: 'BBBB-BBBB', ...fields })
    expect(page.status).toBeGreaterThanOrEqual(400)
    expect(page.status).toBeLessThan(500)
    expect(page.text).toContain('name="user_code"')
  })
  test.each([
    ['a scope that it may not have', { scope: 'openid admin' }, 'invalid_scope'],
    ['a resource that there is not', { scope: 'openid', resource: 'https://elsewhere.example' }, 'invalid_target'],
  ])('refuses a device that asks for %s', async (_what, fields, error) => {
    const { status, body } = await postForm(`${rig.issuer}/oauth2/device_authorization`, as.client, fields)
    expect({ status, error: JSON.parse(body).error }).toEqual({ status: 400, error })
  })
  test('a client that is not registered for it has no device', async () => {
    const client = { id: 'web', secret: clientSecret }
    const { status, body } = await postForm(`${rig.issuer}/oauth2/device_authorization`, client, { scope: 'openid' })
    expect({ status, error: JSON.parse(body).error }).toEqual({ status: 400, error: 'invalid_request' })
  })
  test.each(['GET', 'HEAD', 'PUT'])('%s at the endpoint is 405, not a fault (provider.md §11.5)', async (method) => {
    const response = await fetch(`${rig.issuer}/oauth2/device_authorization`, { method })
    expect(response.status).toBe(405)
  })
})

test('neither the device’s code nor the person’s stands in the table', async () => {
  const asked = await askForDevice(as)
  const rows = await rig.seed.run('select * from oidc_device_code', [])
  const text = JSON.stringify(rows)
  expect(text).not.toContain(asked.device_code)
  expect(text).not.toContain(asked.user_code)
  expect(text).not.toContain(asked.user_code.replace('-', ''))
})

test('nothing that opens anything stands in the log', async () => {
  const asked = await askForDevice(as)
  const browser = openHttpBrowser()
  await browser.open(asked.verification_uri_complete)
  await confirmDevice(as, browser, asked.user_code)
  await poll(asked.device_code)
  expect(rig.logged()).toContain('/device')
  expect(rig.logged()).not.toContain(asked.device_code)
  expect(rig.logged()).not.toContain(asked.user_code)
})

test('the trail names who connected what', async () => {
  const asked = await askForDevice(as)
  await confirmDevice(as, openHttpBrowser(), asked.user_code)
  await poll(asked.device_code)
  const rows = await rig.seed.run(
    `select action from audit_event where action in ('oidc.authorization.granted', 'oidc.token.issued') and detail ->> 'grant' = $1 and detail ->> 'userId' = $2 order by at`,
    [deviceGrant, alice],
  )
  expect(rows.map(({ action }) => action)).toEqual(['oidc.authorization.granted', 'oidc.token.issued'])
})

test('discovery says so (§4)', async () => {
  const document = await (await fetch(`${rig.issuer}/.well-known/oauth-authorization-server`)).json()
  expect(document).toMatchObject({
    device_authorization_endpoint: `${rig.issuer}/oauth2/device_authorization`,
    grant_types_supported: expect.arrayContaining([deviceGrant]),
  })
})
