// A tenant's own APIs before the rules, in details (RFC 9396 §2.2), on devices (RFC 8628) and for apps that register themselves.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { activatePolicyFiles } from '../../../server/admin/activate-files.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { clientMetadataSchema } from '../../../server/oidc/client-metadata.ts'
import { createOpenidSettings, openidSettingsSchema } from '../../../server/oidc/registration/openid-settings.ts'
import { termsSchema, within } from '../../../server/oidc/registration/terms.ts'
import { askForDevice, confirmDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, type SignInAs } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const shop = 'https://api.shop.example'
const closed = 'https://closed.shop.example'
const policies = `
module shop

import User, Client from "writ:identity"
import Credential from "issuance"

entity Order {
}

action refund on Order by User | Client with { amount: Int }

@id("refunds")
allow refund on Order to anyone

@id("no-closed-api")
deny issue on Credential to anyone
  when has context.audience and context.audience == "${closed}"
`

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
  const files = { 'shop.fbac': policies }
  const outcome = await activatePolicyFiles(rig.kernel, { tenantId: 'default', set: 'shop', files })
  if ('problems' in outcome && outcome.problems) throw new Error(JSON.stringify(outcome.problems))
  const scopes = [{ name: 'orders.read', description: { ko: '주문 보기', en: 'See your orders' } }]
  const resources = [shop, closed].map((identifier) => ({ identifier, name: identifier, scopes }))
  await rig.kernel.withTransaction({ tenantId: 'default', subject: entityOf('Server', 'test') }, async (unit) => {
    await createOpenidSettings(rig.database, 'default').put(openidSettingsSchema.parse({ resources }), rig.clock.now())
    unit.changed({ kind: 'tenant' })
  })
  await rig.seed.account('alice@example.test')
  const scope = 'openid access orders.read'
  const authorizationDetailsTypes = ['Order.refund']
  await rig.seed.client('worker', { grantTypes: ['client_credentials'], scope, authorizationDetailsTypes })
  await rig.seed.client('tv', { grantTypes: [deviceGrant], tokenEndpointAuthMethod: 'none', scope })
})
afterAll(() => rig.close())

const ownToken = (fields: { readonly [name: string]: string }, id = 'worker') =>
  askToken(
    { issuer: rig.issuer, client: { id, redirectUri: '', secret: clientSecret } },
    { grant_type: 'client_credentials', ...fields },
  )

test('the rules are told the audience (`issue on Credential`)', async () => {
  expect((await ownToken({ resource: shop, scope: 'orders.read' })).status).toBe(200)
  const refused = await ownToken({ resource: closed, scope: 'orders.read' })
  expect([refused.status, refused.body.access_token]).toEqual([400, undefined])
})

test('a detail with locations is for those resources alone, and they are the client’s (RFC 9396 §2.2)', async () => {
  const asking = (locations: unknown, resource = shop) =>
    ownToken({
      resource,
      authorization_details: JSON.stringify([{ type: 'Order.refund', identifier: 'o-1', amount: 5, locations }]),
    })
  const good = await asking([shop])
  expect(good.status).toBe(200)
  expect(decodeJwt(good.body.access_token ?? '')).toMatchObject({
    aud: shop,
    authorization_details: [{ type: 'Order.refund', locations: [shop] }],
  })
  const mistakes: readonly [unknown, string?][] = [
    [['https://nobody.example']],
    [[]],
    ['text'],
    [[1]],
    [[shop], `${rig.issuer}/api`],
  ]
  for (const [locations, resource] of mistakes) {
    expect((await asking(locations, resource)).body.error).toBe('invalid_authorization_details')
  }
})

test('a device gets tokens for an API that it named at the start, and names no unknown one (RFC 8628 §3.1)', async () => {
  const as: SignInAs = {
    issuer: rig.issuer,
    client: { id: 'tv', redirectUri: '' },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'orders.read'],
  }
  const asked = await askForDevice(as, { resource: shop })
  await confirmDevice(as, openHttpBrowser(), asked.user_code)
  const { body } = await askToken(as, { grant_type: deviceGrant, device_code: asked.device_code, resource: shop })
  expect(decodeJwt(body.access_token ?? '')).toMatchObject({ aud: shop, scope: 'orders.read' })
  await expect(askForDevice(as, { resource: 'https://nobody.example' })).rejects.toThrow('invalid_target')
  await expect(askForDevice({ ...as, scopes: ['openid', 'access'] }, { resource: shop })).rejects.toThrow(
    'invalid_scope',
  )
})

test('an app that registered itself gets tokens for APIs in its terms, and for no other', async () => {
  const given = { scope: 'orders.read', grantTypes: ['client_credentials' as const] }
  for (const [id, resources] of [
    ['in-terms', [shop]],
    ['beyond', []],
  ] as const) {
    const terms = termsSchema.parse({ ...given, resources })
    await rig.seed.client(id, within(terms, clientMetadataSchema.parse(given)))
  }
  const fields = { resource: shop, scope: 'orders.read' }
  expect((await ownToken(fields, 'in-terms')).status).toBe(200)
  expect((await ownToken(fields, 'beyond')).body.error).toBe('invalid_target')
})
