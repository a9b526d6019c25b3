// Clients that show certificates, and tokens that are good only with them (RFC 8705), over real TLS.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import * as openid from 'openid-client'
import type { Area } from '../../../server/area.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { makeAuthority, makeCertificate, type TestCertificate } from '../../kit/certificates.ts'
import { certifiedFetch } from '../../kit/certified-fetch.ts'
import { authorize } from '../../kit/sign-in.ts'
import { openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

/** Denied to everybody: 403 says that the token was good, 401 that it was not. */
const guarded: Area = {
  name: 'guarded',
  build: () => ({
    routes: [
      {
        basePath: '/guarded/v1',
        audiences: ['/api'],
        routes: [
          {
            method: 'GET',
            path: '/things',
            summary: 'Things',
            action: 'skipConsent',
            resourceType: 'Client',
            resource: async () => ({ resource: entityOf('Client', 'dn') }),
            handle: async () => ({}),
          },
        ],
      },
    ],
  }),
}

const server = makeCertificate({ dns: ['localhost'], subject: [[['2.5.4.3', 'localhost']]] })
const authority = makeAuthority()
const subject = [[['2.5.4.6', 'KR']], [['2.5.4.10', 'Acme, Inc.']], [['2.5.4.3', 'app']]] as const
const app = makeCertificate({
  issuer: authority,
  subject,
  dns: ['app.example'],
  uri: ['urn:app'],
  ip: [[192, 0, 2, 1]],
})
const same = makeCertificate({ subject, dns: ['app.example'] })
const other = makeCertificate({ issuer: authority })
const own = makeCertificate()

let rig: Rig
let redirectUri: string
beforeAll(async () => {
  rig = await openRig({
    areas: [guarded],
    mtls: { tls: { certificate: server.pem, key: server.key }, authorities: authority.pem },
  })
  redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  const job = {
    grantTypes: ['client_credentials' as const],
    scope: 'access',
    tokenEndpointAuthMethod: 'tls_client_auth' as const,
    tlsClientCertificateBoundAccessTokens: true,
  }
  await rig.seed.client('dn', { ...job, tlsClientAuthSubjectDn: 'CN=app,O=Acme\\, Inc.,C=KR' })
  await rig.seed.client('dns', { ...job, tlsClientAuthSanDns: 'app.example' })
  await rig.seed.client('uri', { ...job, tlsClientAuthSanUri: 'urn:app' })
  await rig.seed.client('ip', { ...job, tlsClientAuthSanIp: '192.0.2.1' })
  await rig.seed.client('mail', { ...job, tlsClientAuthSanEmail: 'app@example.test' })
  const self = { ...job, tokenEndpointAuthMethod: 'self_signed_tls_client_auth' as const }
  const { kty, crv, x, y } = own.x509.publicKey.export({ format: 'jwk' })
  const jwk = { kty, crv, x, y }
  await rig.seed.client('self', { ...self, jwks: { keys: [{ ...jwk, x5c: [own.base64] }] } })
  const thumbprint = openidThumbprint(own)
  await rig.seed.client('thumb', { ...self, jwks: { keys: [{ ...jwk, 'x5t#S256': thumbprint }] } })
  const web = { redirectUris: [redirectUri], grantTypes: ['authorization_code' as const, 'refresh_token' as const] }
  const scope = 'openid email offline_access access'
  await rig.seed.client('web', { ...web, scope, tlsClientCertificateBoundAccessTokens: true })
  await rig.seed.client('spa', {
    ...web,
    scope,
    tokenEndpointAuthMethod: 'none',
    tlsClientCertificateBoundAccessTokens: true,
  })
})
afterAll(() => rig.close())

const openidThumbprint = ({ x509 }: TestCertificate) =>
  Buffer.from(x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
const by = (certificate?: TestCertificate) => certifiedFetch(server.pem, certificate)

type Fields = { readonly [name: string]: string }
async function ask(certificate: TestCertificate | undefined, fields: Fields, headers: Fields = {}) {
  const response = await by(certificate)(`${rig.mtlsUrl}/oauth2/token`, {
    method: 'POST',
    headers,
    body: new URLSearchParams({ grant_type: 'client_credentials', ...fields }),
  })
  return { status: response.status, body: (await response.json()) as { readonly [name: string]: string } }
}
const tokenOf = async () => (await ask(app, { client_id: 'dn' })).body.access_token ?? ''
const callApi = async (token: string, certificate?: TestCertificate, headers: Fields = {}) =>
  (
    await by(certificate)(`${rig.mtlsUrl}/guarded/v1/things`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    })
  ).status

describe('who a client is', () => {
  test.each([
    ['dn', app],
    ['dns', app],
    ['uri', app],
    ['ip', app],
    ['self', own],
    ['thumb', own],
  ] as const)(
    '%s: its certificate authenticates it, and binds its token (RFC 8705 §2, §3.1)',
    async (id, certificate) => {
      const { status, body } = await ask(certificate, { client_id: id })
      expect(status).toBe(200)
      expect(decodeJwt(body.access_token ?? '').cnf).toEqual({ 'x5t#S256': openidThumbprint(certificate) })
      expect(body.token_type).toBe('Bearer')
    },
  )

  test.each<[string, string, TestCertificate | undefined]>([
    ['no certificate', 'dn', undefined],
    ['the same name, made by itself', 'dn', same],
    ['the same alternative name, made by itself', 'dns', same],
    ['another name of the same authority', 'dn', other],
    ['an e-mail address that it has not', 'mail', app],
    ['a certificate that is not registered', 'self', app],
    ['a certificate that is not registered, by thumbprint', 'thumb', other],
    ['none where one is registered', 'self', undefined],
  ])('is refused: %s', async (_what, id, certificate) => {
    expect(await ask(certificate, { client_id: id })).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
  })

  test('a certificate in a header is nobody: no proxy is trusted (security.md row 6)', async () => {
    const headers = {
      'client-cert': `:${app.base64}:`,
      'x-ssl-client-cert': encodeURIComponent(app.pem),
      'x-forwarded-client-cert': `Cert="${encodeURIComponent(app.pem)}"`,
    }
    expect((await ask(undefined, { client_id: 'dn' }, headers)).status).toBe(401)
    expect(await callApi(await tokenOf(), undefined, headers)).toBe(401)
  })
})

describe('tokens that are bound to a certificate', () => {
  test('our API takes them with it and with nothing else (RFC 8705 §3)', async () => {
    const token = await tokenOf()
    expect(await callApi(token, app)).toBe(403)
    expect(await callApi(token, other)).toBe(401)
    expect(await callApi(token)).toBe(401)
    // Once more: what was good a moment ago is not remembered for another connection.
    expect(await callApi(token, app)).toBe(403)
    expect(await callApi(token)).toBe(401)
  })

  test('a token by DPoP that is bound to a certificate is refused', async () => {
    const token = await tokenOf()
    const key = await openClientKey()
    const dpop = await key.proof({ method: 'GET', url: `${rig.issuer}/guarded/v1/things`, token })
    expect(await callApi(token, app, { authorization: `DPoP ${token}`, dpop })).toBe(401)
  })

  test('introspection says whose they are (RFC 8705 §3.2)', async () => {
    const response = await by(app)(`${rig.mtlsUrl}/oauth2/introspect`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: 'dn', token: await tokenOf() }),
    })
    expect(await response.json()).toMatchObject({
      active: true,
      token_type: 'Bearer',
      cnf: { 'x5t#S256': openidThumbprint(app) },
    })
  })

  test('a client that binds, and shows none, gets none', async () => {
    const authorization = `Basic ${Buffer.from(`web:${clientSecret}`).toString('base64')}`
    const { code, verifier } = await codeFor('web')
    const fields = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
    expect(await ask(undefined, fields, { authorization })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
  })
})

async function codeFor(id: string, scopes = ['openid', 'email', 'offline_access']) {
  const { answer, verifier } = await authorize({
    issuer: rig.issuer,
    client: { id, redirectUri },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes,
    parameters: { prompt: 'consent' },
  })
  return { code: answer.get('code') ?? '', verifier }
}

describe('a public client (RFC 8705 §4)', () => {
  test('access and refresh tokens are bound: at userinfo, and when refreshed', async () => {
    const { code, verifier } = await codeFor('spa')
    const redeeming = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
    const { status, body } = await ask(own, { ...redeeming, client_id: 'spa' })
    expect(status).toBe(200)
    const userinfo = async (certificate?: TestCertificate) =>
      (
        await by(certificate)(`${rig.mtlsUrl}/oauth2/userinfo`, {
          headers: { authorization: `Bearer ${body.access_token}` },
        })
      ).status
    expect([await userinfo(own), await userinfo(other), await userinfo()]).toEqual([200, 401, 401])
    const refreshing = { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '', client_id: 'spa' }
    expect(await ask(other, refreshing)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(await ask(undefined, refreshing)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await ask(own, refreshing)).status).toBe(200)
  })
})

describe('discovery', () => {
  test('says the methods, the binding and where to call (RFC 8705 §3.3, §5)', async () => {
    const metadata = await (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json()
    expect(metadata).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      token_endpoint_auth_methods_supported: expect.arrayContaining(['tls_client_auth', 'self_signed_tls_client_auth']),
      mtls_endpoint_aliases: {
        token_endpoint: `${rig.mtlsUrl}/oauth2/token`,
        pushed_authorization_request_endpoint: `${rig.mtlsUrl}/oauth2/par`,
        userinfo_endpoint: `${rig.mtlsUrl}/oauth2/userinfo`,
      },
    })
  })
})

test('openid-client goes the whole way through the aliases', async () => {
  const config = await openid.discovery(
    new URL(rig.issuer),
    'self',
    { use_mtls_endpoint_aliases: true },
    openid.TlsClientAuth(),
    { execute: [openid.allowInsecureRequests] },
  )
  const certified = by(own)
  config[openid.customFetch] = (url, options) =>
    url.startsWith(rig.mtlsUrl) ? certified(url, options as RequestInit) : fetch(url, options as RequestInit)
  const tokens = await openid.clientCredentialsGrant(config)
  expect(decodeJwt(tokens.access_token).cnf).toEqual({ 'x5t#S256': openidThumbprint(own) })
  const answer = await openid.tokenIntrospection(config, tokens.access_token)
  expect(answer).toMatchObject({ active: true, client_id: 'self' })
})
