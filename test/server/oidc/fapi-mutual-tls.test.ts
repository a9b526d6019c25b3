// FAPI 2.0 with client certificates: who the client is, what binds its tokens, and what the profile asks of both.
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'
import { makeAuthority, makeCertificate, type TestCertificate } from '../../kit/certificates.ts'
import { certifiedFetch } from '../../kit/certified-fetch.ts'
import { authorize } from '../../kit/sign-in.ts'
import { type Claims, type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, openRig, type Rig } from './rig.ts'

const server = makeCertificate({ dns: ['localhost'], subject: [[['2.5.4.3', 'localhost']]] })
const authority = makeAuthority()
const bank = makeCertificate({ issuer: authority, dns: ['bank.example'] })
const other = makeCertificate({ issuer: authority })
const verifier = 'v'.repeat(43)
const challenge = createHash('sha256').update(verifier).digest('base64url')
const seconds = () => Math.floor(Date.now() / 1_000)

let rig: Rig
let key: ClientKey
let redirectUri: string
let as: oauth.AuthorizationServer
beforeAll(async () => {
  rig = await openRig({ mtls: { tls: { certificate: server.pem, key: server.key }, authorities: authority.pem } })
  key = await openClientKey()
  redirectUri = `${rig.issuer}/app/cb`
  const web = {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code' as const, 'refresh_token' as const],
    scope: 'openid email access',
    profile: 'fapi2' as const,
  }
  const certified = {
    ...web,
    tokenEndpointAuthMethod: 'tls_client_auth' as const,
    tlsClientAuthSanDns: 'bank.example',
  }
  const signing = { ...web, tokenEndpointAuthMethod: 'private_key_jwt' as const, jwks: { keys: [key.publicJwk] } }
  await rig.seed.account('alice@example.test')
  const own = { firstParty: true }
  await rig.seed.client('mtls-mtls', { ...certified, tlsClientCertificateBoundAccessTokens: true }, own)
  await rig.seed.client('mtls-dpop', certified, own)
  await rig.seed.client('jwt-mtls', { ...signing, tlsClientCertificateBoundAccessTokens: true }, own)
  const found = await fetch(`${rig.issuer}/.well-known/oauth-authorization-server`)
  as = (await found.json()) as oauth.AuthorizationServer
})
afterAll(() => rig.close())

type Fields = { readonly [name: string]: string }
const by = (certificate?: TestCertificate) => certifiedFetch(server.pem, certificate)

async function post(path: string, fields: Fields, certificate?: TestCertificate, proof?: string) {
  const response = await by(certificate)(`${rig.mtlsUrl}${path}`, {
    method: 'POST',
    headers: proof ? { dpop: proof } : {},
    body: new URLSearchParams(fields),
  })
  return {
    status: response.status,
    body: (await response.json()) as { readonly [name: string]: string },
    nonce: response.headers.get('dpop-nonce') ?? '',
  }
}

const authentication = async (id: string, changes: Claims = {}): Promise<Fields> =>
  id.startsWith('jwt')
    ? {
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: await key.assertion(id, rig.issuer, changes),
      }
    : { client_id: id }

const request = (id: string, more: Fields = {}): Fields => ({
  client_id: id,
  response_type: 'code',
  redirect_uri: redirectUri,
  scope: 'openid email',
  state: 'the-state',
  code_challenge: challenge,
  code_challenge_method: 'S256',
  ...more,
})
const push = async (id: string, more: Fields = {}, certificate: TestCertificate | undefined = bank) =>
  post('/oauth2/par', { ...request(id, more), ...(await authentication(id)) }, certificate)

async function codeOf(id: string, more: Fields = {}) {
  const { body } = await push(id, more)
  const { answer } = await authorize({
    issuer: rig.issuer,
    client: { id, redirectUri },
    user: { identifier: 'alice@example.test', password: alicePassword },
    parameters: { request_uri: body.request_uri ?? '' },
  })
  return answer
}
const redeeming = (code: string): Fields => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  code_verifier: verifier,
})
/** By the address that the client calls, which is the alias (RFC 8705 §5). */
async function redeemProven(id: string, code: string, by: ClientKey = key) {
  const url = `${rig.mtlsUrl}/oauth2/token`
  const fields = { ...redeeming(code), ...(await authentication(id)) }
  const { nonce } = await post('/oauth2/token', fields, bank, await by.proof({ method: 'POST', url }))
  const again = { ...fields, ...(await authentication(id)) }
  return post('/oauth2/token', again, bank, await by.proof({ method: 'POST', url, nonce }))
}

describe('a certificate authenticates and binds (FAPI 2.0 §5.3.2.1 items 4, 6)', () => {
  test('mtls and mtls: tokens are bound to the certificate, without DPoP', async () => {
    const code = (await codeOf('mtls-mtls')).get('code') ?? ''
    const { status, body } = await post('/oauth2/token', { ...redeeming(code), client_id: 'mtls-mtls' }, bank)
    expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'Bearer' })
    const userinfo = async (certificate?: TestCertificate) =>
      (
        await by(certificate)(`${rig.mtlsUrl}/oauth2/userinfo`, {
          headers: { authorization: `Bearer ${body.access_token}` },
        })
      ).status
    expect([await userinfo(bank), await userinfo(other), await userinfo()]).toEqual([200, 401, 401])
    const refreshing = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '', client_id: 'mtls-mtls' }
    const first = await post('/oauth2/token', refreshing, bank)
    expect(first).toMatchObject({ status: 200, body: { refresh_token: body.refresh_token } })
    expect((await post('/oauth2/token', refreshing, other)).status).toBe(401)
  })

  test('mtls and dpop: proofs that name the alias are taken (RFC 9449 §4.2)', async () => {
    const code = (await codeOf('mtls-dpop')).get('code') ?? ''
    const { status, body } = await redeemProven('mtls-dpop', code)
    expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'DPoP' })
  })

  test('mtls and dpop: without a proof there is no token', async () => {
    const code = (await codeOf('mtls-dpop')).get('code') ?? ''
    const answer = await post('/oauth2/token', { ...redeeming(code), client_id: 'mtls-dpop' }, bank)
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('a proof for neither of our addresses is none', async () => {
    const proof = await key.proof({ method: 'POST', url: 'https://elsewhere.example/oauth2/token' })
    const answer = await post('/oauth2/token', { ...redeeming('x'), client_id: 'mtls-dpop' }, bank, proof)
    expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
  })

  test('private_key_jwt and mtls: the certificate binds, whoever it is', async () => {
    const code = (await codeOf('jwt-mtls')).get('code') ?? ''
    const fields = async () => ({ ...redeeming(code), ...(await authentication('jwt-mtls')) })
    expect(await post('/oauth2/token', await fields())).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    const again = (await codeOf('jwt-mtls')).get('code') ?? ''
    const good = await post('/oauth2/token', { ...(await fields()), code: again }, other)
    expect(good).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
  })

  test('pushed by a certificate that is not its own: refused', async () => {
    expect(await push('mtls-mtls', {}, other)).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })
})

describe('what the profile asks of requests', () => {
  test('a nonce of 64 characters comes back in the ID token', async () => {
    const nonce = 'n'.repeat(64)
    const code = (await codeOf('mtls-mtls', { nonce })).get('code') ?? ''
    const { body } = await post('/oauth2/token', { ...redeeming(code), client_id: 'mtls-mtls' }, bank)
    expect(decodeJwt(body.id_token ?? '').nonce).toBe(nonce)
  })

  test('a code that is bound to a key by dpop_jkt is redeemed with that key alone (RFC 9449 §10)', async () => {
    const thief = await openClientKey()
    const bound = { dpop_jkt: key.thumbprint }
    const code = (await codeOf('mtls-dpop', bound)).get('code') ?? ''
    expect(await redeemProven('mtls-dpop', code, thief)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    const again = (await codeOf('mtls-dpop', bound)).get('code') ?? ''
    expect((await redeemProven('mtls-dpop', again)).status).toBe(200)
  })

  test.each<[string, () => Claims, number]>([
    ['8 seconds ahead is taken', () => ({ iat: seconds() + 8, nbf: seconds() + 8 }), 201],
    [
      'more than 60 seconds ahead is not',
      () => ({ iat: seconds() + 70, nbf: seconds() + 70, exp: seconds() + 130 }),
      401,
    ],
    ['aud as an array', () => ({ aud: [rig.issuer] }), 401],
    ['aud the token endpoint', () => ({ aud: `${rig.issuer}/oauth2/token` }), 401],
    ['aud the endpoint itself', () => ({ aud: `${rig.issuer}/oauth2/par` }), 401],
    ['ended five minutes ago', () => ({ iat: seconds() - 360, exp: seconds() - 300 }), 401],
    ['no sub', () => ({ sub: undefined }), 401],
  ])('a client assertion: %s (§5.3.2.1)', async (_what, changes, status) => {
    const fields = { ...request('jwt-mtls'), ...(await authentication('jwt-mtls', changes())) }
    expect((await post('/oauth2/par', fields, bank)).status).toBe(status)
  })
})

describe('x-fapi-interaction-id', () => {
  const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
  const ask = async (sent?: string) => {
    const headers = { authorization: 'Bearer x', ...(sent === undefined ? {} : { 'x-fapi-interaction-id': sent }) }
    const response = await fetch(`${rig.issuer}/oauth2/userinfo`, { headers })
    return response.headers.get('x-fapi-interaction-id')
  }
  test('is said back where it is a UUID, and made where there is none', async () => {
    const sent = 'c770aef3-6784-41f7-8e0e-ff5f97bddb3a'
    expect(await ask(sent)).toBe(sent)
    expect(await ask()).toMatch(uuid)
  })
  test('is never said back where it is anything else', async () => {
    expect(await ask('<script>')).toMatch(uuid)
    expect(await ask('c770aef3-6784-41f7-8e0e-ff5f97bddb3a, c770aef3-6784-41f7-8e0e-ff5f97bddb3a')).toMatch(uuid)
  })
})

test('oauth4webapi pushes, redeems and reads userinfo by certificate through the aliases', async () => {
  const client: oauth.Client = { client_id: 'mtls-mtls', use_mtls_endpoint_aliases: true }
  const fetchBy = by(bank)
  const options = {
    [oauth.customFetch]: (url: string, init: object) => fetchBy(url, init),
    [oauth.allowInsecureRequests]: true,
  }
  const auth = oauth.TlsClientAuth()
  const pushed = await oauth.pushedAuthorizationRequest(
    as,
    client,
    auth,
    new URLSearchParams(request('mtls-mtls')),
    options,
  )
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, pushed)
  const { answer } = await authorize({
    issuer: rig.issuer,
    client: { id: 'mtls-mtls', redirectUri },
    user: { identifier: 'alice@example.test', password: alicePassword },
    parameters: { request_uri },
  })
  const params = oauth.validateAuthResponse(as, client, answer, 'the-state')
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, params, redirectUri, verifier, options)
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response)
  const sub = oauth.getValidatedIdTokenClaims(tokens)?.sub ?? ''
  const userinfo = await oauth.userInfoRequest(as, client, tokens.access_token, options)
  expect(await oauth.processUserInfoResponse(as, client, sub, userinfo)).toMatchObject({ email: 'alice@example.test' })
})
