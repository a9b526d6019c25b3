// A person who is signed in here, named to another server that trusts us (ID-JAG); the other server is another tenant.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { guardedEgress } from '../../../adapters/egress/guarded-egress.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../server/oidc/trusted-issuers.ts'
import { askToken, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const idToken = 'urn:ietf:params:oauth:token-type:id_token'
const idJag = 'urn:ietf:params:oauth:token-type:id-jag'

let rig: Rig
let acme: string
let as: SignInAs
let alice: string
beforeAll(async () => {
  rig = await openRig({ area: { egress: guardedEgress({ allowLoopback: true }) } })
  acme = `${rig.issuer}/t/acme`
  const actor = { tenantId: 'default', subject: entityOf('Anonymous', '') }
  await rig.kernel.tenants.create(actor, { id: 'acme', name: 'Acme' })
  const settings = {
    jwksUri: `${rig.issuer}/oauth2/jwks`,
    subject: { by: 'email', domains: ['example.test'] },
    scope: 'access',
  }
  await createTrustedIssuerStore(rig.database, 'acme').put({
    ...trustedIssuerSchema.parse(settings),
    issuer: rig.issuer,
  })
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  alice = await rig.seed.account('alice@example.test')
  await rig.seed.account('alice@example.test', alicePassword, 'acme')
  const redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.client(
    'wiki',
    {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', grantNames.exchange],
      scope: 'openid email access',
      identityAssertionAudiences: [{ issuer: acme, clientId: 'wiki-at-acme', scope: 'access read' }],
    },
    { firstParty: true },
  )
  await rig.seed.client(
    'wiki-at-acme',
    { grantTypes: [grantNames.assertion], scope: 'access', trustedIssuers: [rig.issuer] },
    { tenantId: 'acme' },
  )
  as = {
    issuer: rig.issuer,
    client: { id: 'wiki', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'email'],
    parameters: { claims: JSON.stringify({ id_token: { email: null, email_verified: null } }) },
  }
})

const ask = async (fields: { readonly [name: string]: string } = {}) => {
  const { tokens } = await signIn(as)
  return askToken(as, {
    grant_type: grantNames.exchange,
    requested_token_type: idJag,
    subject_token: tokens.body.id_token ?? '',
    subject_token_type: idToken,
    audience: acme,
    ...fields,
  })
}

test('the assertion names the person, the other server and the client there, and is taken there', async () => {
  const { status, body } = await ask({ scope: 'access' })
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { token_type: 'N_A', issued_token_type: idJag, expires_in: 300, scope: 'access' },
  })
  const assertion = body.access_token ?? ''
  expect(decodeProtectedHeader(assertion).typ).toBe('oauth-id-jag+jwt')
  expect(decodeJwt(assertion)).toMatchObject({
    iss: rig.issuer,
    sub: alice,
    aud: acme,
    client_id: 'wiki-at-acme',
    acr: 'pwd',
    scope: 'access',
  })
  const there = { issuer: acme, client: { id: 'wiki-at-acme', redirectUri: '', secret: clientSecret } }
  const taken = await askToken(there, { grant_type: grantNames.assertion, assertion })
  expect(decodeJwt(taken.body.access_token ?? '')).toMatchObject({
    iss: acme,
    client_id: 'wiki-at-acme',
    scope: 'access',
  })
  expect((await askToken(there, { grant_type: grantNames.assertion, assertion })).body.error).toBe('invalid_grant')
})

test('it opens nothing here', async () => {
  const assertion = (await ask()).body.access_token ?? ''
  const headers = { authorization: `Bearer ${assertion}` }
  expect((await fetch(`${rig.issuer}/oauth2/userinfo`, { headers })).status).toBe(401)
  const hinted = await fetch(`${rig.issuer}/oauth2/end_session?id_token_hint=${assertion}`)
  expect(hinted.status).toBe(400)
})

test.each([
  ['a server that the client is not registered with', { audience: 'https://elsewhere.example' }, 'invalid_target'],
  ['a scope that it may not ask for there', { scope: 'admin' }, 'invalid_scope'],
  [
    'anything but an ID token',
    { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    'invalid_request',
  ],
])('refuses %s', async (_what, fields, error) => {
  expect(await ask(fields)).toMatchObject({ status: 400, body: { error } })
})

test('ends with the account: the gate is asked', async () => {
  const { tokens } = await signIn(as)
  await rig.seed.run(`update account set status = 'disabled' where tenant_id = 'default'`, [])
  const answer = await askToken(as, {
    grant_type: grantNames.exchange,
    requested_token_type: idJag,
    subject_token: tokens.body.id_token ?? '',
    subject_token_type: idToken,
    audience: acme,
  })
  expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
})
