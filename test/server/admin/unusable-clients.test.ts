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
