// Every parameter of the grants, mangled: 4xx in OAuth's form, never a fault, and nothing that was good becomes bad by it.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const accessType = 'urn:ietf:params:oauth:token-type:access_token'

/** Endpoint, a request that is well formed, and the parameters that are mangled. */
const requests: {
  readonly [name: string]: { readonly path: string; readonly fields: { readonly [name: string]: string } }
} = {
  'device authorization': {
    path: '/oauth2/device_authorization',
    fields: { scope: 'openid', resource: 'https://x.example', claims: '{}', max_age: '1', authorization_details: '[]' },
  },
  'device code': {
    path: '/oauth2/token',
    fields: { grant_type: grantNames.device, device_code: 'x', resource: 'https://x.example' },
  },
  'backchannel authentication': {
    path: '/oauth2/ciba',
    fields: {
      scope: 'openid',
      login_hint: 'x@example.test',
      binding_message: 'x',
      requested_expiry: '30',
      acr_values: 'pwd',
      client_notification_token: 'x',
      id_token_hint: 'x',
      request: 'x',
    },
  },
  auth_req_id: { path: '/oauth2/token', fields: { grant_type: grantNames.ciba, auth_req_id: 'x' } },
  'token exchange': {
    path: '/oauth2/token',
    fields: {
      grant_type: grantNames.exchange,
      subject_token: 'x.y.z',
      subject_token_type: jwtType,
      actor_token: 'x',
      actor_token_type: accessType,
      requested_token_type: accessType,
      audience: 'https://x.example',
      resource: 'https://x.example',
      scope: 'access',
    },
  },
  'JWT bearer': {
    path: '/oauth2/token',
    fields: { grant_type: grantNames.assertion, assertion: 'x.y.z', scope: 'access', resource: 'https://x.example' },
  },
}

const mangles: { readonly [name: string]: (value: string) => readonly string[] } = {
  twice: (value) => [value, value],
  empty: () => [''],
  'with a NUL': (value) => [`${value}\0`],
  'of 9,000 letters': () => ['x'.repeat(9_000)],
  'that is no UTF-16': (value) => [`${value}\ud800`],
  'of control characters': () => ['\r\nset-cookie: x=1\u202e'],
  'that looks like an operator': () => ['{"$like":"%"}'],
  'that is a name of every object': () => ['__proto__'],
}

let rig: Rig
let basic: string
beforeAll(async () => {
  rig = await openRig()
  await rig.seed.account('alice@example.test', alicePassword)
  await rig.seed.client('web', {
    grantTypes: [grantNames.device, grantNames.ciba, grantNames.exchange, grantNames.assertion],
    scope: 'openid access',
    trustedIssuers: ['https://login.partner.example'],
  })
  basic = `Basic ${Buffer.from(`web:${clientSecret}`).toString('base64')}`
})
afterAll(() => rig.close())

const send = (path: string, pairs: readonly (readonly [string, string])[]) => {
  const body = new URLSearchParams(pairs.map(([name, value]) => [name, value]))
  return fetch(rig.issuer + path, { method: 'POST', headers: { authorization: basic }, body, redirect: 'manual' })
}

describe.each(Object.entries(requests))('%s', (_name, { path, fields }) => {
  const cases = Object.keys(fields).flatMap((parameter) => Object.keys(mangles).map((how) => ({ parameter, how })))
  test.each(cases)('$parameter $how', async ({ parameter, how }) => {
    const pairs = Object.entries(fields).flatMap(([name, value]) =>
      (name === parameter ? (mangles[how]?.(value) ?? []) : [value]).map((each) => [name, each] as const),
    )
    const response = await send(path, pairs)
    const text = await response.text()
    // A parameter that the endpoint does not know, or that came empty, may be passed over.
    expect(response.status).toBeLessThan(500)
    if (response.status !== 200) {
      expect([400, 401, 413]).toContain(response.status)
      expect(JSON.parse(text)).toMatchObject({ error: expect.stringMatching(/^[a-z_]+$/) })
    }
    expect(response.headers.get('set-cookie') ?? '').not.toContain('x=1')
  })
})

describe('the device page', () => {
  test.each(Object.entries(mangles))('a code %s', async (_how, mangle) => {
    const browser = openHttpBrowser()
    await browser.open(`${rig.issuer}/device`)
    const page = await browser.submit({ user_code: mangle('BBBB-BBBB')[0] ?? '' })
    expect([400, 422, 429]).toContain(page.status)
    expect(page.text).not.toContain('\u202e<')
  })

  test.each(['%00', '%ff', 'x'.repeat(9_000), '%3Cscript%3Ealert(1)%3C/script%3E', '&user_code=y'])(
    'an address with %s shows nothing of it raw',
    async (text) => {
      const response = await fetch(`${rig.issuer}/device?user_code=${text}`)
      expect(response.status).toBeLessThan(500)
      expect(await response.text()).not.toContain('<script>')
    },
  )

  test('a resumption that nobody began is a page', async () => {
    const response = await fetch(`${rig.issuer}/device/nothing`)
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
  })
})
