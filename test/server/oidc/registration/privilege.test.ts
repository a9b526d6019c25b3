// Whatever a client says of itself, in whatever order, it is what the rules and its terms allow (security.md row 12).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { askToken } from '../../../kit/sign-in.ts'
import { clientSecret } from '../rig.ts'
import { openStand, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
  await stand.rules(`@id("our-hosts")
allow registerClient on Tenant to anyone
  when ["app.example", "other.example"].containsAll(context.metadata.hosts)

@id("no-offline-for-strangers")
deny registerClient on Tenant to anyone
  when "other.example" in context.metadata.hosts and "offline_access" in context.metadata.scopes`)
})
afterAll(() => stand.close())

const some = (...values: readonly string[]) => fc.subarray([...values], { minLength: 1 })
const redirect = (host: string) => `https://${host}/cb`
const grants = (...types: readonly string[]) =>
  some(...types).map((chosen) => [...new Set(['authorization_code', ...chosen])])
const members = (scopes: readonly string[], hosts: readonly string[]) => ({
  redirect_uris: some(...hosts.map(redirect)),
  scope: some(...scopes).map((words) => words.join(' ')),
})
/** What could be taken, but for the rule about strangers. */
const plausible = fc.record({
  ...members(['openid', 'email', 'offline_access'], ['app.example', 'other.example']),
  grant_types: grants('refresh_token'),
  token_endpoint_auth_method: fc.constantFrom('none', 'client_secret_basic'),
})
const hostile = fc.record(
  {
    ...members(
      ['openid', 'offline_access', 'admin', 'access'],
      ['app.example', 'other.example', 'evil.example', '*.app.example'],
    ),
    grant_types: grants('refresh_token', 'client_credentials', 'implicit'),
    token_endpoint_auth_method: fc.constantFrom('none', 'client_secret_jwt'),
    firstParty: fc.boolean(),
    require_pkce: fc.boolean(),
    status: fc.constantFrom('active', 'disabled'),
    allowed_resources: fc.constant(['/admin']),
  },
  { requiredKeys: ['redirect_uris'] },
)
/** Good but for one thing. */
const greedy = fc
  .tuple(plausible, fc.constantFrom('openid admin', 'access', 'openid email admin'))
  .map(([attempt, scope]) => ({ ...attempt, scope }))
const attempts = fc.oneof(
  { arbitrary: plausible, weight: 3 },
  { arbitrary: hostile, weight: 1 },
  { arbitrary: greedy, weight: 1 },
)

test('update ∘ policy ⊆ policy', async () => {
  const app = { redirect_uris: ['https://app.example/cb'] }
  const { body } = await stand.register(app)
  const uri = String(body.registration_client_uri)
  let token = String(body.registration_access_token)
  let accepted = 0
  const property = fc.asyncProperty(attempts, async (attempt) => {
    const answer = await stand.call('PUT', uri, { client_id: body.client_id, ...attempt }, token)
    expect([200, 400, 403]).toContain(answer.status)
    if (answer.status === 200) {
      accepted += 1
      token = String(answer.body.registration_access_token)
    }
    const { body: stored } = await stand.admin('GET', `/clients/${body.client_id}`)
    const hosts = (stored.redirectUris as string[]).map((address) => new URL(address).host)
    const scopes = String(stored.scope).split(' ')
    expect(hosts.filter((host) => !['app.example', 'other.example'].includes(host))).toEqual([])
    expect(hosts.includes('other.example') && scopes.includes('offline_access')).toBe(false)
    expect(scopes.filter((scope) => ['admin', 'access'].includes(scope))).toEqual([])
    expect(stored).toMatchObject({
      firstParty: false,
      requirePkce: true,
      status: 'active',
      allowedResources: [],
      origin: 'registration',
    })
    expect(stored.grantTypes).not.toContain('client_credentials')
  })
  await fc.assert(property, { numRuns: 120 })
  expect(accepted).toBeGreaterThan(10)
}, 30_000)

test('once the rules close, what was registered changes no more', async () => {
  const app = { redirect_uris: ['https://app.example/cb'] }
  const { body } = await stand.register(app)
  await stand.rules('')
  const answer = await stand.call(
    'PUT',
    String(body.registration_client_uri),
    { client_id: body.client_id, ...app },
    String(body.registration_access_token),
  )
  expect([answer.status, answer.body.error]).toEqual([403, 'access_denied'])
})

test('two tenants never meet: tokens and clients of one are nothing in the other', async () => {
  await stand.rig.seed.tenant('acme')
  const app = { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }
  const token = await stand.initialToken()
  expect((await stand.call('POST', '/t/acme/oauth2/register', app, token)).status).toBe(401)
  const { body } = await stand.register(app, token)
  expect(body.registration_client_uri).toBe(`${stand.issuer}/oauth2/register/${body.client_id}`)
  const there = `/t/acme/oauth2/register/${body.client_id}`
  expect((await stand.call('GET', there, undefined, String(body.registration_access_token))).status).toBe(401)
  const { body: discovered } = await stand.call('GET', '/t/acme/.well-known/openid-configuration')
  expect(discovered.registration_endpoint).toBe(`${stand.issuer}/t/acme/oauth2/register`)
})

test('a token for decisions or administration needs terms that say so', async () => {
  const app = { redirect_uris: [], grant_types: ['client_credentials'] }
  const spec = { scope: 'access admin', grantTypes: ['client_credentials'], resources: ['/access'] }
  const { body } = await stand.register(app, await stand.initialToken(spec))
  const client = { id: String(body.client_id), redirectUri: '', secret: String(body.client_secret) }
  const ask = async (path: string, as = client) =>
    (
      await askToken(
        { issuer: stand.issuer, client: as },
        { grant_type: 'client_credentials', resource: stand.issuer + path },
      )
    ).status
  expect([await ask('/access'), await ask('/admin'), await ask('/api')]).toEqual([200, 400, 400])
  expect(await ask('/admin', { ...client, id: 'desk', secret: clientSecret })).toBe(200)
})
