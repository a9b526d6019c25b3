// One contract for the library's storage, on the embedded database and on a real one (provider.md §3).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import { anonymous } from '../../../server/http/authentication.ts'
import type { RequestScope } from '../../../server/http/request-scope.ts'
import { createGate } from '../../../server/issuance/gate.ts'
import { createAdapter } from '../../../server/oidc/adapter.ts'
import { createExchanges, type Exchange } from '../../../server/oidc/exchange.ts'
import { loadLibrary } from '../../../server/oidc/library.ts'
import { createReplayGuard } from '../../../server/oidc/replay-guard.ts'
import { createSecurityLog } from '../../../server/oidc/security-log.ts'
import { sweepExpired } from '../../../server/oidc/sweep.ts'
import { describeWith } from '../../kit/availability.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { openRig, type Rig } from './rig.ts'

describe('the adapter on the embedded database', () => contract(async () => ({ end: async () => {} })))
describeWith(realPostgresNeed, 'the adapter on a real PostgreSQL', () =>
  contract(async () => {
    const postgres: RealPostgres = await startRealPostgres()
    return { url: await postgres.createDatabase(), end: () => postgres.stop() }
  }),
)

function contract(open: () => Promise<{ readonly url?: string; readonly end: () => Promise<void> }>): void {
  let rig: Rig
  let end: () => Promise<void>
  let adapterOf: (model: string) => Adapter
  let accountId: string
  const exchanges = createExchanges()

  beforeAll(async () => {
    const opened = await open()
    end = opened.end
    rig = await openRig(opened.url === undefined ? {} : { url: opened.url })
    accountId = await rig.seed.account('alice@example.test')
    await rig.seed.client('web', {
      redirectUris: ['https://app.example/cb'],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid offline_access',
    })
    const { database, clock, log, secrets } = rig.kernel
    adapterOf = createAdapter({
      library: await loadLibrary(log),
      database,
      clock,
      tenantId: 'default',
      issue: createGate(rig.kernel),
      exchanges,
      securityLog: createSecurityLog(rig.kernel.withTransaction),
      secrets,
      findClient: async () => undefined,
    })
  }, 60_000)
  afterAll(async () => {
    await rig.close()
    await end()
  })

  const inRequest = <T>(run: (exchange: Exchange) => Promise<T>, spends = false): Promise<T> => {
    const { kernel } = rig
    const tenant = kernel.tenants.default()
    const policy = kernel.policies.peek(tenant.id)
    if (!policy) throw new Error('no policy')
    const scope: RequestScope = {
      requestId: 'req_1',
      tenant,
      subject: anonymous,
      scopes: new Set(),
      ip: '192.0.2.1',
      policy,
      now: rig.clock.now(),
    }
    return exchanges.run({ scope, spends }, run)
  }
  const token = (more: AdapterPayload = {}): AdapterPayload => ({
    grantId: 'grant-1',
    accountId,
    clientId: 'web',
    scope: 'openid',
    nonce: 'a\u0000b "é" \u{1f9a6}',
    ...more,
  })
  const stored = (table: string) => rig.seed.run(`select * from ${table}`, [])

  test.each(['AuthorizationCode', 'RefreshToken', 'Session', 'Grant', 'Interaction'])(
    '%s comes back as it went, but for what is secret',
    async (model) => {
      const id = `secret-of-${model}`
      const payload = { ...token({ jti: id }), uid: `uid-of-${model}`, session: { uid: 'u', cookie: 'the-session-id' } }
      await inRequest(() => adapterOf(model).upsert(id, payload, 600))
      const back = await inRequest(() => adapterOf(model).find(id))
      expect(back).toMatchObject({ ...token({ jti: id }) })
      const tables = ['oidc_code', 'oidc_refresh_token', 'oidc_session', 'oidc_interaction']
      const text = JSON.stringify(await Promise.all(tables.map(stored)))
      expect(text).not.toContain(id)
      if (model === 'Interaction') expect(text).not.toContain('the-session-id')
      await inRequest(() => adapterOf(model).destroy(id))
      expect(await inRequest(() => adapterOf(model).find(id))).toBeUndefined()
    },
  )

  test.each([
    ['AuthorizationCode', 'a-code'],
    ['RefreshToken', 'a-refresh-token'],
  ])('%s is consumed once', async (model, id) => {
    await inRequest(() => adapterOf(model).upsert(id, token({ grantId: id }), 600))
    await inRequest(() => adapterOf(model).consume(id))
    expect(await inRequest(() => adapterOf(model).find(id))).toMatchObject({ consumed: expect.any(Number) })
    await expect(inRequest(() => adapterOf(model).consume(id))).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  test('a code consumed twice takes its grant along (RFC 6749 §4.1.2)', async () => {
    await inRequest(() => adapterOf('Grant').upsert('grant-2', token(), 600))
    await inRequest(() => adapterOf('AuthorizationCode').upsert('code-2', token({ grantId: 'grant-2' }), 600))
    await inRequest(() => adapterOf('RefreshToken').upsert('refresh-2', token({ grantId: 'grant-2' }), 600))
    await inRequest(() => adapterOf('AuthorizationCode').consume('code-2'))
    await expect(inRequest(() => adapterOf('AuthorizationCode').consume('code-2'))).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    expect(await inRequest(() => adapterOf('Grant').find('grant-2'))).toBeUndefined()
    expect(await inRequest(() => adapterOf('RefreshToken').find('refresh-2'))).toBeUndefined()
  })

  test('revocation by grant touches that grant alone', async () => {
    for (const grantId of ['grant-3', 'grant-4']) {
      await inRequest(() => adapterOf('RefreshToken').upsert(`refresh-of-${grantId}`, token({ grantId }), 600))
    }
    await inRequest(() => adapterOf('RefreshToken').revokeByGrantId('grant-3'))
    expect(await inRequest(() => adapterOf('RefreshToken').find('refresh-of-grant-3'))).toBeUndefined()
    expect(await inRequest(() => adapterOf('RefreshToken').find('refresh-of-grant-4'))).toBeDefined()
  })

  test('nothing is minted without the gate: no permit, no request, a refusal', async () => {
    await expect(inRequest(() => adapterOf('AccessToken').upsert('at', token(), 600))).rejects.toThrow(
      'without a permit',
    )
    await expect(adapterOf('AuthorizationCode').upsert('code', token(), 600)).rejects.toThrow('outside of a request')
    const admin = token({ scope: 'openid admin' })
    await expect(inRequest(() => adapterOf('AuthorizationCode').upsert('code', admin, 600))).rejects.toMatchObject({
      error: 'access_denied',
      statusCode: 400,
    })
    await expect(inRequest(() => adapterOf('RefreshToken').upsert('rt', admin, 600))).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    await expect(adapterOf('PreAuthorizedCode').upsert('dc', token(), 600)).rejects.toThrow('has no table')
  })

  test('of many uses of one assertion at once one passes, and another purpose has its own (security.md row 2)', async () => {
    const claim = createReplayGuard(rig.database, 'default')
    const expiry = Math.floor(rig.clock.now() / 1_000) + 60
    const use = { purpose: 'client', issuer: 'web', id: 'assertion' } as const
    const outcomes = await Promise.all(Array.from({ length: 32 }, () => claim(use, expiry)))
    expect(outcomes.filter(Boolean)).toHaveLength(1)
    expect(await claim({ ...use, purpose: 'resource' }, expiry)).toBe(true)
    // The library's own id joins the two without a separator (provider.md §3).
    expect(await claim({ ...use, issuer: 'we', id: 'bassertion' }, expiry)).toBe(true)
  })

  test('a session that is only looked at is not written again within a minute', async () => {
    const payload = { ...token({ jti: 'session-5' }), uid: 'uid-5', authorizations: {} }
    await inRequest(() => adapterOf('Session').upsert('session-5', payload, 600))
    const expiry = async () => (await rig.seed.run(`select expires_at from oidc_session where uid = 'uid-5'`, []))[0]
    const touch = () =>
      inRequest(async () => {
        await adapterOf('Session').find('session-5')
        await adapterOf('Session').upsert('session-5', payload, 600)
      })
    const first = await expiry()
    rig.clock.advance(50_000)
    await touch()
    expect(await expiry()).toEqual(first)
    rig.clock.advance(20_000)
    await touch()
    expect(await expiry()).not.toEqual(first)
  })

  test('the sweep removes what has expired and nothing else', async () => {
    await inRequest(() => adapterOf('Interaction').upsert('short', token(), 60))
    await inRequest(() => adapterOf('Interaction').upsert('long', token(), 6_000))
    rig.clock.advance(61_000)
    expect(await sweepExpired(rig.database, rig.clock.now())).toBeGreaterThan(0)
    expect(await stored('oidc_interaction')).toHaveLength(1)
    expect(await inRequest(() => adapterOf('Interaction').find('long'))).toBeDefined()
  })
}
