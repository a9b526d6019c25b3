// The pages of one's own account beyond sessions and apps: requests, history, activity, language (people.md §5).
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { askForWord, cibaGrant } from '../../kit/ciba.ts'
import { type HttpBrowser, openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.account('alice@example.test')
  await rig.seed.account('bob@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  const grantTypes = ['authorization_code', 'refresh_token'] as const
  await rig.seed.client('photos', {
    redirectUris: [redirectUri],
    grantTypes: [...grantTypes],
    scope: 'openid email offline_access',
  })
  await rig.seed.client('bank', { grantTypes: [cibaGrant], scope: 'openid email' })
  as = {
    issuer: rig.issuer,
    client: { id: 'photos', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'email', 'offline_access'],
    parameters: { prompt: 'consent' },
  }
})

async function openAccount(path = '', identifier = 'alice@example.test'): Promise<HttpBrowser> {
  const browser = openHttpBrowser()
  await browser.open(`${rig.issuer}/account${path}`)
  await browser.submit({ identifier, password: alicePassword })
  return browser
}
const bank = () => ({ ...as, client: { ...as.client, id: 'bank' }, scopes: ['openid'] })
const poll = async (id: string) => {
  rig.clock.advance(6_000)
  return askToken(bank(), { grant_type: cibaGrant, auth_req_id: id })
}
/** As if the sign-in had been `minutes` ago; the library reads the machine's clock. */
const age = (minutes: number) =>
  rig.seed.run(
    `update oidc_session set payload = (payload::jsonb || jsonb_build_object('loginTs', (payload::jsonb ->> 'loginTs')::int - $1::int))::text
where account_id is not null`,
    [minutes * 60],
  )

describe('an app that waits (CIBA Core §8)', () => {
  test('is announced on the overview and shown with its message; a yes gives it tokens', async () => {
    const asked = await askForWord(bank(), { binding_message: 'Transfer 482' })
    const browser = await openAccount()
    expect(browser.page().text).toContain('An app waits for your answer')
    const page = await browser.follow('/account/requests')
    expect(page.text).toContain('<h2>App bank</h2>')
    expect(page.text).toContain('<strong>Transfer 482</strong>')
    expect((await browser.submit({}, 'approve')).text).toContain('id="no-requests"')
    expect((await poll(asked.auth_req_id)).status).toBe(200)
  })

  test('a no, or a form without a plain yes, gives it nothing', async () => {
    for (const fields of [{ decline: 'yes' }, { approve: 'yes', decline: 'yes' }, {}]) {
      const asked = await askForWord(bank())
      const browser = await openAccount('/requests')
      const answer = await post(browser, '/requests', { ...shownFields(browser), ...fields })
      expect(answer.status).toBe(303)
      expect((await poll(asked.auth_req_id)).body.error).toBe('access_denied')
    }
  })

  test('a yes after five minutes leads through the sign-in, and back to where the person was', async () => {
    const asked = await askForWord(bank())
    const browser = await openAccount('/requests')
    await age(6)
    const again = await browser.submit({}, 'approve')
    expect(again.text).toContain('name="password"')
    const back = await browser.submit({ identifier: 'alice@example.test', password: alicePassword })
    expect(back.url).toBe(`${rig.issuer}/account/requests`)
    expect((await poll(asked.auth_req_id)).body.error).toBe('authorization_pending')
    expect((await browser.submit({}, 'approve')).text).toContain('id="no-requests"')
    rig.clock.advance(6_000)
    expect((await poll(asked.auth_req_id)).status).toBe(200)
  })

  test('a no needs no new sign-in', async () => {
    await askForWord(bank())
    const browser = await openAccount('/requests')
    await age(6)
    expect((await browser.submit({}, 'decline')).text).toContain('id="no-requests"')
  })

  test('another person’s, or one that was answered, is not there', async () => {
    await askForWord(bank())
    const browser = await openAccount('/requests')
    const bob = await openAccount('/requests', 'bob@example.test')
    expect(bob.page().text).toContain('id="no-requests"')
    const csrf = /name="csrf" value="([^"]+)"/
    const overview = await bob.open(`${rig.issuer}/account`)
    expect(overview.text).not.toContain('waits for your answer')
    await signIn({ ...as, user: { ...as.user, identifier: 'bob@example.test' }, browser: bob })
    const token = csrf.exec((await bob.open(`${rig.issuer}/account`)).text)?.[1] ?? ''
    const { request = '' } = shownFields(browser)
    expect((await post(bob, '/requests', { csrf: token, request, approve: 'yes' })).status).toBe(404)
    expect((await browser.open(`${rig.issuer}/account/requests`)).text).toContain('App bank')
  })
})

describe('apps', () => {
  test('one scope is taken back, and one connection ended, by a button each', async () => {
    const { tokens } = await signIn(as)
    const browser = await openAccount()
    expect(browser.page().text).toContain('Where App photos stays signed in')
    const after = await browser.submit({ from: 'photos', scope: 'email' })
    expect(after.text).toContain('Keep access while you are away')
    expect(after.text).not.toContain('<span>Your e-mail address</span>')
    expect((await refresh(as, tokens.body.refresh_token ?? '')).body.error).toBe('invalid_grant')

    const again = await signIn(as)
    await browser.open(`${rig.issuer}/account`)
    expect((await browser.submit({ disconnect: 'photos' })).text).not.toContain('stays signed in')
    expect((await refresh(as, again.tokens.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
  })

  test('half a form takes nothing back', async () => {
    await signIn(as)
    const browser = await openAccount()
    const { csrf = '' } = shownFields(browser)
    for (const fields of [{ from: 'photos' }, { scope: 'email' }, { connection: 'x' }, { from: 'photos', scope: '' }]) {
      expect((await post(browser, '', { csrf, ...fields })).status).toBe(404)
    }
    expect((await browser.open(`${rig.issuer}/account`)).text).toContain('<strong>App photos</strong>')
  })
})

describe('history and activity', () => {
  test('say what was allowed and taken back, and what happened, with time and place', async () => {
    await signIn(as)
    const browser = await openAccount()
    await browser.submit({ withdraw: 'photos' })
    const history = await browser.follow('/account/history')
    const [taken, allowed] = [history.text.indexOf('Taken back'), history.text.indexOf('<strong>Allowed')]
    expect(taken).toBeGreaterThan(0)
    expect(allowed).toBeGreaterThan(taken)
    expect(history.text).toContain('Your e-mail address')
    const activity = await browser.follow('/account/activity')
    expect(activity.text).toContain('<strong>Signed in</strong>')
    expect(activity.text).toContain('from 127.0.0.1')
  })

  test('go on page by page; a cursor that is not ours is refused', async () => {
    for (let visit = 0; visit < 30; visit += 1) await openAccount()
    const browser = await openAccount('/activity')
    const older = await browser.follow('cursor=')
    expect(older.status).toBe(200)
    expect(older.text).toContain('Signed in')
    expect((await browser.open(`${rig.issuer}/account/activity?cursor=x`)).status).toBe(400)
  }, 60_000)
})

test('ui_locales chooses the language, also of the sign-in on the way, and it stays chosen', async () => {
  const browser = openHttpBrowser()
  expect((await browser.open(`${rig.issuer}/account?ui_locales=ko`)).text).toContain('<html lang="ko">')
  const page = await browser.submit({ identifier: 'alice@example.test', password: alicePassword })
  expect(page.text).toContain('로그인한 곳')
  expect((await browser.follow('ui_locales=en')).text).toContain('<html lang="en">')
  expect((await browser.open(`${rig.issuer}/account/history`)).text).toContain('<html lang="en">')
  expect((await browser.open(`${rig.issuer}/account?ui_locales=%00x`)).status).toBeLessThan(500)
})

test('pages that only show take no form', async () => {
  for (const path of ['/history', '/activity', '/signed-in']) {
    const answer = await fetch(`${rig.issuer}/account${path}`, { method: 'POST' })
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  }
})

const shownFields = (browser: HttpBrowser): { readonly [name: string]: string } =>
  Object.fromEntries(
    [...browser.page().text.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(
      ([, name = '', value = '']) => [name, value],
    ),
  )

function post(browser: HttpBrowser, path: string, fields: { readonly [name: string]: string }): Promise<Response> {
  const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
  return fetch(`${rig.issuer}/account${path}`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie },
    body: new URLSearchParams(fields),
  })
}
