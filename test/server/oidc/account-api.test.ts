// One's own account as JSON (people.md §1): `/account/v1`.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { askForWord, cibaGrant } from '../../kit/ciba.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, authorize, postForm, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.account('alice@example.test')
  await rig.seed.account('bob@example.test')
  const redirectUris = [`${rig.issuer}/app/cb`]
  const grantTypes = ['authorization_code', 'refresh_token'] as const
  await rig.seed.client('photos', {
    redirectUris,
    grantTypes: [...grantTypes],
    scope: 'openid email offline_access access',
  })
  await rig.seed.client('settings', { redirectUris, grantTypes: [...grantTypes], scope: 'openid email account' })
  await rig.seed.client('bank', { grantTypes: [cibaGrant], scope: 'openid email' })
  as = {
    issuer: rig.issuer,
    client: { id: 'photos', redirectUri: `${rig.issuer}/app/cb`, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'email', 'offline_access', 'access'],
    resource: `${rig.issuer}/api`,
    parameters: { prompt: 'consent' },
  }
})

const settings = (identifier = 'alice@example.test'): SignInAs => ({
  ...as,
  client: { ...as.client, id: 'settings' },
  user: { identifier, password: alicePassword },
  scopes: ['openid', 'account'],
  resource: `${rig.issuer}/account`,
  parameters: {},
})

type Item = { readonly [member: string]: unknown; readonly id: string; readonly clientId: string }
/** The account as an app sees it that may look after it. */
async function openAccount(of: SignInAs = settings()) {
  const { tokens, browser } = await signIn(of)
  expect(tokens.status).toBe(200)
  const authorization = `Bearer ${tokens.body.access_token}`
  const ask = (method: string, path: string) =>
    fetch(`${rig.issuer}/account/v1${path}`, { method, headers: { authorization } })
  const list = async (path: string) => ((await (await ask('GET', path)).json()) as { items: Item[] }).items
  return { ask, list, browser, remove: async (path: string) => (await ask('DELETE', path)).status }
}
const userinfo = async (token = '') =>
  (await fetch(`${rig.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${token}` } })).status
const isActive = async (token = '') => {
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, as.client, { token })
  return (JSON.parse(body) as { active: boolean }).active
}

describe('whose account, and who may', () => {
  test('the profile is the token’s person', async () => {
    const { ask } = await openAccount()
    const me = await (await ask('GET', '/me')).json()
    expect(me).toMatchObject({ email: 'alice@example.test', createdAt: expect.any(String) })
    expect(me).not.toHaveProperty('password')
  })

  test('an app that is not registered for it gets no token for it', async () => {
    const { answer } = await authorize({ ...as, resource: `${rig.issuer}/account` })
    expect(answer.get('error')).toBe('invalid_target')
  })

  test('a token without the scope, or of another audience, is refused', async () => {
    const { tokens } = await signIn({ ...settings(), scopes: ['openid'] })
    const other = await signIn(as)
    for (const [token, status] of [
      [tokens.body.access_token, 403],
      [other.tokens.body.access_token, 401],
      [undefined, 401],
    ] as const) {
      const headers: { [name: string]: string } = token === undefined ? {} : { authorization: `Bearer ${token}` }
      const answer = await fetch(`${rig.issuer}/account/v1/me`, { headers })
      expect(answer.status).toBe(status)
      expect(answer.headers.get('content-type')).toContain('application/problem+json')
    }
  })

  test('a cookie opens nothing here, so no other site can make a browser do any of it', async () => {
    const { browser } = await openAccount()
    const cookie = [...browser.cookies()].map(([name, value]) => `${name}=${value}`).join('; ')
    const answer = await fetch(`${rig.issuer}/account/v1/sessions/others`, { method: 'DELETE', headers: { cookie } })
    expect(answer.status).toBe(401)
  })
})

describe('sessions (people.md §8)', () => {
  test('say which browser, from where, and when; the one behind the token is told apart', async () => {
    const agent = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    await signIn({ ...as, browser: openHttpBrowser({ 'user-agent': agent }) })
    const { list } = await openAccount()
    const sessions = await list('/sessions')
    expect(sessions).toHaveLength(2)
    expect(sessions.map(({ isCurrent }) => isCurrent)).toEqual([true, false])
    expect(sessions[1]).toMatchObject({ browser: 'Firefox', system: 'Linux', ip: '127.0.0.1', acr: 'pwd' })
    expect(sessions[1]?.applications).toEqual([{ clientId: 'photos', name: 'App photos' }])
  })

  test('one ends with the tokens that hang on it, and all others at once', async () => {
    const online = { ...as, scopes: ['openid', 'access'] }
    const { tokens } = await signIn(online)
    await signIn({ ...online, browser: openHttpBrowser() })
    const { list, remove } = await openAccount()
    const oldest = (await list('/sessions')).at(-1)
    expect(await isActive(tokens.body.access_token)).toBe(true)
    expect(await remove(`/sessions/${oldest?.id}`)).toBe(204)
    expect(await isActive(tokens.body.access_token)).toBe(false)
    expect(await remove(`/sessions/${oldest?.id}`)).toBe(404)
    expect(await remove('/sessions/others')).toBe(204)
    expect((await list('/sessions')).map(({ isCurrent }) => isCurrent)).toEqual([true])
  })

  test('somebody else’s is not there', async () => {
    await signIn(as)
    const alice = await openAccount()
    const bob = await openAccount(settings('bob@example.test'))
    for (const { id } of await alice.list('/sessions')) expect(await bob.remove(`/sessions/${id}`)).toBe(404)
    expect(await alice.list('/sessions')).toHaveLength(2)
  })
})

describe('apps and consents', () => {
  test('what was agreed to is taken back at once: at introspection, at userinfo and at refresh', async () => {
    const { tokens } = await signIn(as)
    const opaque = await refresh({ ...as }, tokens.body.refresh_token ?? '', { scope: 'openid email' })
    const { list, remove } = await openAccount()
    expect(await list('/consents')).toContainEqual(
      expect.objectContaining({ clientId: 'photos', scopes: expect.arrayContaining(['openid', 'email']) }),
    )
    expect(await isActive(tokens.body.access_token)).toBe(true)
    expect(await userinfo(opaque.body.access_token)).toBe(200)
    expect(await remove('/consents/photos')).toBe(204)
    expect(await isActive(tokens.body.access_token)).toBe(false)
    expect(await userinfo(opaque.body.access_token)).toBe(401)
    expect((await refresh(as, opaque.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
    expect((await list('/consents')).map(({ clientId }) => clientId)).not.toContain('photos')
    expect(await remove('/consents/photos')).toBe(404)
  })

  test('one scope can be taken back: what holds it ends, the rest stays agreed to', async () => {
    const { tokens } = await signIn(as)
    const { tokens: narrow } = await signIn({ ...as, scopes: ['openid', 'access'] })
    const { list, remove } = await openAccount()
    expect(await remove('/consents/photos?scope=email')).toBe(204)
    expect(await isActive(tokens.body.access_token)).toBe(false)
    expect(await isActive(narrow.body.access_token)).toBe(true)
    const left = (await list('/consents')).find(({ clientId }) => clientId === 'photos')
    expect(left?.scopes).not.toContain('email')
    expect(left?.scopes).toContain('openid')
    expect(await remove('/consents/photos?scope=email')).toBe(404)
    expect(await remove('/consents/photos?scope=a&scope=b')).toBe(400)
    expect(await remove('/consents/photos?everything=1')).toBe(422)
  })

  test('the history keeps what was agreed to and taken back, with its time', async () => {
    await signIn(as)
    const { list, remove } = await openAccount()
    await remove('/consents/photos')
    const history = (await list('/consents/history')).filter(({ clientId }) => clientId === 'photos')
    expect(history.map(({ action }) => action)).toEqual(['oidc.consent.withdrawn', 'oidc.consent.granted'])
    for (const row of history) {
      expect(row).toMatchObject({
        clientName: 'App photos',
        ip: '127.0.0.1',
        scopes: expect.arrayContaining(['email']),
      })
      expect(Date.parse(String(row.at))).not.toBeNaN()
    }
  })

  test('a connection is an installation that stays signed in: ended alone, or all of an app', async () => {
    const first = await signIn(as)
    const second = await signIn({ ...as, browser: openHttpBrowser() })
    const { list, remove } = await openAccount()
    const photos = async () =>
      (await list('/applications')).find(({ clientId }) => clientId === 'photos')?.connections as Item[] | undefined
    expect(await photos()).toHaveLength(2)
    const [newest] = (await photos()) ?? []
    expect(newest).toMatchObject({ grant: 'authorization_code', scopes: expect.arrayContaining(['offline_access']) })
    expect(await remove(`/applications/photos/connections/${newest?.id}`)).toBe(204)
    expect((await refresh(as, second.tokens.body.refresh_token ?? '')).body.error).toBe('invalid_grant')
    expect((await refresh(as, first.tokens.body.refresh_token ?? '')).status).toBe(200)
    expect(await remove('/applications/photos')).toBe(204)
    expect(await remove('/applications/photos')).toBe(404)
    expect((await list('/consents')).map(({ clientId }) => clientId)).toContain('photos')
  })
})

describe('activity', () => {
  test('is the person’s own rows, newest first, page by page', async () => {
    await signIn(as)
    const { ask, list } = await openAccount()
    const bob = await openAccount(settings('bob@example.test'))
    const all = await list('/activity?limit=50')
    expect(all.map(({ action }) => action)).toContain('identity.session.started')
    const first = (await (await ask('GET', '/activity?limit=2')).json()) as { items: Item[]; nextCursor: string }
    const next = await list(`/activity?limit=2&cursor=${encodeURIComponent(first.nextCursor)}`)
    expect([...first.items, ...next].map(({ id }) => id)).toEqual(all.slice(0, 4).map(({ id }) => id))
    const foreign = await bob.ask('GET', `/activity?limit=2&cursor=${encodeURIComponent(first.nextCursor)}`)
    expect(foreign.status).toBe(400)
    const theirs = new Set((await bob.list('/activity')).map(({ id }) => id))
    expect(all.filter(({ id }) => theirs.has(id))).toEqual([])
  })
})

describe('an app that waits for the person’s word (CIBA Core §8)', () => {
  const bank = () => ({ ...as, client: { ...as.client, id: 'bank' }, scopes: ['openid'] })
  const poll = async (id: string) => {
    rig.clock.advance(6_000)
    return askToken(bank(), { grant_type: cibaGrant, auth_req_id: id })
  }

  test('is shown with its message, and gets its tokens by the person’s yes', async () => {
    const asked = await askForWord(bank(), { binding_message: 'Transfer 482' })
    const { list, ask } = await openAccount()
    const [waiting] = await list('/authentication-requests')
    expect(waiting).toMatchObject({ clientName: 'App bank', bindingMessage: 'Transfer 482', scopes: ['openid'] })
    expect((await ask('POST', `/authentication-requests/${waiting?.id}/approve`)).status).toBe(204)
    expect((await ask('POST', `/authentication-requests/${waiting?.id}/deny`)).status).toBe(409)
    const { status, body } = await poll(asked.auth_req_id)
    expect([status, typeof body.id_token]).toEqual([200, 'string'])
  })

  test('gets nothing by a no', async () => {
    const asked = await askForWord(bank())
    const { list, ask } = await openAccount()
    const [waiting] = await list('/authentication-requests')
    expect((await ask('POST', `/authentication-requests/${waiting?.id}/deny`)).status).toBe(204)
    expect(await list('/authentication-requests')).toEqual([])
    expect((await poll(asked.auth_req_id)).body.error).toBe('access_denied')
  })

  test('a yes needs a sign-in of the last five minutes (RFC 9470 §3); a no does not', async () => {
    const { list, ask } = await openAccount()
    rig.clock.advance(5 * 60_000 + 1_000)
    await askForWord(bank())
    const [waiting] = await list('/authentication-requests')
    const refused = await ask('POST', `/authentication-requests/${waiting?.id}/approve`)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('www-authenticate')).toContain('max_age=300')
    expect(((await refused.json()) as { code: string }).code).toBe('reauthentication_required')
    expect((await ask('POST', `/authentication-requests/${waiting?.id}/deny`)).status).toBe(204)
  })

  test('another person’s is not there', async () => {
    await askForWord(bank())
    const alice = await openAccount()
    const bob = await openAccount(settings('bob@example.test'))
    const [waiting] = await alice.list('/authentication-requests')
    expect(await bob.list('/authentication-requests')).toEqual([])
    for (const verdict of ['approve', 'deny']) {
      expect((await bob.ask('POST', `/authentication-requests/${waiting?.id}/${verdict}`)).status).toBe(404)
    }
    expect(await alice.list('/authentication-requests')).toHaveLength(1)
  })
})
