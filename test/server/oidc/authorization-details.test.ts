// Rich authorization requests (RFC 9396): details are actions that the tenant's policies declare, and each is judged.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { activatePolicyFiles } from '../../../server/admin/activate-files.ts'
import { askForWord, cibaGrant, openBackchannelAdmin } from '../../kit/ciba.ts'
import { askForDevice, confirmDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, authorize, postForm, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const policies = `
module payments

import User, Client from "writ:identity"

entity Account {
}

action transfer on Account by User | Client with { amount: Int, currency: String }
action close on Account by User

@id("small-transfers")
allow transfer on Account to anyone
  when context.amount <= 100 and context.currency == "KRW"

@id("close-own")
allow close on account: Account to user: User
  when account == Account::"own"
`

let rig: Rig
let as: SignInAs
let alice: string
beforeAll(async () => {
  rig = await openRig()
  const outcome = await activatePolicyFiles(rig.kernel, {
    tenantId: 'default',
    set: 'payments',
    files: { 'payments.fbac': policies },
  })
  if ('problems' in outcome && outcome.problems) throw new Error(String(outcome.problems))
  const redirectUri = `${rig.issuer}/app/cb`
  alice = await rig.seed.account('alice@example.test')
  await rig.seed.client(
    'bank',
    {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials', deviceGrant, cibaGrant],
      scope: 'openid offline_access access',
      authorizationDetailsTypes: ['Account.transfer'],
    },
    { firstParty: true },
  )
  await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
  await rig.seed.admin('desk')
  as = {
    issuer: rig.issuer,
    client: { id: 'bank', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'offline_access', 'access'],
    resource: `${rig.issuer}/api`,
  }
})
afterAll(() => rig.close())

const transfer = (amount: unknown = 50, more = {}) => ({
  type: 'Account.transfer',
  identifier: 'acct-1',
  amount,
  currency: 'KRW',
  ...more,
})
const asking = (...details: object[]): SignInAs => ({
  ...as,
  parameters: { authorization_details: JSON.stringify(details) },
})

test('the person sees each detail, also with an app that need not ask otherwise (§3)', async () => {
  const browser = openHttpBrowser()
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'bank',
    redirect_uri: as.client.redirectUri,
    scope: 'openid access',
    resource: as.resource ?? '',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    authorization_details: JSON.stringify([transfer(50, { identifier: '<b>acct</b>' })]),
  })
  await browser.open(`${rig.issuer}/oauth2/authorize?${query}`)
  const page = await browser.submit({ ...as.user })
  expect(page.text).toContain('Account.transfer')
  expect(page.text).toContain('<dt>amount</dt><dd>50</dd>')
  expect(page.text).toContain('&lt;b&gt;acct')
})

test('what was granted stands in the answer, the token, introspection and what is refreshed (§7, §9)', async () => {
  const { tokens } = await signIn(asking(transfer()))
  expect(tokens).toMatchObject({ status: 200, body: { authorization_details: [transfer()] } })
  const token = tokens.body.access_token ?? ''
  expect(decodeJwt(token)).toMatchObject({ sub: alice, authorization_details: [transfer()] })
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, as.client, { token })
  expect(JSON.parse(body)).toMatchObject({ active: true, authorization_details: [transfer()] })
  const again = await refresh(as, tokens.body.refresh_token ?? '', { resource: as.resource ?? '' })
  expect(decodeJwt(again.body.access_token ?? '').authorization_details).toEqual([transfer()])
})

test('a token may have a part of what was granted, and nothing else (§6)', async () => {
  const { tokens } = await signIn(asking(transfer(10), transfer(20)))
  const ask = (...details: object[]) =>
    refresh(as, tokens.body.refresh_token ?? '', {
      resource: as.resource ?? '',
      authorization_details: JSON.stringify(details),
    })
  const { amount: _amount, ...rest } = transfer()
  const part = await ask({ amount: 20, ...rest })
  expect(decodeJwt(part.body.access_token ?? '').authorization_details).toEqual([transfer(20)])
  expect((await ask(transfer(30))).body.error).toBe('invalid_authorization_details')
})

test('the rules judge each detail: at the code, and again at every token (SPEC 5)', async () => {
  const denied = await authorize(asking(transfer(50), transfer(500)))
  expect(denied.answer.get('error')).toBe('access_denied')
  const authorization = await authorize(asking(transfer(50)))
  const stricter = policies.replace('<= 100', '<= 10')
  await activatePolicyFiles(rig.kernel, { tenantId: 'default', set: 'payments', files: { 'payments.fbac': stricter } })
  expect((await redeem(as, authorization)).body.error).toBe('invalid_grant')
  await activatePolicyFiles(rig.kernel, { tenantId: 'default', set: 'payments', files: { 'payments.fbac': policies } })
})

test.each([
  ['a type that nobody declares', { type: 'Account.steal', identifier: 'x' }],
  ['a type of the platform', { type: 'Tenant.rotateKeys', identifier: 'default' }],
  ['a type that the client is not registered for', { type: 'Account.close', identifier: 'own' }],
  ['a member that nobody declares', transfer(50, { note: 'x' })],
  ['a member of another type', transfer('50')],
  ['a list that is not texts', transfer(50, { actions: [1] })],
  ['no identifier', { type: 'Account.transfer', amount: 1, currency: 'KRW' }],
  ['the standard context as a member', transfer(50, { tenant: { type: 'Tenant', id: 'other' } })],
])('refuses %s (§5)', async (_what, detail) => {
  const { answer } = await authorize(asking(detail))
  expect(answer.get('error')).toBe('invalid_authorization_details')
})

test.each(['{', '{}', '[1]', '"x"', '[{"type":1}]'])('refuses %s', async (text) => {
  const { answer } = await authorize({ ...as, parameters: { authorization_details: text } })
  expect(answer.get('error')).toBe('invalid_authorization_details')
})

test('pushed requests carry details (RFC 9126, §3)', async () => {
  const push = async (detail: object) => {
    const { status, body } = await postForm(`${rig.issuer}/oauth2/par`, as.client, {
      client_id: 'bank',
      response_type: 'code',
      redirect_uri: as.client.redirectUri,
      scope: 'openid access',
      resource: as.resource ?? '',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
      authorization_details: JSON.stringify([detail]),
    })
    return { status, ...(JSON.parse(body) as { error?: string; request_uri?: string }) }
  }
  expect(await push(transfer(50, { note: 'x' }))).toMatchObject({ status: 400, error: 'invalid_authorization_details' })
  const { request_uri: requestUri = '' } = await push(transfer())
  const browser = openHttpBrowser()
  await browser.open(`${rig.issuer}/oauth2/authorize?client_id=bank&request_uri=${encodeURIComponent(requestUri)}`)
  expect((await browser.submit({ ...as.user })).text).toContain('<dt>amount</dt><dd>50</dd>')
})

test('a client’s own grant is judged too', async () => {
  const ask = (amount: number) =>
    askToken(as, { grant_type: 'client_credentials', authorization_details: JSON.stringify([transfer(amount)]) })
  expect(decodeJwt((await ask(50)).body.access_token ?? '').authorization_details).toEqual([transfer(50)])
  expect((await ask(500)).body.error).toBe('unauthorized_client')
})

test('a device and a backchannel request carry details', async () => {
  const details = { authorization_details: JSON.stringify([transfer(70)]), resource: as.resource ?? '' }
  const device = await askForDevice(as, details)
  expect((await confirmDevice(as, openHttpBrowser(), device.user_code)).text).toContain('device-done')
  const redeemed = await askToken(as, {
    grant_type: deviceGrant,
    device_code: device.device_code,
    resource: details.resource,
  })
  expect(decodeJwt(redeemed.body.access_token ?? '').authorization_details).toEqual([transfer(70)])

  const desk = await openBackchannelAdmin(rig.issuer, { id: 'desk', secret: clientSecret })
  const asked = await askForWord(as, details)
  expect(await desk.list()).toMatchObject([{ authorizationDetails: [transfer(70)] }])
  expect(await desk.answer('approve')).toBe(204)
  const told = await askToken(as, { grant_type: cibaGrant, auth_req_id: asked.auth_req_id, resource: details.resource })
  expect(decodeJwt(told.body.access_token ?? '').authorization_details).toEqual([transfer(70)])

  await askForWord(as, { ...details, authorization_details: JSON.stringify([transfer(700)]) })
  expect(await desk.answer('approve')).toBe(403)
})

test('discovery lists the actions of the tenant’s own policies, as they are now', async () => {
  const read = async () =>
    (
      (await (await fetch(`${rig.issuer}/.well-known/oauth-authorization-server`)).json()) as {
        authorization_details_types_supported?: string[]
      }
    ).authorization_details_types_supported
  expect(await read()).toEqual(['Account.close', 'Account.transfer'])
  const fewer = policies.replace(/action close[^\n]*\n/, '').replace(/@id\("close-own"\)[\s\S]*$/, '')
  await activatePolicyFiles(rig.kernel, { tenantId: 'default', set: 'payments', files: { 'payments.fbac': fewer } })
  expect(await read()).toEqual(['Account.transfer'])
})
