// Single use under real concurrency: only a server with many sessions shows races (security.md row 2).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../server/oidc/trusted-issuers.ts'
import { describeWith } from '../../kit/availability.ts'
import { askForWord, cibaGrant, openBackchannelAdmin } from '../../kit/ciba.ts'
import { askForDevice, confirmDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { type RealPostgres, realPostgresNeed, startRealPostgres } from '../../kit/postgres.ts'
import { askToken, authorize, redeem, refresh, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

const rivals = 64
const upstream = 'https://login.partner.example'

describeWith(realPostgresNeed, 'single use on a real PostgreSQL', () => {
  let postgres: RealPostgres
  let rig: Rig
  let as: SignInAs
  let accountId: string
  let key: ClientKey
  beforeAll(async () => {
    postgres = await startRealPostgres()
    rig = await openRig({ url: await postgres.createDatabase() })
    const redirectUri = `${rig.issuer}/app/cb`
    accountId = await rig.seed.account('alice@example.test')
    await rig.seed.client('web', {
      redirectUris: [redirectUri],
      grantTypes: [
        'authorization_code',
        'refresh_token',
        deviceGrant,
        cibaGrant,
        grantNames.assertion,
        grantNames.exchange,
      ],
      scope: 'openid offline_access access',
      trustedIssuers: [upstream],
    })
    await rig.seed.holder('impersonator', 'web')
    await rig.seed.client('desk', { grantTypes: ['client_credentials'], scope: 'admin' })
    await rig.seed.admin('desk')
    key = await openClientKey()
    const settings = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' }, scope: 'access' }
    const store = createTrustedIssuerStore(rig.database, 'default')
    await store.put({ ...trustedIssuerSchema.parse(settings), issuer: upstream })
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

  const once = async (fields: { readonly [name: string]: string }): Promise<void> => {
    const answers = await Promise.all(Array.from({ length: rivals }, () => askToken(as, fields)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const others = answers.filter(({ status }) => status !== 200).map(({ status, body }) => `${status} ${body.error}`)
    expect(new Set(others)).toEqual(new Set(['400 invalid_grant']))
  }

  test('of 64 parallel redemptions of a device code one wins (RFC 8628 §3.5)', async () => {
    const { user_code: userCode, device_code: code } = await askForDevice(as)
    await confirmDevice(as, openHttpBrowser(), userCode)
    await once({ grant_type: deviceGrant, device_code: code })
  })

  test('of 16 browsers that confirm one user code at once one goes on', async () => {
    const { user_code: userCode } = await askForDevice(as)
    const browsers = Array.from({ length: 16 }, () => openHttpBrowser())
    for (const browser of browsers) {
      await browser.open(`${rig.issuer}/device`)
      await browser.submit({ user_code: userCode })
    }
    const pages = await Promise.all(browsers.map((browser) => browser.submit({}, 'confirm')))
    expect(pages.filter(({ text }) => text.includes('name="password"'))).toHaveLength(1)
    expect(pages.every(({ status }) => status < 500)).toBe(true)
  })

  test('of 64 parallel redemptions of an auth_req_id one wins (CIBA Core §10.1)', async () => {
    const { auth_req_id: id } = await askForWord(as)
    await (await openBackchannelAdmin(rig.issuer, { id: 'desk', secret: clientSecret })).answer('approve')
    await once({ grant_type: cibaGrant, auth_req_id: id })
  })

  test('of 64 parallel uses of one assertion one wins (RFC 7523 §3.7)', async () => {
    const assertion = await key.assertion(accountId, rig.issuer, { iss: upstream })
    await once({ grant_type: grantNames.assertion, assertion })
  })

  test('of 64 parallel exchanges of one assertion one wins (RFC 8693)', async () => {
    const assertion = await key.assertion(accountId, rig.issuer, { iss: upstream })
    const fields = {
      grant_type: grantNames.exchange,
      subject_token: assertion,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }
    const answers = await Promise.all(Array.from({ length: rivals }, () => askToken(as, fields)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.every(({ status }) => status === 200 || status === 400)).toBe(true)
  })

  test('an unknown token is never found, however often it is asked', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => askToken(as, { grant_type: 'refresh_token', refresh_token: 'nothing' })),
    )
    expect(new Set(answers.map(({ body }) => body.error))).toEqual(new Set(['invalid_grant']))
  })
})
