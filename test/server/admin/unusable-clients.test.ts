import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startServer, type TestServer } from '../../kit/start-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.stop())

const create = (clientId: string, metadata: object) =>
  server.admin('POST', '/admin/v1/clients', {
    clientId,
    name: clientId,
    grantTypes: ['authorization_code'],
    ...metadata,
  })
const codeOf = async (answer: Response) => [answer.status, ((await answer.json()) as { code?: string }).code]
const signed = { profile: 'fapi2', tokenEndpointAuthMethod: 'private_key_jwt', jwksUri: 'https://bank.example/jwks' }
const redirectUris = ['https://bank.example/cb']

test.each([
  ['a secret in the FAPI profile (FAPI 2.0 §5.3.2.1)', { profile: 'fapi2', redirectUris }],
  ['a scheme of its own in the FAPI profile (§5.3.2.2)', { ...signed, redirectUris: ['com.example.bank:/cb'] }],
  [
    'pairwise redirects of two hosts without a sector (OIDC Core §8.1)',
    { subjectType: 'pairwise', redirectUris: ['https://a.example/cb', 'https://b.example/cb'] },
  ],
])('%s is refused when it is written, not when it is used', async (_, metadata) => {
  expect(await codeOf(await create('wrong', metadata))).toEqual([422, 'client_unusable'])
  const missing = await server.admin('GET', '/admin/v1/clients/wrong')
  expect(missing.status).toBe(404)
})

test('what can be served is written, and cannot be changed into what cannot', async () => {
  expect((await create('bank', { ...signed, redirectUris })).status).toBe(201)
  expect((await create('shop', { subjectType: 'pairwise', redirectUris })).status).toBe(201)
  const change = (body: object) => server.admin('PATCH', '/admin/v1/clients/bank', body, { 'if-match': '*' })
  expect(await codeOf(await change({ tokenEndpointAuthMethod: 'client_secret_basic' }))).toEqual([
    422,
    'client_unusable',
  ])
  expect((await change({ name: 'Bank' })).status).toBe(200)
})

const encrypted = { idTokenEncryptedResponseAlg: 'ECDH-ES' }
const rsa = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }

test.each([
  ['a signature that the tenant has no keys for', { idTokenSignedResponseAlg: 'PS256' }],
  ['encryption without a key to encrypt to', encrypted],
  ['encryption to a key of another kind (RFC 7518 §4.6)', { ...encrypted, jwks: { keys: [rsa] } }],
  ['a content algorithm alone', { idTokenEncryptedResponseEnc: 'A256GCM' }],
])('%s is refused when it is written', async (_, metadata) => {
  expect(await codeOf(await create('wrong', { redirectUris, ...metadata }))).toEqual([422, 'client_unusable'])
})

test.each(['RSA1_5', 'dir', 'A128KW'])('%s is no algorithm to encrypt with (RFC 8725 §3.2)', async (alg) => {
  const metadata = { redirectUris, jwks: { keys: [rsa] }, idTokenEncryptedResponseAlg: alg }
  expect((await create('wrong', metadata)).status).toBe(422)
})

test('an algorithm is named before clients ask for it, and not taken away while one does', async () => {
  const settle = async (signingAlgorithms: readonly string[]) =>
    codeOf(await server.admin('PUT', '/admin/v1/openid-settings', { signingAlgorithms }))
  const settleByDocument = async (algorithms: string) => {
    const text = `kind: OpenidSettings\nname: openid\nspec: { signingAlgorithms: [${algorithms}] }\n`
    const headers = { authorization: `Bearer ${server.adminToken()}`, 'content-type': 'application/yaml' }
    return (await fetch(`${server.url}/admin/v1/apply`, { method: 'POST', headers, body: text })).status
  }
  expect(await settleByDocument('PS256')).toBe(200)
  const modern = { redirectUris, idTokenSignedResponseAlg: 'PS256' }
  expect((await create('modern', modern)).status).toBe(201)
  expect(await settle([])).toEqual([409, 'algorithm_in_use'])
  expect(await settleByDocument('EdDSA')).toBe(409)
  expect((await server.admin('DELETE', '/admin/v1/clients/modern', undefined, { 'if-match': '*' })).status).toBe(204)
  expect(await settleByDocument('EdDSA')).toBe(200)
})
