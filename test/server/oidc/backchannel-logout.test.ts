// Clients are told that a person signed out (OIDC Back-Channel Logout 1.0).
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose'
import { guardedEgress } from '../../../adapters/egress/guarded-egress.ts'
import type { UnitOfWork } from '../../../server/events/unit-of-work.ts'
import { type Accounts, createAccounts } from '../../../server/identity/accounts.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { clientMetadataSchema } from '../../../server/oidc/client-metadata.ts'
import { type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let receiver: Server
let as: SignInAs
let alice: string
let answers: number[]
let told: string[]
beforeAll(async () => {
  rig = await openRig({ area: { egress: guardedEgress({ allowLoopback: true }) } })
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      told.push(new URLSearchParams(body).get('logout_token') ?? '')
      response.writeHead(answers.shift() ?? 200).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  const redirectUri = `${rig.issuer}/app/cb`
  alice = await rig.seed.account('alice@example.test')
  await rig.seed.client('web', {
    redirectUris: [redirectUri],
    scope: 'openid',
    backchannelLogoutUri: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/told`,
  })
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
})
afterAll(async () => {
  await rig.close()
  receiver.close()
})
beforeEach(() => {
  answers = []
  told = []
})

async function signInAndOut(button = 'logout') {
  const { browser, tokens } = await signIn(as)
  await browser.open(`${rig.issuer}/oauth2/end_session?id_token_hint=${tokens.body.id_token ?? ''}`)
  await browser.submit({}, button)
  return decodeJwt(tokens.body.id_token ?? '')
}

const accounts = (run: (unit: UnitOfWork, accounts: Accounts) => Promise<unknown>) =>
  rig.kernel.withTransaction({ tenantId: 'default', subject: entityOf('Tenant', 'default') }, (unit) =>
    run(unit, createAccounts(rig.database, 'default')),
  )

const until = async (isThere: () => boolean | Promise<boolean>) => {
  for (let round = 0; !(await isThere()); round += 1) {
    if (round > 400) throw new Error('it never came')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
const audited = async (action: string) =>
  (await rig.seed.run('select 1 from audit_event where action = $1', [action])).length

test('a client is told who signed out, by a signed token (§2.4)', async () => {
  const idToken = await signInAndOut()
  await until(() => told.length === 1)
  const keys = createRemoteJWKSet(new URL(`${rig.issuer}/oauth2/jwks`))
  const { payload, protectedHeader } = await jwtVerify(told[0] ?? '', keys, { issuer: rig.issuer, audience: 'web' })
  expect(protectedHeader.typ).toBe('logout+jwt')
  expect(payload).toMatchObject({
    sub: alice,
    sid: idToken.sid,
    jti: expect.any(String),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  })
  expect(payload.nonce).toBeUndefined()
  await until(async () => (await audited('oidc.logout.delivered')) === 1)
})

test('a client that is away is told again, with a token of that time (provider.md §7)', async () => {
  answers = [503]
  await signInAndOut()
  await until(() => told.length === 2)
  const [first, second] = told.map((token) => decodeJwt(token).jti)
  expect(first).not.toBe(second)
})

test('400 is final: it is told once, and that stands in the trail (§2.8)', async () => {
  answers = [400]
  await signInAndOut()
  await until(async () => (await audited('oidc.logout.dead')) === 1)
  expect(told).toHaveLength(1)
})

test.each([
  ['an administrator ends the sessions', () => accounts((unit, of) => of.endSessions(unit, alice))],
  ['the account is disabled', () => accounts((unit, of) => of.setStatus(unit, alice, 'disabled', rig.clock.now()))],
  ['the address changes', () => accounts((unit, of) => of.update(unit, alice, { email: 'a@example.test' }, 0))],
])('a client is told when %s (provider.md §7)', async (_what, end) => {
  await accounts((unit, of) => of.update(unit, alice, { email: 'alice@example.test', emailVerified: true }, 0))
  await rig.seed.setStatus(alice, 'active')
  const { tokens } = await signIn(as)
  const { sid } = decodeJwt(tokens.body.id_token ?? '')
  await end()
  await until(() => told.some((token) => decodeJwt(token).sid === sid))
  expect(told.map((token) => decodeJwt(token)).find((token) => token.sid === sid)?.sub).toBe(alice)
})

test('nobody is told where nobody is signed in', async () => {
  await rig.seed.run('delete from oidc_session', [])
  const before = await rig.seed.run('select 1 from outbox where topic = $1', ['oidc.logout.requested'])
  await accounts((unit, of) => of.endSessions(unit, alice))
  const after = await rig.seed.run('select 1 from outbox where topic = $1', ['oidc.logout.requested'])
  expect(after).toHaveLength(before.length)
})

test('discovery says so', async () => {
  const document = await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()
  expect(document).toMatchObject({ backchannel_logout_supported: true, backchannel_logout_session_supported: true })
})

test.each(['http://app.example/told', 'https://user@app.example/told', 'ftp://app.example/', 'com.example.app:/told'])(
  'refuses to register %s',
  (backchannelLogoutUri) => {
    expect(clientMetadataSchema.safeParse({ backchannelLogoutUri }).success).toBe(false)
  },
)
