// One access token for another (RFC 8693).
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createTrustedIssuerStore } from '../../../server/oidc/trusted-issuers.ts'
import { askToken, authorize, postForm, type SignInAs, signIn, type TokenAnswer } from '../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const types = {
  access: 'urn:ietf:params:oauth:token-type:access_token',
  id: 'urn:ietf:params:oauth:token-type:id_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
  refresh: 'urn:ietf:params:oauth:token-type:refresh_token',
}
const upstream = 'https://login.partner.example'

let rig: Rig
let as: SignInAs
let alice: string
let key: ClientKey
beforeAll(async () => {
  rig = await openRig()
  key = await openClientKey()
  const settings = {
    jwks: { keys: [key.publicJwk] },
    algorithms: ['ES256' as const],
    scope: 'access',
    maxLifetimeSeconds: 300,
  }
  await createTrustedIssuerStore(rig.database, 'default').put({
    ...settings,
    issuer: upstream,
    subject: { by: 'account' },
  })
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  alice = await rig.seed.account('alice@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  const scope = 'openid access offline_access'
  await rig.seed.client('web', {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code', 'refresh_token'],
    scope,
  })
  const grantTypes = [grantNames.exchange, 'client_credentials' as const, 'authorization_code' as const]
  const redirectUris = [redirectUri]
  await rig.seed.client('orders', { grantTypes, redirectUris, scope, trustedIssuers: [upstream] }, { firstParty: true })
  await rig.seed.client('support', { grantTypes, redirectUris, scope: 'openid access' })
  await rig.seed.holder('impersonator', 'support')
  await rig.seed.client('partner', { grantTypes, redirectUris, scope: 'openid access', trustedIssuers: [upstream] })
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'access'],
    resource: `${rig.issuer}/api`,
  }
})

const client = (id: string) => ({ issuer: rig.issuer, client: { id, redirectUri: '', secret: clientSecret } })
const storage = () => `${rig.issuer}/storage/v1`
const personToken = async (more: Partial<SignInAs> = {}) =>
  (await signIn({ ...as, ...more })).tokens.body.access_token ?? ''
const ownToken = async (id: string) =>
  (await askToken(client(id), { grant_type: 'client_credentials', scope: 'access' })).body.access_token ?? ''
const exchange = (id: string, fields: { readonly [name: string]: string }): Promise<TokenAnswer> =>
  askToken(client(id), {
    grant_type: grantNames.exchange,
    subject_token_type: types.access,
    resource: storage(),
    ...fields,
  })
const actor = async (id: string) => ({ actor_token: await ownToken(id), actor_token_type: types.access })
const delegate = async (id: string, subject: string, fields: { readonly [name: string]: string } = {}) =>
  exchange(id, { subject_token: subject, ...(await actor(id)), ...fields })
const isActive = async (id: string, token: string): Promise<boolean> => {
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, { id, secret: clientSecret }, { token })
  return (JSON.parse(body) as { active: boolean }).active
}

describe('delegation (§1.1)', () => {
  test('a service acts for a person, under its own name beside the person’s (§4.1)', async () => {
    const subject = await personToken()
    const answer = await delegate('orders', subject)
    expect(answer).toMatchObject({
      status: 200,
      body: { issued_token_type: types.access, token_type: 'Bearer', scope: 'access' },
    })
    const claims = decodeJwt(answer.body.access_token ?? '')
    expect(claims).toMatchObject({
      sub: alice,
      client_id: 'orders',
      aud: storage(),
      act: { sub: 'orders', client_id: 'orders' },
      acr: 'pwd',
    })
    expect(claims.exp).toBeLessThanOrEqual(decodeJwt(subject).exp ?? 0)
    expect(answer.body.refresh_token).toBeUndefined()
    expect(answer.body.id_token).toBeUndefined()
  })

  test('who acted before stays named, newest outermost, three at most (§4.1)', async () => {
    let token = await personToken()
    const chains: unknown[] = []
    for (let round = 0; round < 3; round += 1) {
      const answer = await delegate('orders', token)
      token = answer.body.access_token ?? ''
      chains.push(decodeJwt(token).act)
    }
    const one = { sub: 'orders', client_id: 'orders' }
    expect(chains).toEqual([one, { ...one, act: one }, { ...one, act: { ...one, act: one } }])
    expect((await delegate('orders', token)).body.error).toBe('invalid_request')
  })

  test('a client that no rule lets act is refused', async () => {
    const answer = await delegate('partner', await personToken())
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('the trail names who acted, and how', async () => {
    await delegate('orders', await personToken())
    const [row] = await rig.seed.run(
      `select detail from audit_event where action = 'oidc.token.issued' and detail ->> 'mode' is not null order by at desc limit 1`,
      [],
    )
    expect(row?.detail).toMatchObject({ mode: 'delegate', actor: 'orders', userId: alice, clientId: 'orders' })
  })
})

describe('impersonation (§1.1)', () => {
  test('is for clients that an administrator named, and nobody else', async () => {
    const subject = await personToken()
    expect((await exchange('orders', { subject_token: subject })).body.error).toBe('invalid_grant')
    const answer = await exchange('support', { subject_token: subject })
    expect(answer.status).toBe(200)
    expect(decodeJwt(answer.body.access_token ?? '').act).toBeUndefined()
  })
})

describe('what is given is never more than what was brought', () => {
  test('no scope that the token does not have', async () => {
    const subject = await personToken({ scopes: ['openid'] })
    expect((await delegate('orders', subject, { scope: 'access' })).body.error).toBe('invalid_scope')
    const none = await delegate('orders', subject)
    expect(decodeJwt(none.body.access_token ?? '').scope).toBeUndefined()
  })

  test.each([
    ['a source that is revoked', () => 'revoke'],
    ['a source client that is disabled', () => `update client set status = 'disabled' where id = 'web'`],
    ['a source client whose epoch rose', () => `update client set epoch = epoch + 1 where id = 'web'`],
    ['a grant that is gone', () => 'delete from oidc_grant'],
    ['an account whose epoch rose', () => 'update account set epoch = epoch + 1'],
  ])('it ends with %s (provider.md §2)', async (_what, change) => {
    const subject = await personToken()
    const token = (await delegate('orders', subject)).body.access_token ?? ''
    expect(await isActive('orders', token)).toBe(true)
    const text = change()
    if (text === 'revoke') await postForm(`${rig.issuer}/oauth2/revoke`, as.client, { token: subject })
    else await rig.seed.run(text, [])
    expect(await isActive('orders', token)).toBe(false)
    expect((await delegate('orders', subject)).body.error).toMatch(/^invalid_(request|grant)$/)
  })
})

describe('an ID token', () => {
  const idToken = async () => {
    const own = { ...as, client: { ...as.client, id: 'orders' }, scopes: ['openid'] }
    const { tokens, browser } = await signIn(own)
    return { browser, subject_token: tokens.body.id_token ?? '', subject_token_type: types.id }
  }
  test('of the client’s own is worth what the person has agreed to, while the sign-in stands', async () => {
    const { browser, ...subject } = await idToken()
    const answer = await exchange('orders', { ...subject, ...(await actor('orders')), scope: 'access' })
    expect(decodeJwt(answer.body.access_token ?? '')).toMatchObject({ sub: alice, scope: 'access' })
    await browser.open(`${rig.issuer}/oauth2/end_session?id_token_hint=${subject.subject_token}`)
    await browser.submit({}, 'logout')
    const later = await exchange('orders', { ...subject, ...(await actor('orders')) })
    expect(later.body.error).toBe('invalid_request')
  })
  test('of another client is nothing', async () => {
    const { browser: _browser, ...subject } = await idToken()
    expect((await exchange('support', subject)).body.error).toBe('invalid_request')
  })
})

describe('an assertion of a trusted issuer', () => {
  const assertion = (changes = {}) => key.assertion(alice, rig.issuer, { iss: upstream, ...changes })
  test('names the person, and who may act: that one, and nobody else (§4.4)', async () => {
    const named = async () => ({
      subject_token: await assertion({ may_act: { sub: 'partner' } }),
      subject_token_type: types.jwt,
    })
    const answer = await exchange('partner', { ...(await named()), ...(await actor('partner')) })
    expect(decodeJwt(answer.body.access_token ?? '')).toMatchObject({
      sub: alice,
      scope: 'access',
      act: { sub: 'partner' },
    })
    const other = await exchange('orders', { ...(await named()), ...(await actor('orders')) })
    expect(other.body.error).toBe('invalid_request')
    expect((await exchange('partner', await named())).body.error).toBe('invalid_request')
  })
  test('is used once', async () => {
    const subject = { subject_token: await assertion(), subject_token_type: types.jwt, ...(await actor('orders')) }
    expect((await exchange('orders', subject)).status).toBe(200)
    expect((await exchange('orders', subject)).body.error).toBe('invalid_request')
  })
  test('of a client that does not name the issuer is nothing', async () => {
    const subject = { subject_token: await assertion(), subject_token_type: types.jwt }
    expect((await exchange('support', subject)).body.error).toBe('invalid_request')
  })
})

test('a token may be bound to a key, by the rules of the token endpoint (RFC 9449 §5, §8)', async () => {
  const url = `${rig.issuer}/oauth2/token`
  const subject = await personToken()
  const fields = { grant_type: grantNames.exchange, subject_token: subject, subject_token_type: types.access }
  const body = { ...fields, resource: storage(), ...(await actor('orders')) }
  const send = async (proof: string) =>
    fetch(url, {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`orders:${clientSecret}`).toString('base64')}`, dpop: proof },
      body: new URLSearchParams(body),
    })
  const first = await send(await key.proof({ method: 'POST', url }))
  expect(await first.json()).toMatchObject({ error: 'use_dpop_nonce' })
  const nonce = first.headers.get('dpop-nonce') ?? ''
  const proof = await key.proof({ method: 'POST', url, nonce })
  const answer = (await (await send(proof)).json()) as { token_type: string; access_token: string }
  expect(answer.token_type).toBe('DPoP')
  expect(decodeJwt(answer.access_token).cnf).toEqual({ jkt: key.thumbprint })
  expect(await (await send(proof)).json()).toMatchObject({ error: 'invalid_grant' })
  const wrong = await key.proof({ method: 'POST', url, nonce }, { htm: 'GET' })
  expect(await (await send(wrong)).json()).toMatchObject({ error: 'invalid_dpop_proof' })
})

test('a bound token is not exchanged for a bearer token (RFC 9449 §5)', async () => {
  await rig.seed.client('bound', {
    redirectUris: [as.client.redirectUri],
    scope: 'openid access',
    dpopBoundAccessTokens: true,
  })
  const url = `${rig.issuer}/oauth2/token`
  const bound = { ...as, client: { ...as.client, id: 'bound' } }
  const { answer, verifier } = await authorize(bound)
  const redeemWith = async (nonce?: string) =>
    fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`bound:${clientSecret}`).toString('base64')}`,
        dpop: await key.proof({ method: 'POST', url, ...(nonce === undefined ? {} : { nonce }) }),
      },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: answer.get('code') ?? '',
        redirect_uri: as.client.redirectUri,
        code_verifier: verifier,
        resource: as.resource ?? '',
      }),
    })
  const nonce = (await redeemWith()).headers.get('dpop-nonce') ?? ''
  const { access_token: subject = '' } = (await (await redeemWith(nonce)).json()) as { access_token?: string }
  expect(decodeJwt(subject).cnf).toEqual({ jkt: key.thumbprint })
  expect(await delegate('orders', subject)).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
})

describe('refused, in OAuth’s form', () => {
  test.each([
    ['no subject token', { subject_token: '' }, 'invalid_request'],
    ['a type that nobody knows', { subject_token_type: 'urn:x' }, 'invalid_request'],
    ['a refresh token', { subject_token_type: types.refresh }, 'invalid_request'],
    ['something else than an access token to be given', { requested_token_type: types.refresh }, 'invalid_request'],
    ['an actor without its type', { actor_token: 'x' }, 'invalid_request'],
    ['a type without its actor', { actor_token_type: types.access }, 'invalid_request'],
    ['an actor token that is none', { actor_token: 'x', actor_token_type: types.access }, 'invalid_request'],
    ['a resource that there is not', { resource: 'https://elsewhere.example' }, 'invalid_target'],
    ['an audience beside the resource', { audience: 'https://elsewhere.example' }, 'invalid_target'],
    ['a scope that is not the client’s', { scope: 'admin' }, 'invalid_scope'],
    ['a token that was altered', { subject_token: 'x.y.z' }, 'invalid_request'],
    ['a text of 100,000 letters', { subject_token: 'x'.repeat(50_000) }, 'invalid_request'],
  ])('%s', async (_what, fields, error) => {
    const answer = await exchange('support', { subject_token: await personToken(), ...fields })
    expect(answer).toMatchObject({ status: 400, body: { error } })
  })

  test('a client’s own token speaks for nobody else', async () => {
    const answer = await exchange('support', { subject_token: await ownToken('orders') })
    expect(answer.body.error).toBe('invalid_request')
  })
  test('an actor that is itself acted for is no actor', async () => {
    const derived = (await delegate('orders', await personToken())).body.access_token ?? ''
    const answer = await exchange('orders', {
      subject_token: await personToken(),
      actor_token: derived,
      actor_token_type: types.access,
    })
    expect(answer.body.error).toBe('invalid_request')
  })
  test('the admin API is not for clients that are not registered for it', async () => {
    const answer = await exchange('support', { subject_token: await personToken(), resource: `${rig.issuer}/admin` })
    expect(answer.body.error).toBe('invalid_target')
  })
  test('a client that is not registered for it', async () => {
    const answer = await askToken(as, {
      grant_type: grantNames.exchange,
      subject_token: await personToken(),
      subject_token_type: types.access,
    })
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
  })
  test('an assertion that carries another’s id', async () => {
    const text = await key.assertion(randomUUID(), rig.issuer, { iss: upstream })
    const answer = await exchange('orders', { subject_token: text, subject_token_type: types.jwt })
    expect(answer.body.error).toBe('invalid_request')
  })
})

test('discovery says so', async () => {
  const document = await (await fetch(`${rig.issuer}/.well-known/oauth-authorization-server`)).json()
  expect(document).toMatchObject({
    grant_types_supported: expect.arrayContaining([grantNames.exchange, grantNames.assertion]),
  })
})
