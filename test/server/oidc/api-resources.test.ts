// A customer's own API as a resource of the tenant's (RFC 8707).
import { hash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { entityOf } from '../../../server/identity/entities.ts'
import { requireForeign } from '../../../server/oidc/api-resources.ts'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createOpenidSettings, openidSettingsSchema } from '../../../server/oidc/registration/openid-settings.ts'
import { askToken, authorize, postForm, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const shop = 'https://api.shop.example'
const billing = 'https://billing.shop.example/v1'
const words = { ko: '주문 보기', en: 'See your orders' }
const shopApi = {
  identifier: shop,
  name: 'Shop',
  scopes: [{ name: 'orders.read', description: words }],
  tokenLifetimeSeconds: 120,
  checkedBy: ['shop-api'],
}
const billingApi = {
  identifier: billing,
  name: 'Billing',
  scopes: [{ name: 'bills.read', description: { ko: '청구서 보기', en: 'See your bills' } }],
}

let rig: Rig
let as: SignInAs
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await settle([shopApi, billingApi])
  await rig.seed.account('alice@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  const scope = 'openid offline_access access orders.read bills.read'
  const redirectUris = [redirectUri]
  await rig.seed.client('web', { redirectUris, grantTypes: ['authorization_code', 'refresh_token'], scope })
  const grantTypes = ['client_credentials' as const, grantNames.exchange]
  await rig.seed.client('worker', { grantTypes, scope: 'access orders.read' })
  await rig.seed.client('shop-api', { grantTypes, scope: 'access orders.read bills.read' }, { firstParty: true })
  await rig.seed.client('other-api', { grantTypes, scope: 'access' })
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'offline_access', 'orders.read'],
    resource: shop,
  }
})

async function settle(resources: readonly object[]): Promise<void> {
  const actor = { tenantId: 'default', subject: entityOf('Server', 'test') }
  await rig.kernel.withTransaction(actor, async (unit) => {
    await createOpenidSettings(rig.database, 'default').put(openidSettingsSchema.parse({ resources }), rig.clock.now())
    unit.changed({ kind: 'tenant' })
  })
}
const client = (id: string) => ({ issuer: rig.issuer, client: { id, redirectUri: '', secret: clientSecret } })
const ownToken = (id: string, fields: { readonly [name: string]: string }) =>
  askToken(client(id), { grant_type: 'client_credentials', ...fields })
const lookUp = async (id: string, token: string) => {
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, { id, secret: clientSecret }, { token })
  return JSON.parse(body) as { readonly active: boolean; readonly aud?: string }
}

describe('what may be registered', () => {
  const isTaken = (resource: object) => openidSettingsSchema.safeParse({ resources: [resource] }).success
  test('an absolute URI without a fragment, whatever its scheme (§2)', () => {
    for (const identifier of [shop, billing, 'urn:shop:api', 'api://shop']) {
      expect(isTaken({ ...shopApi, identifier })).toBe(true)
    }
    for (const identifier of [`${shop}#a`, '/api', 'api.shop.example', `${shop}/a b`, '']) {
      expect(isTaken({ ...shopApi, identifier })).toBe(false)
    }
  })
  test('no scope that opens something of this server, none twice, no identifier twice', () => {
    const scopes = (...names: string[]) => names.map((name) => ({ name, description: words }))
    expect(isTaken({ ...shopApi, scopes: scopes('a', 'b') })).toBe(true)
    for (const name of ['admin', 'account', 'access', 'openid', 'a b']) {
      expect(isTaken({ ...shopApi, scopes: scopes(name) })).toBe(false)
    }
    expect(isTaken({ ...shopApi, scopes: scopes('a', 'a') })).toBe(false)
    expect(openidSettingsSchema.safeParse({ resources: [shopApi, shopApi] }).success).toBe(false)
  })
  test('nothing under the issuer, however it is spelled', () => {
    const tenant = { ...rig.kernel.tenants.default(), issuer: 'https://id.example', pathPrefix: '' }
    const named = (identifier: string) => () => requireForeign([{ ...shopApi, identifier }], tenant)
    expect(named('https://id.example.shop.example/api')).not.toThrow()
    for (const own of [
      'https://id.example',
      'https://id.example/x',
      'https://ID.example:443/api',
      'https://id.example?x',
    ])
      expect(named(own)).toThrow()
    const below = { ...tenant, issuer: 'https://id.example/t/a', pathPrefix: '/t/a' }
    expect(() => requireForeign([{ ...shopApi, identifier: 'https://id.example/api' }], below)).toThrow()
  })
})

describe('tokens for it', () => {
  test('code: its aud, its scopes alone, its lifetime', async () => {
    const { tokens } = await signIn(as)
    expect(tokens.status).toBe(200)
    const claims = decodeJwt(tokens.body.access_token ?? '')
    expect(claims).toMatchObject({ aud: shop, scope: 'orders.read', client_id: 'web' })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(120)
  })

  test('two APIs in one request: consent says what is asked of each; code and refresh give one at a time (§2.2)', async () => {
    const { browser } = await signIn(as)
    const verifier = 'v'.repeat(43)
    const query = new URLSearchParams({
      client_id: 'web',
      redirect_uri: as.client.redirectUri,
      response_type: 'code',
      scope: 'openid offline_access orders.read bills.read',
      prompt: 'consent',
      code_challenge: hash('sha256', verifier, 'base64url'),
      code_challenge_method: 'S256',
    })
    for (const resource of [shop, billing]) query.append('resource', resource)
    expect((await browser.open(`${rig.issuer}/oauth2/authorize?${query}&ui_locales=en`)).text).toContain(
      'See your bills (Billing)',
    )
    const back = await browser.submit({}, 'allow')
    const answer = await askToken(as, {
      grant_type: 'authorization_code',
      code: new URL(back.url).searchParams.get('code') ?? '',
      redirect_uri: as.client.redirectUri,
      code_verifier: verifier,
      resource: billing,
    })
    expect(decodeJwt(answer.body.access_token ?? '')).toMatchObject({ aud: billing, scope: 'bills.read' })
    let token = answer.body.refresh_token ?? ''
    const again = async (fields: { readonly [name: string]: string }) => {
      const { body } = await askToken(as, { grant_type: 'refresh_token', refresh_token: token, ...fields })
      token = body.refresh_token ?? token
      return body
    }
    const other = await again({ resource: shop })
    expect(decodeJwt(other.access_token ?? '')).toMatchObject({ aud: shop, scope: 'orders.read' })
    expect((await again({ resource: billing, scope: 'orders.read' })).error).toBe('invalid_scope')
    expect((await again({ resource: 'https://nobody.example' })).error).toBe('invalid_target')
  })

  test('refresh: no API that was not granted', async () => {
    const { tokens } = await signIn(as)
    const refreshToken = tokens.body.refresh_token ?? ''
    const again = (resource: string) =>
      askToken(as, { grant_type: 'refresh_token', refresh_token: refreshToken, resource })
    expect((await again(billing)).body.error).toBe('invalid_target')
    expect((await again(shop)).status).toBe(200)
  })

  test('client credentials: by one of its scopes; unknown resource invalid_target, unknown scope invalid_scope', async () => {
    const good = await ownToken('worker', { resource: shop, scope: 'orders.read' })
    expect(good.status).toBe(200)
    expect(decodeJwt(good.body.access_token ?? '')).toMatchObject({ aud: shop, scope: 'orders.read' })
    for (const resource of ['https://nobody.example', `${shop}/`, shop.toUpperCase(), billing]) {
      expect((await ownToken('worker', { resource, scope: 'orders.read' })).body.error).toBe('invalid_target')
    }
    expect((await ownToken('worker', { resource: shop, scope: 'access' })).body.error).toBe('invalid_scope')
    expect((await ownToken('other-api', { resource: shop })).body.error).toBe('invalid_target')
  })

  test('authorization: a scope that the resource does not have is invalid_scope', async () => {
    const { answer } = await authorize({ ...as, scopes: ['openid', 'bills.read'] })
    expect(answer.get('error')).toBe('invalid_scope')
  })

  test('where a client names its resources, an API must be among them', async () => {
    const grantTypes = ['client_credentials' as const]
    await rig.seed.client('named', { grantTypes, scope: 'orders.read', allowedResources: [shop] })
    await rig.seed.client('unnamed', { grantTypes, scope: 'orders.read', allowedResources: [] })
    expect((await ownToken('named', { resource: shop })).status).toBe(200)
    expect((await ownToken('unnamed', { resource: shop })).body.error).toBe('invalid_target')
  })

  test('exchange (RFC 8693): from one API on to the next, by its scopes alone', async () => {
    const { tokens } = await signIn({
      ...as,
      scopes: ['openid', 'access', 'orders.read'],
      resource: `${rig.issuer}/api`,
    })
    const actor = (await ownToken('shop-api', { scope: 'access' })).body.access_token ?? ''
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const exchange = (fields: { readonly [name: string]: string }) =>
      askToken(client('shop-api'), {
        grant_type: grantNames.exchange,
        subject_token: tokens.body.access_token ?? '',
        subject_token_type: type,
        actor_token: actor,
        actor_token_type: type,
        ...fields,
      })
    const good = await exchange({ resource: shop, scope: 'orders.read' })
    expect(good.status).toBe(200)
    expect(decodeJwt(good.body.access_token ?? '')).toMatchObject({ aud: shop, scope: 'orders.read' })
    expect((await exchange({ resource: shop, scope: 'access' })).body.error).toBe('invalid_scope')
    expect((await exchange({ resource: 'https://nobody.example' })).body.error).toBe('invalid_target')
  })
})

describe('whom they mean something to', () => {
  test('the API that is named in checkedBy may look a token up, and only those for it (RFC 7662 §4)', async () => {
    const forShop = (await ownToken('worker', { resource: shop })).body.access_token ?? ''
    const forUs = (await ownToken('worker', { scope: 'access' })).body.access_token ?? ''
    expect(await lookUp('shop-api', forShop)).toMatchObject({ active: true, aud: shop })
    expect(await lookUp('other-api', forShop)).toEqual({ active: false })
    expect(await lookUp('shop-api', forUs)).toEqual({ active: false })
  })

  test('an API that is taken away: no more tokens, and those there are mean nothing', async () => {
    const token = (await ownToken('worker', { resource: shop })).body.access_token ?? ''
    expect((await lookUp('worker', token)).active).toBe(true)
    await settle([billingApi])
    expect(await lookUp('worker', token)).toEqual({ active: false })
    expect((await ownToken('worker', { resource: shop })).body.error).toBe('invalid_target')
  })

  test('a token for it opens nothing of this server, and one of this server is not for it', async () => {
    const token = (await signIn(as)).tokens.body.access_token ?? ''
    expect(decodeJwt(token).aud).toBe(shop)
    for (const path of ['/oauth2/userinfo', '/admin/v1/trusted-issuers', '/account/v1/sessions']) {
      const answer = await fetch(`${rig.issuer}${path}`, { headers: { authorization: `Bearer ${token}` } })
      expect([path, answer.status]).toEqual([path, 401])
    }
    const ours = (await ownToken('worker', { scope: 'access' })).body.access_token ?? ''
    expect(decodeJwt(ours).aud).toBe(`${rig.issuer}/api`)
  })
})
