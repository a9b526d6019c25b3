// Clients that manage themselves (RFC 7592), and what an administrator sees of them.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { expireUnusedClients } from '../../../../server/oidc/registration/expire-clients.ts'
import { askToken, signIn } from '../../../kit/sign-in.ts'
import { alicePassword } from '../rig.ts'
import { openSites, type Sites } from './sites.ts'
import { type Answer, openStand, type Stand } from './stand.ts'

let sites: Sites
let stand: Stand
let app: Answer['body']
beforeAll(async () => {
  sites = await openSites('app.example')
  stand = await openStand({ egress: sites.egress })
  await stand.rig.seed.account('alice@example.test')
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})
beforeEach(async () => {
  app = (await stand.register(metadata, await stand.initialToken())).body
})

const metadata = {
  client_name: 'My app',
  redirect_uris: ['https://app.example/cb'],
  grant_types: ['authorization_code'],
}
const uri = () => String(app.registration_client_uri)
const token = () => String(app.registration_access_token)
const whole = (more: object = {}) => ({ client_id: app.client_id, ...metadata, ...more })
const put = (sent: object, by = token()) => stand.call('PUT', uri(), sent, by)

describe('reading (RFC 7592 §2.1)', () => {
  test('the holder of the token reads the client, without its secret', async () => {
    const { status, body } = await stand.call('GET', uri(), undefined, token())
    expect([status, body.client_id, body.client_secret]).toEqual([200, app.client_id, undefined])
    expect(body.registration_access_token).toBe(token())
  })

  test.each([
    ['no token', () => undefined],
    ['another token', () => 'wrat_unknown'],
    ['an initial access token', () => stand.initialToken()],
    ['the token of an administrator', () => stand.adminToken],
  ])('%s is 401', async (_what, make) => {
    const answer = await stand.call('GET', uri(), undefined, await make())
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_token'])
  })

  test('the token of one client is nothing at another', async () => {
    const other = (await stand.register(metadata, await stand.initialToken())).body
    expect((await stand.call('GET', String(other.registration_client_uri), undefined, token())).status).toBe(401)
  })

  test('neither token nor secret stands in the database (security.md row 11)', async () => {
    const tables = ['client', 'client_registration', 'oidc_initial_token', 'audit_event', 'outbox']
    const texts = await Promise.all(tables.map((table) => stand.rig.seed.run(`select * from ${table}`, [])))
    const dump = JSON.stringify(texts, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    expect(dump).toContain(String(app.client_id))
    for (const secret of [token(), String(app.client_secret)]) expect(dump).not.toContain(secret)
    expect(stand.rig.logged()).not.toContain(token())
  })
})

describe('changing (RFC 7592 §2.2)', () => {
  test('an update replaces the client as a whole and rotates the token', async () => {
    const { status, body } = await put(whole({ client_name: 'Other name', contacts: ['ops@app.example'] }))
    expect([status, body.client_name, body.contacts]).toEqual([200, 'Other name', ['ops@app.example']])
    expect(body.registration_access_token).not.toBe(token())
    expect((await stand.call('GET', uri(), undefined, token())).status).toBe(401)
    const next = String(body.registration_access_token)
    expect((await put(whole(), next)).body.contacts).toBeUndefined()
  })

  test('of many updates with one token one wins', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, (_, at) => put(whole({ client_name: `Name ${at}` }))))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(7)
  })

  test.each([
    ['skipConsent', { skipConsent: true }],
    ['skip_consent', { skip_consent: true }],
    ['requirePkce: false', { requirePkce: false }],
    ['require_pkce: false', { require_pkce: false }],
    ['firstParty', { firstParty: true }],
    ['first_party', { first_party: true }],
    ['profile', { profile: 'oauth21' }],
    ['tenant', { tenant: 'other' }],
    ['status', { status: 'active' }],
    ['allowed_resources', { allowed_resources: ['/admin'] }],
    ['trusted_issuers', { trusted_issuers: ['https://evil.example'] }],
    ['a scope outside of the allow-list', { scope: 'openid admin' }],
    ['a grant outside of the allow-list', { grant_types: ['client_credentials'] }],
    ['another client', { client_id: 'desk' }],
    ['a secret of its own choosing', { client_secret: 'a-secret-of-its-own-choosing-0123456789' }],
    ['the time of its making', { client_id_issued_at: 1 }],
    ['a wildcard redirect', { redirect_uris: ['https://*.example/cb'] }],
  ])('%s is refused and changes nothing (security.md row 12)', async (_what, more) => {
    const { status, body } = await put(whole(more))
    expect(status).toBe(400)
    expect(['invalid_client_metadata', 'invalid_redirect_uri']).toContain(body.error)
    expect((await stand.call('GET', uri(), undefined, token())).status).toBe(200)
  })

  test('with its present secret it may, and a client that turns public loses it', async () => {
    const kept = await put(whole({ client_secret: app.client_secret }))
    expect([kept.status, kept.body.client_secret]).toEqual([200, undefined])
    const next = String(kept.body.registration_access_token)
    const turned = await put(whole({ token_endpoint_auth_method: 'none' }), next)
    expect(turned.body.token_endpoint_auth_method).toBe('none')
    const back = await put(whole(), String(turned.body.registration_access_token))
    expect(back.body.client_secret).toEqual(expect.any(String))
    expect(back.body.client_secret).not.toBe(app.client_secret)
  })

  test('a rule that binds registration binds every update as if it were new (security.md §2.18)', async () => {
    await stand.rules(`@id("no-evil")
deny registerClient on Tenant to anyone
  when "evil.example" in context.metadata.hosts
  because "Not from there."`)
    const refused = await put(whole({ redirect_uris: ['https://app.example/cb', 'https://evil.example/cb'] }))
    await stand.rules('')
    expect([refused.status, refused.body]).toEqual([
      403,
      { error: 'access_denied', error_description: 'Not from there.' },
    ])
  })

  test('updateClient is asked of the client itself', async () => {
    await stand.rules(`@id("frozen")
deny updateClient on Tenant to anyone`)
    const refused = await put(whole())
    await stand.rules('')
    expect([refused.status, refused.body.error]).toEqual([403, 'access_denied'])
  })
})

describe('what an administrator does', () => {
  const path = () => `/clients/${app.client_id}`
  const patch = async (change: object) => {
    const etag = (await stand.admin('GET', path())).headers.get('etag') ?? ''
    const response = await fetch(`${stand.issuer}/admin/v1${path()}`, {
      method: 'PATCH',
      headers: {
        authorization: `Bearer ${stand.adminToken}`,
        'content-type': 'application/json',
        'if-match': etag,
      },
      body: JSON.stringify(change),
    })
    expect(response.status).toBe(200)
  }

  test('dynamic clients are told apart in the list', async () => {
    const listed = await stand.admin('GET', '/clients?origin=registration&limit=100')
    const items = listed.body.items as { id: string; origin: string }[]
    expect(items.map(({ id }) => id)).toContain(app.client_id)
    expect(new Set(items.map(({ origin }) => origin))).toEqual(new Set(['registration']))
    expect((await stand.admin('GET', '/clients/desk')).body.origin).toBe('administrator')
  })

  test('a disabled client cannot be managed, so it cannot enable itself', async () => {
    await patch({ status: 'disabled' })
    expect((await put(whole())).status).toBe(401)
    expect((await stand.admin('GET', path())).body.status).toBe('disabled')
  })

  test('an administrator who comes between is not overwritten', async () => {
    const slow = 'https://app.example/slow.png'
    let release = () => {}
    const asked = new Promise<void>((heard) => {
      sites.put(slow, {
        answer: (response) => {
          release = () => response.end('x')
          heard()
        },
      })
    })
    const updating = put(whole({ logo_uri: slow, scope: 'openid email' }))
    await asked
    await patch({ scope: 'openid' })
    release()
    const { status, body } = await updating
    expect([status, body.error]).toEqual([412, 'invalid_request'])
    expect((await stand.admin('GET', path())).body.scope).toBe('openid')
    // Nothing of it was kept, so the token is still the one.
    expect((await put(whole({ scope: 'openid email' }))).status).toBe(400)
  })

  test('what an administrator took stays taken, and what it gave stays given', async () => {
    await patch({ scope: 'openid' })
    expect((await put(whole({ scope: 'openid email' }))).status).toBe(400)
    await patch({ scope: 'openid access', allowedResources: ['/access'] })
    const { status, body } = await put(whole({ scope: 'openid access' }))
    expect([status, body.scope]).toEqual([200, 'openid access'])
    expect((await stand.admin('GET', path())).body.allowedResources).toEqual(['/access'])
  })

  test('what it says of other things leaves the terms as they are; what it gives to a stranger stands too', async () => {
    const narrow = (await stand.register({ ...metadata, scope: 'openid' }, await stand.initialToken())).body
    app = narrow
    await patch({ status: 'disabled' })
    await patch({ status: 'active' })
    expect((await put(whole({ scope: 'openid email' }))).status).toBe(200)

    await stand.rules('@id("open")\nallow registerClient on Tenant to anyone')
    app = (await stand.register(metadata)).body
    await patch({ scope: 'openid access' })
    const { status, body } = await put(whole({ scope: 'openid access' }))
    await stand.rules('')
    expect([status, body.scope]).toEqual([200, 'openid access'])
  })

  test('a profile that an administrator set is kept by every update (provider.md §6)', async () => {
    await patch({ accessTokenLifetimeSeconds: 120, trustedIssuers: ['https://login.partner.example'] })
    expect((await put(whole())).status).toBe(200)
    const { body } = await stand.admin('GET', path())
    expect([body.accessTokenLifetimeSeconds, body.trustedIssuers]).toEqual([120, ['https://login.partner.example']])
  })

  test('a client that lost its token is given another; nobody else has one', async () => {
    const { status, body } = await stand.admin('POST', `${path()}/rotate-registration-token`)
    expect([status, body.registrationClientUri]).toEqual([200, uri()])
    expect((await stand.call('GET', uri(), undefined, token())).status).toBe(401)
    expect((await stand.call('GET', uri(), undefined, String(body.registrationAccessToken))).status).toBe(200)
    expect((await stand.admin('POST', '/clients/desk/rotate-registration-token')).status).toBe(404)
    expect((await stand.call('POST', `/admin/v1${path()}/rotate-registration-token`)).status).toBe(401)
  })

  test('files do not hold what registered itself', async () => {
    const headers = { authorization: `Bearer ${stand.adminToken}` }
    const text = await (await fetch(`${stand.issuer}/admin/v1/export`, { headers })).text()
    expect(text).toContain('desk')
    expect(text).not.toContain(app.client_id)
  })
})

describe('ending', () => {
  test('a client removes itself, and its tokens with it (RFC 7592 §2.3)', async () => {
    expect((await stand.call('DELETE', uri(), undefined, token())).status).toBe(204)
    expect((await stand.call('GET', uri(), undefined, token())).status).toBe(401)
    expect((await stand.admin('GET', `/clients/${app.client_id}`)).status).toBe(404)
  })

  test('what happened stands in the audit trail and leaves as events', async () => {
    await put(whole())
    const names = await stand.audited('oidc.client.%')
    expect(names).toEqual(
      expect.arrayContaining(['oidc.client.registered', 'oidc.client.updated', 'oidc.client.removed']),
    )
    const sent = await stand.rig.seed.run(`select topic from outbox where topic like 'oidc.client.%'`, [])
    expect((sent as { topic: string }[]).map(({ topic }) => topic)).toEqual(
      expect.arrayContaining(['oidc.client.registered', 'oidc.client.updated', 'oidc.client.removed']),
    )
  })

  test('unused for ninety days it expires, used it stays; a disabled one stays disabled', async () => {
    const redirectUri = `${stand.issuer}/app/cb`
    const used = (await stand.register({ ...metadata, redirect_uris: [redirectUri] }, await stand.initialToken())).body
    const off = (await stand.register(metadata, await stand.initialToken())).body
    const days = (count: number) => stand.rig.clock.advance(count * 86_400_000)
    const age = `update client set created_at = created_at - interval '60 days' where id = any($1::text[])`
    await stand.rig.seed.run(age, [[used.client_id, off.client_id, app.client_id]])
    await stand.rig.seed.run(`update client set status = 'disabled' where id = $1`, [off.client_id])
    const client = { id: String(used.client_id), redirectUri, secret: String(used.client_secret) }
    const user = { identifier: 'alice@example.test', password: alicePassword }
    expect((await signIn({ issuer: stand.issuer, client, user })).tokens.status).toBe(200)
    expect(await expireUnusedClients(stand.rig.kernel)).toBe(0)
    days(31)
    expect(await expireUnusedClients(stand.rig.kernel)).toBeGreaterThan(0)
    const left = await stand.rig.seed.run('select id from client where id = any($1::text[]) order by id', [
      [used.client_id, off.client_id, app.client_id],
    ])
    days(-31)
    expect((left as { id: string }[]).map(({ id }) => id)).toEqual([used.client_id, off.client_id].sort())
    expect(await stand.audited('oidc.client.expired')).not.toHaveLength(0)
    expect(
      (await askToken({ issuer: stand.issuer, client: { ...client, id: String(app.client_id) } }, {})).status,
    ).not.toBe(200)
  })
})
