// What a person takes back stays taken back, whatever is under way (security.md rows 2 and 16).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../../kit/availability.ts'
import { askForWord, cibaGrant } from '../../kit/ciba.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { authorize, postForm, redeem, refresh, type SignInAs, signIn, type TokenAnswer } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

describeWith(realPostgresNeed, 'one’s own account on a real PostgreSQL', () => {
  let postgres: RealPostgres
  let rig: Rig
  let as: SignInAs
  beforeAll(async () => {
    postgres = await startRealPostgres()
    rig = await openRig({ url: await postgres.createDatabase() })
    const redirectUris = [`${rig.issuer}/app/cb`]
    const grantTypes = ['authorization_code', 'refresh_token'] as const
    await rig.seed.account('alice@example.test')
    await rig.seed.client('photos', { redirectUris, grantTypes: [...grantTypes], scope: 'openid offline_access' })
    await rig.seed.client('settings', { redirectUris, scope: 'openid account' }, { firstParty: true })
    await rig.seed.client('bank', { grantTypes: [cibaGrant], scope: 'openid' })
    as = {
      issuer: rig.issuer,
      client: { id: 'photos', redirectUri: `${rig.issuer}/app/cb`, secret: clientSecret },
      user: { identifier: 'alice@example.test', password: alicePassword },
      scopes: ['openid', 'offline_access'],
      parameters: { prompt: 'consent' },
    }
  }, 60_000)
  afterAll(async () => {
    await rig.close()
    await postgres.stop()
  })

  const openAccount = async () => {
    const { tokens } = await signIn({
      ...as,
      client: { ...as.client, id: 'settings' },
      scopes: ['openid', 'account'],
      resource: `${rig.issuer}/account`,
      parameters: {},
    })
    const headers = { authorization: `Bearer ${tokens.body.access_token}` }
    return (method: string, path: string) => fetch(`${rig.issuer}/account/v1${path}`, { method, headers })
  }
  const isActive = async (token: string) => {
    const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, as.client, { token })
    return (JSON.parse(body) as { active: boolean }).active
  }

  test('a consent that is withdrawn while codes and refresh tokens are redeemed leaves no token', async () => {
    const ask = await openAccount()
    for (let round = 0; round < 4; round += 1) {
      const browser = openHttpBrowser()
      const held = await Promise.all(Array.from({ length: 8 }, () => signIn(as)))
      const codes = [await authorize({ ...as, browser }), await authorize({ ...as, browser })]
      const redeeming = [
        ...held.map(({ tokens }) => refresh(as, tokens.body.refresh_token ?? '')),
        ...codes.map((code) => redeem(as, code)),
      ]
      const [withdrawn, ...answers] = await Promise.all([ask('DELETE', '/consents/photos'), ...redeeming])
      expect(withdrawn.status).toBe(204)
      const all: readonly TokenAnswer[] = [...answers, ...held.map(({ tokens }) => tokens)]
      for (const { status, body } of all) {
        expect(status).toBeLessThan(500)
        if (body.access_token === undefined) continue
        expect(await isActive(body.access_token)).toBe(false)
        expect((await refresh(as, body.refresh_token ?? '')).body.error).toBe('invalid_grant')
      }
      for (const table of ['oidc_refresh_token', 'oidc_access_token', 'oidc_code', 'oidc_grant']) {
        expect(await rig.seed.run(`select 1 from ${table} where client_id = 'photos'`, [])).toEqual([])
      }
    }
  }, 120_000)

  test('of many words about one request the first counts', async () => {
    const ask = await openAccount()
    await askForWord({ ...as, client: { ...as.client, id: 'bank' }, scopes: ['openid'] })
    const { items } = (await (await ask('GET', '/authentication-requests')).json()) as { items: { id: string }[] }
    const words = Array.from({ length: 32 }, (_, at) => (at % 2 === 0 ? 'approve' : 'deny'))
    const answers = await Promise.all(
      words.map((word) => ask('POST', `/authentication-requests/${items[0]?.id}/${word}`)),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(31)
  }, 60_000)
})
