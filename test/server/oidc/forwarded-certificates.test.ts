// Certificates that a trusted proxy tells of, and servers that are told of none (RFC 8705, security.md row 6).

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { makeAuthority, makeCertificate, type TestCertificate } from '../../kit/certificates.ts'
import { certifiedFetch } from '../../kit/certified-fetch.ts'
import { startServer, type TestServer } from '../../kit/start-server.ts'

const authority = makeAuthority()
const app = makeCertificate({ issuer: authority, dns: ['app.example'] })
const same = makeCertificate({ dns: ['app.example'] })
const served = makeCertificate({ dns: ['localhost'], ip: [[127, 0, 0, 1]] })
const folder = mkdtempSync(join(tmpdir(), 'writ-certificates-'))
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

let proxied: TestServer
let direct: TestServer
let none: TestServer
beforeAll(async () => {
  const authorities = { WRIT_CLIENT_AUTHORITIES: file('clients.pem', authority.pem) }
  proxied = await startServer({
    env: { ...authorities, WRIT_TRUSTED_PROXIES: '127.0.0.1', WRIT_CLIENT_CERTIFICATE_HEADER: 'client-cert' },
  })
  direct = await startServer({
    env: {
      ...authorities,
      WRIT_ISSUER: 'https://127.0.0.1:0',
      WRIT_TLS_CERTIFICATE: file('server.pem', served.pem),
      WRIT_TLS_KEY: file('key.pem', served.key),
      WRIT_MTLS_PORT: '0',
    },
  })
  none = await startServer()
}, 60_000)
afterAll(async () => {
  await Promise.all([proxied, direct, none].map((server) => server?.stop()))
  rmSync(folder, { recursive: true })
})

const spec = {
  clientId: 'app',
  name: 'App',
  grantTypes: ['client_credentials'],
  redirectUris: [],
  scope: 'access',
  tokenEndpointAuthMethod: 'tls_client_auth',
  tlsClientAuthSanDns: 'app.example',
  tlsClientCertificateBoundAccessTokens: true,
}
const asking = () => ({
  method: 'POST',
  body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'app' }),
})
async function byHeader(server: TestServer, certificate: TestCertificate, name = 'client-cert') {
  const headers = { [name]: `:${certificate.base64}:` }
  const response = await fetch(`${server.url}/oauth2/token`, { ...asking(), headers })
  return { status: response.status, body: (await response.json()) as { readonly access_token?: string } }
}

test('a trusted proxy says whose certificate it took; nobody believes one that made itself', async () => {
  expect((await proxied.admin('POST', '/admin/v1/clients', spec)).status).toBe(201)
  const { status, body } = await byHeader(proxied, app)
  expect(status).toBe(200)
  expect(decodeJwt(body.access_token ?? '').cnf).toEqual({ 'x5t#S256': expect.any(String) })
  expect((await byHeader(proxied, same)).status).toBe(401)
  expect((await byHeader(proxied, app, 'x-ssl-client-cert')).status).toBe(401)
})

test('a server that is told of no certificates has no such client, and discovery says nothing of it', async () => {
  expect((await none.admin('POST', '/admin/v1/clients', spec)).status).toBe(201)
  expect((await byHeader(none, app)).status).toBe(401)
  const metadata = await (await fetch(`${none.url}/.well-known/openid-configuration`)).json()
  expect(JSON.stringify(metadata)).not.toMatch(/tls_client|mtls/)
})

test('TLS of our own: the first listener asks nobody for a certificate, the second takes it', async () => {
  const by = certifiedFetch(served.pem, app)
  const bare = certifiedFetch(served.pem)
  const metadata = (await (await bare(`${direct.url}/.well-known/openid-configuration`)).json()) as {
    readonly mtls_endpoint_aliases: { readonly token_endpoint: string }
  }
  const alias = metadata.mtls_endpoint_aliases.token_endpoint
  expect(new URL(alias).port).not.toBe(new URL(direct.url).port)
  const made = await bare(`${direct.url}/admin/v1/clients`, {
    method: 'POST',
    headers: { authorization: `Bearer ${direct.adminToken()}`, 'content-type': 'application/json' },
    body: JSON.stringify(spec),
  })
  expect(made.status).toBe(201)
  expect((await by(alias, asking())).status).toBe(200)
  expect((await bare(alias, asking())).status).toBe(401)
  expect((await by(`${direct.url}/oauth2/token`, asking())).status).toBe(401)
})

test.each<[string, object]>([
  ['no subject', { tlsClientAuthSanDns: undefined }],
  ['two subjects', { tlsClientAuthSanUri: 'urn:app' }],
  ['a name that is none', { tlsClientAuthSanDns: undefined, tlsClientAuthSubjectDn: '/CN=app' }],
  ['a subject for a secret', { tokenEndpointAuthMethod: 'client_secret_basic' }],
  [
    'self-signed without a key',
    { tokenEndpointAuthMethod: 'self_signed_tls_client_auth', tlsClientAuthSanDns: undefined },
  ],
])('an administrator is told of what could never be served: %s (RFC 8705 §2.1.2)', async (what, changes) => {
  const response = await proxied.admin('POST', '/admin/v1/clients', {
    ...spec,
    clientId: what.replaceAll(' ', '-'),
    ...changes,
  })
  expect([response.status, ((await response.json()) as { readonly code: string }).code]).toEqual([
    422,
    'client_unusable',
  ])
})
