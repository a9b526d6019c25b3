// Single use under real concurrency: only a server with many sessions shows races (security.md row 2).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { askToken, authorize, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const rivals = 64

describeWith(realPostgresNeed, 'single use on a real PostgreSQL', () => {
  let postgres: RealPostgres
  let rig: Rig
  let as: SignInAs
  beforeAll(async () => {
    postgres = await startRealPostgres()
    rig = await openRig({ url: await postgres.createDatabase() })
    const redirectUri = `${rig.issuer}/app/cb`
    await rig.seed.account('alice@example.test')
    await rig.seed.client('web', {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid offline_access',
    })
    as = {
      issuer: rig.issuer,
      client: { id: 'web', redirectUri, secret: clientSecret },
      user: { identifier: 'alice@example.test', password: alicePassword },
      scopes: ['openid', 'offline_access'],
      parameters: { prompt: 'consent' },
    }
  }, 60_000)
  afterAll(async () => {
    await rig.close()
    await postgres.stop()
  })

  test('of 64 parallel redemptions of a code one wins, and the replay takes back what it gave (RFC 6749 §4.1.2)', async () => {
    const authorization = await authorize(as)
    const answers = await Promise.all(Array.from({ length: rivals }, () => redeem(as, authorization)))
    const won = answers.filter(({ status }) => status === 200)
    expect(won).toHaveLength(1)
    expect(
      new Set(answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.error}`)),
    ).toEqual(new Set(['400 invalid_grant']))
    const later = await refresh(as, won[0]?.body.refresh_token ?? '')
    expect(later).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('64 parallel refreshes by one client rotate once and all get the same successor (provider.md §2)', async () => {
    const { tokens } = await signIn(as)
    const token = tokens.body.refresh_token ?? ''
    const answers = await Promise.all(Array.from({ length: rivals }, () => refresh(as, token)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    expect(successors.has(token)).toBe(false)
    const rows = await rig.seed.run(
      'select count(*)::int as count from oidc_refresh_token where consumed_at is not null',
      [],
    )
    expect(rows[0]).toEqual({ count: 1 })
  })

  test('an unknown token is never found, however often it is asked', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => askToken(as, { grant_type: 'refresh_token', refresh_token: 'nothing' })),
    )
    expect(new Set(answers.map(({ body }) => body.error))).toEqual(new Set(['invalid_grant']))
  })
})
