// The pages about signing in, followed to the letter: documents are applied, programs are run.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { adminArea } from '../../server/admin/area.ts'
import { openBackchannelAdmin } from '../kit/ciba.ts'
import { confirmDevice } from '../kit/device.ts'
import { openHttpBrowser } from '../kit/http-browser.ts'
import { askToken, type SignInAs, signIn } from '../kit/sign-in.ts'
import { openClientKey } from '../server/oidc/proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from '../server/oidc/rig.ts'
import { openPage as openDocsPage } from './open-page.ts'

let rig: Rig
let as: SignInAs
let adminToken: string
beforeAll(async () => {
  rig = await openRig({ areas: [adminArea] })
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  await rig.seed.client('web', { redirectUris: [redirectUri], scope: 'openid access' }, { firstParty: true })
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'access'],
    resource: `${rig.issuer}/api`,
  }
  const desk = { ...as, client: { ...as.client, id: 'desk' } }
  const { body } = await askToken(desk, { grant_type: 'client_credentials', resource: `${rig.issuer}/admin` })
  adminToken = body.access_token ?? ''
})
afterAll(() => rig.close())

const openPage = (page: string) => openDocsPage(page, { issuer: rig.issuer, adminToken })

test('a device shows a code, and is signed in when the person has confirmed it (docs/signin/device.md)', async () => {
  const page = openPage('device.md')
  await page.apply()
  const device = page.run()
  const [, code = ''] = await device.says(/type (\S+)/)
  expect((await confirmDevice(as, openHttpBrowser(), code)).text).toContain('device-done')
  expect(await device.ended).toMatch(/Signed in: [0-9a-f-]{36}/)
  expect(page.isRead()).toBe(true)
}, 30_000)

test('a service speaks for itself and for people (docs/signin/service.md)', async () => {
  const page = openPage('service.md')
  expect(await page.run({ CLIENT_SECRET: await page.apply() }).ended).toBe('A token for 600 seconds\n')

  const { tokens } = await signIn(as)
  const orders = await page.apply()
  const exchanged = page.run({ CLIENT_SECRET: orders, SUBJECT_TOKEN: tokens.body.access_token ?? '' })
  expect(await exchanged.ended).toBe('A token with the scope access\n')

  const partner = await openClientKey()
  const jwks = JSON.stringify({ keys: [partner.publicJwk] })
  expect(await page.run({ ADMIN_TOKEN: adminToken, PARTNER_JWKS: jwks }).ended).toBe('Trusted: 204\n')
  const batch = await page.apply()
  const claims = { iss: 'https://login.partner.example', email: 'alice@example.test', email_verified: true }
  const assertion = await partner.assertion('their-id', rig.issuer, claims)
  expect(await page.run({ CLIENT_SECRET: batch, ASSERTION: assertion }).ended).toBe('A token with the scope access\n')

  const bank = page.run({ CLIENT_SECRET: await page.apply() })
  const desk = await openBackchannelAdmin(rig.issuer, { id: 'desk', secret: clientSecret })
  while ((await desk.list()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await desk.answer('approve')).toBe(204)
  expect(await bank.ended).toMatch(/^Allowed by [0-9a-f-]{36}\n$/)
  expect(page.isRead()).toBe(true)
}, 60_000)
