import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createSetupLinks } from '../../../server/identity/setup-links.ts'
import { type HttpBrowser, openHttpBrowser } from '../../kit/http-browser.ts'
import { alicePassword, openRig, type Rig } from './rig.ts'

let rig: Rig
let token: string
let browser: HttpBrowser
const given: { readonly accountId: string; readonly tenantId: string }[] = []
beforeAll(async () => {
  rig = await openRig({
    area: {
      onFirstAdmin: async (_unit, admin) => {
        given.push(admin)
      },
    },
  })
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  given.length = 0
  await rig.seed.tenant('default')
  await rig.seed.client(
    'demo',
    { redirectUris: [`${rig.issuer}/app/cb`], scope: 'openid', grantTypes: ['authorization_code'] },
    { firstParty: true },
  )
  token = await links().create(rig.clock.now())
  browser = openHttpBrowser()
})

const links = () => createSetupLinks(rig.database, rig.kernel.secrets, 'default')
const url = (of = token) => `${rig.issuer}/setup/${of}`
const fields = { email: 'ada@example.test', password: alicePassword }

describe('the setup link (admin.md §1)', () => {
  test('makes the first administrator, signs in and leads to the sample', async () => {
    await browser.open(url())
    const page = await browser.submit(fields)
    expect(page.url).toBe(`${rig.issuer}/demo`)
    const [relation] = await rig.seed.run('select * from relation', [])
    expect(relation).toMatchObject({
      resource_type: 'Tenant',
      resource_id: 'default',
      relation: 'admin',
      subject_type: 'User',
      subject_id: given[0]?.accountId,
    })
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'demo',
      redirect_uri: `${rig.issuer}/app/cb`,
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    const arrived = await browser.open(`${rig.issuer}/oauth2/authorize?${query}`)
    expect(new URL(arrived.url).searchParams.get('code')).toEqual(expect.any(String))
  })

  test('looking changes nothing: mail scanners open links', async () => {
    for (let look = 0; look < 3; look += 1) expect((await browser.open(url())).status).toBe(200)
    expect((await browser.submit(fields)).url).toBe(`${rig.issuer}/demo`)
  })

  test('is gone once there is an administrator, and so is every other one', async () => {
    await browser.open(url())
    await browser.submit(fields)
    expect((await openHttpBrowser().open(url())).status).toBe(404)
    expect((await openHttpBrowser().open(url(await links().create(rig.clock.now())))).status).toBe(404)
  })

  test('of several who press at once, one becomes administrator', async () => {
    const rivals = await Promise.all(
      Array.from({ length: 6 }, async (_unused, index) => {
        const rival = openHttpBrowser()
        await rival.open(url())
        return { rival, email: `a${index}@example.test` }
      }),
    )
    await Promise.all(rivals.map(({ rival, email }) => rival.submit({ ...fields, email })))
    expect(await rig.seed.run('select count(*)::int as count from relation', [])).toEqual([{ count: 1 }])
    expect(await rig.seed.run('select count(*)::int as count from account', [])).toEqual([{ count: 1 }])
  })

  test.each([
    ['a wrong token', () => url('x'.repeat(43))],
    ['no token', () => `${rig.issuer}/setup/`],
  ])('%s is 404', async (_what, address) => {
    expect((await browser.open(address())).status).toBe(404)
  })

  test('a link of half an hour ago is 404, and a newer one ends the older', async () => {
    const older = token
    await links().create(rig.clock.now())
    expect((await browser.open(url(older))).status).toBe(404)
    const newest = await links().create(rig.clock.now() - 30 * 60_000)
    expect((await browser.open(url(newest))).status).toBe(404)
  })

  test('the sixth wrong token of an address is 429', async () => {
    const statuses = []
    for (let count = 0; count < 6; count += 1) statuses.push((await browser.open(url('y'.repeat(43)))).status)
    expect(statuses).toEqual([404, 404, 404, 404, 404, 429])
  })

  test.each([
    ['a short password', { password: 'short' }, 'At least 15'],
    ['a common password', { password: 'passwordpassword' }, 'easy to guess'],
    ['something that is no address', { email: 'ada' }, 'not an e-mail address'],
  ])('%s is said on the page, and the link still works', async (_what, change, text) => {
    await browser.open(url())
    const page = await browser.submit({ ...fields, ...change })
    expect(page.status).toBe(422)
    expect(page.text).toContain('role="alert"')
    expect(page.text).toContain(text)
    expect(page.text).not.toContain(alicePassword)
    expect((await browser.submit(fields)).url).toBe(`${rig.issuer}/demo`)
  })

  test('a form without its token is refused', async () => {
    const body = new URLSearchParams(fields)
    expect((await fetch(url(), { method: 'POST', body })).status).toBe(403)
  })

  test('the token stands nowhere in clear', async () => {
    await browser.open(url())
    await browser.submit(fields)
    expect(JSON.stringify(await rig.seed.run('select * from setup_link', []))).not.toContain(token)
    expect(rig.logged()).not.toContain(alicePassword)
  })
})
