// What an auditor is told (provider.md §10): one row in the transaction of the change, and the outbox row with it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, authorize, postForm, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let as: SignInAs
let alice: string
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.tenant('default')
  alice = await rig.seed.account('alice@example.test')
  const redirectUri = `${rig.issuer}/app/cb`
  const metadata = {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code' as const, 'refresh_token' as const, 'client_credentials' as const],
    scope: 'openid email offline_access access',
  }
  await rig.seed.client('web', metadata)
  as = {
    issuer: rig.issuer,
    client: { id: 'web', redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
    scopes: ['openid', 'offline_access'],
    parameters: { prompt: 'consent' },
  }
  await rig.seed.run('delete from outbox', [])
  began = (await rig.seed.run('select coalesce(max(id), $1) as id from audit_event', ['']))[0] as { id: string }
})

let began: { id: string }
type Row = { readonly action: string; readonly outcome: string; readonly actor_id: string; readonly detail: object }
const audited = async (action: string) =>
  (await rig.seed.run(
    'select action, outcome, actor_id, detail from audit_event where id > $1 and action = $2 order by id',
    [began.id, action],
  )) as Row[]
const sent = async (topic: string) =>
  ((await rig.seed.run('select payload from outbox where topic = $1', [topic])) as { payload: object }[]).map(
    ({ payload }) => payload,
  )

describe('what a person agreed to', () => {
  test('consent, authorization and tokens each leave a row and an event', async () => {
    const { tokens } = await signIn(as)
    expect(tokens.status).toBe(200)
    expect(await audited('oidc.consent.granted')).toMatchObject([
      { outcome: 'success', detail: { userId: alice, clientId: 'web', scopes: ['openid', 'offline_access'] } },
    ])
    expect(await audited('oidc.authorization.granted')).toHaveLength(1)
    expect(await audited('oidc.token.issued')).toMatchObject([
      { actor_id: 'web', detail: { grant: 'authorization_code', userId: alice, decisionId: expect.any(String) } },
    ])
    expect(await sent('oidc.token.issued')).toMatchObject([{ clientId: 'web', userId: alice }])
  })

  test('a refusal is told too, and gives nothing', async () => {
    const browser = openHttpBrowser()
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: 'web',
      redirect_uri: as.client.redirectUri,
      scope: 'openid',
      code_challenge: 'c'.repeat(43),
      code_challenge_method: 'S256',
    })
    await browser.open(`${rig.issuer}/oauth2/authorize?${query}`)
    await browser.submit({ ...as.user })
    await browser.submit({}, 'deny')
    expect(await audited('oidc.authorization.denied')).toMatchObject([
      { outcome: 'denied', detail: { clientId: 'web', userId: alice } },
    ])
    expect(await audited('oidc.consent.granted')).toEqual([])
  })

  test('signing out is told', async () => {
    const { browser, tokens } = await signIn(as)
    await browser.open(`${rig.issuer}/oauth2/end_session?id_token_hint=${tokens.body.id_token ?? ''}`)
    await browser.submit({}, 'logout')
    expect(await audited('identity.session.ended')).toMatchObject([{ detail: { userId: alice } }])
  })
})

describe('what was used twice', () => {
  test('a replayed code is told with the grant that it ended (RFC 6749 §4.1.2)', async () => {
    const authorization = await authorize(as)
    await redeem(as, authorization)
    await redeem(as, authorization)
    expect(await audited('oidc.code.replayed')).toMatchObject([{ outcome: 'denied', detail: { clientId: 'web' } }])
    expect(await sent('oidc.grant.revoked')).toMatchObject([{ reason: 'code_replayed' }])
  })

  test('a refresh token used after its grace is told, and ends the family (RFC 9700 §4.14.2)', async () => {
    const { tokens } = await signIn(as)
    const first = tokens.body.refresh_token ?? ''
    const second = (await refresh(as, first)).body.refresh_token ?? ''
    await refresh(as, second)
    expect((await refresh(as, first)).body.error).toBe('invalid_grant')
    expect(await sent('oidc.refresh.reused')).toHaveLength(1)
    expect(await sent('oidc.grant.revoked')).toMatchObject([{ reason: 'refresh_reused' }])
  })

  test('asking again within the grace is no reuse', async () => {
    const { tokens } = await signIn(as)
    await refresh(as, tokens.body.refresh_token ?? '')
    expect((await refresh(as, tokens.body.refresh_token ?? '')).status).toBe(200)
    expect(await sent('oidc.refresh.reused')).toEqual([])
  })
})

test('a revocation is told (RFC 7009)', async () => {
  const { tokens } = await signIn(as)
  await postForm(`${rig.issuer}/oauth2/revoke`, as.client, { token: tokens.body.refresh_token ?? '' })
  expect(await audited('oidc.token.revoked')).toMatchObject([{ actor_id: 'web' }])
  expect(await sent('oidc.grant.revoked')).toMatchObject([{ reason: 'asked' }])
})

test('new signing keys are told', async () => {
  const rows = await rig.seed.run("select detail from audit_event where action = 'oidc.key.created'", [])
  expect(rows).toHaveLength(2)
})

test('nothing that is told opens anything', async () => {
  const { tokens, answer } = await signIn(as)
  const next = await refresh(as, tokens.body.refresh_token ?? '')
  const rows = JSON.stringify([
    await rig.seed.run('select detail from audit_event', []),
    await rig.seed.run('select payload from outbox', []),
  ])
  const secrets = [answer.get('code'), tokens.body.access_token, tokens.body.refresh_token, next.body.refresh_token]
  for (const secret of secrets) expect(rows).not.toContain(secret)
})

describe('a client that cannot show who it is', () => {
  const guess = (secret: string, id = 'web') =>
    postForm(`${rig.issuer}/oauth2/token`, { id, secret }, { grant_type: 'client_credentials' })

  test('is told and counted; past twenty failures nothing is compared for a while, and nothing more is written', async () => {
    for (let count = 0; count < 21; count += 1) expect((await guess(`wrong-${count}`)).status).toBe(401)
    const throttled = await guess('wrong-again')
    expect(throttled).toMatchObject({ status: 429, body: expect.stringContaining('invalid_client') })
    expect(throttled.headers.get('retry-after')).toBe('60')
    expect((await guess(clientSecret)).status).toBe(429)
    expect(await audited('oidc.token.refused')).toHaveLength(20)
    rig.clock.advance(11 * 60_000)
    expect((await guess(clientSecret)).status).toBe(200)
  })

  test('another client from the same address is not affected', async () => {
    await rig.seed.client('other', { grantTypes: ['client_credentials'], scope: 'access' })
    for (let count = 0; count < 22; count += 1) await guess(`wrong-${count}`, 'other')
    expect((await guess('wrong', 'other')).status).toBe(429)
    expect((await guess(clientSecret)).status).toBe(200)
  })

  test('names that no client has share one count and are never written down', async () => {
    for (let count = 0; count < 25; count += 1) await guess('x', `no-such-${count}`)
    const rows = await audited('oidc.token.refused')
    expect(rows).toHaveLength(20)
    expect(JSON.stringify(rows)).not.toContain('no-such')
    expect((await askToken(as, { grant_type: 'client_credentials' })).status).toBe(200)
  })
})

test('what a client is given for itself stands in the trail too, one row a grant, also of many at once', async () => {
  const ask = () => askToken(as, { grant_type: 'client_credentials', scope: 'access' })
  const answers = await Promise.all(Array.from({ length: 20 }, ask))
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  const rows = await audited('oidc.token.issued')
  expect(rows).toHaveLength(20)
  expect(rows[0]).toMatchObject({
    actor_id: 'web',
    outcome: 'success',
    detail: { grant: 'client_credentials', clientId: 'web', scopes: ['access'], audience: `${rig.issuer}/api` },
  })
})
