// Initial access tokens and what a tenant settles about its provider, as state in files (surface.md, CLI).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openStand, type Stand } from '../oidc/registration/stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const apply = async (text: string, query = '') => {
  const headers = { authorization: `Bearer ${stand.adminToken}`, 'content-type': 'application/yaml' }
  const response = await fetch(`${stand.issuer}/admin/v1/apply${query}`, { method: 'POST', headers, body: text })
  return { status: response.status, body: (await response.json()) as { [member: string]: unknown } }
}
const exported = async () => {
  const headers = { authorization: `Bearer ${stand.adminToken}` }
  return (await fetch(`${stand.issuer}/admin/v1/export`, { headers })).text()
}
const token = `kind: InitialAccessToken
name: for-the-shop
spec: { scope: openid email, expiresInSeconds: 3600 }
`

test('a token is made once, shown once and good once; the same document again changes nothing', async () => {
  const { body } = await apply(token)
  expect(body.created).toEqual(['InitialAccessToken/for-the-shop'])
  const { token: value } = (body.secrets as { [name: string]: { token: string } })[
    'InitialAccessToken/for-the-shop'
  ] ?? {
    token: '',
  }
  const registered = await stand.register({ redirect_uris: ['https://shop.example/cb'] }, value)
  expect([registered.status, registered.body.scope]).toEqual([201, 'openid email'])
  const again = await apply(token)
  expect([again.body.unchanged, again.body.secrets]).toEqual([['InitialAccessToken/for-the-shop'], {}])
  expect(await exported()).not.toContain('InitialAccessToken')
})

test('pruning takes back what was not used', async () => {
  const { body } = await apply(token.replace('for-the-shop', 'for-nobody'))
  const secrets = body.secrets as { [name: string]: { token: string } }
  await apply(token, '?prune=true')
  const value = secrets['InitialAccessToken/for-nobody']?.token ?? ''
  expect(value).toMatch(/^wiat_/)
  expect((await stand.register({ redirect_uris: ['https://shop.example/cb'] }, value)).status).toBe(401)
})

const settings = (host: string) => `kind: OpenidSettings
name: openid
spec:
  clientDocumentHosts: [${host}]
  requestUri: true
`

test('settings are changed, compared and exported as a document', async () => {
  expect((await apply(settings('app.example'))).body.changed).toEqual(['OpenidSettings/openid'])
  expect((await apply(settings('app.example'))).body.unchanged).toEqual(['OpenidSettings/openid'])
  expect((await stand.admin('GET', '/openid-settings')).body).toMatchObject({
    clientDocumentHosts: ['app.example'],
    requestUri: true,
    registration: { resources: [] },
  })
  const text = await exported()
  expect(text).toContain('kind: OpenidSettings')
  expect((await apply(text)).body).toMatchObject({ created: [], changed: [] })
})

test.each([
  ['a token for two days', token.replace('3600', '172800')],
  ['a token with a grant that there is none of', token.replace('}', ', grantTypes: [implicit] }')],
  ['a host with a path', settings('app.example/x')],
  ['a wildcard host', settings('"*.example"')],
  ['an unknown setting', settings('app.example').replace('requestUri', 'requestUrl')],
])('%s is refused', async (_what, text) => {
  expect((await apply(text)).status).toBe(422)
})
