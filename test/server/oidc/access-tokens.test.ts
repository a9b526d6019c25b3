import { createHmac, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { exportJWK, type JWTPayload, SignJWT } from 'jose'
import type { ClientAuthenticator, TokenVerifier } from '../../../server/http/authentication.ts'
import { type AccessTokens, createAccessTokens } from '../../../server/oidc/access-tokens.ts'
import { createClientAuthenticator } from '../../../server/oidc/client-authentication.ts'
import { createClientRecords } from '../../../server/oidc/client-records.ts'
import { dpopNoncesOf } from '../../../server/oidc/dpop-nonces.ts'
import { ensureSigningKeys, type SigningKey } from '../../../server/oidc/keys.ts'
import { askToken, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let keys: readonly SigningKey[]
let verifier: AccessTokens & TokenVerifier
let authenticator: ClientAuthenticator
let accountId: string
const tenant = () => rig.kernel.tenants.default()
const api = () => [`${rig.issuer}/api`]

beforeAll(async () => {
  rig = await openRig()
  keys = await ensureSigningKeys(rig.kernel, 'default')
  verifier = createAccessTokens({
    database: rig.database,
    clock: rig.clock,
    secrets: rig.kernel.secrets,
    keysOf: async () => keys,
    isAudience: async () => true,
    noncesOf: dpopNoncesOf(rig.kernel.secrets),
  })
  authenticator = createClientAuthenticator(createClientRecords(rig.database, rig.clock), rig.clock)
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  accountId = await rig.seed.account('alice@example.test')
  const redirectUris = [`${rig.issuer}/app/cb`]
  const grantTypes = ['authorization_code' as const, 'client_credentials' as const]
  await rig.seed.client('web', { redirectUris, grantTypes, scope: 'openid access' }, { firstParty: true })
})

const as = () => ({
  issuer: rig.issuer,
  client: { id: 'web', redirectUri: `${rig.issuer}/app/cb`, secret: clientSecret },
  user: { identifier: 'alice@example.test', password: alicePassword },
  scopes: ['openid', 'access'],
  resource: `${rig.issuer}/api`,
})
const clientToken = async () => {
  const { body } = await askToken(as(), { grant_type: 'client_credentials', scope: 'access' })
  return body.access_token ?? ''
}

describe('bearer tokens at our own routes', () => {
  test('a person’s token speaks for the person through the client', async () => {
    const { tokens } = await signIn(as())
    expect(await verifier.verify(tenant(), tokens.body.access_token ?? '', api())).toMatchObject({
      subject: { type: 'User', id: accountId },
      client: { type: 'Client', id: 'web' },
      scopes: new Set(['access']),
      session: { acr: 'pwd', amr: ['pwd'] },
    })
  })

  test('a client’s own token speaks for the client', async () => {
    const { session, subject } = (await verifier.verify(tenant(), await clientToken(), api())) ?? {}
    expect(subject).toMatchObject({ type: 'Client', id: 'web' })
    expect(session).toBeUndefined()
  })

  test('another audience is nothing (RFC 9068 §4)', async () => {
    expect(await verifier.verify(tenant(), await clientToken(), [`${rig.issuer}/admin`])).toBeUndefined()
  })

  test.each([
    ['account disabled', `update account set status = 'disabled'`],
    ['account epoch raised', 'update account set epoch = epoch + 1'],
    ['client epoch raised', 'update client set epoch = epoch + 1'],
    ['tenant epoch raised', 'update tenant set epoch = epoch + 1'],
    ['grant gone', 'delete from oidc_grant'],
  ])('is nothing within a second of: %s (security.md row 16)', async (_what, change) => {
    const { tokens } = await signIn(as())
    const token = tokens.body.access_token ?? ''
    expect(await verifier.verify(tenant(), token, api())).toBeDefined()
    await rig.seed.run(change, [])
    rig.clock.advance(1_000)
    expect(await verifier.verify(tenant(), token, api())).toBeUndefined()
  })

  test('is nothing once denied', async () => {
    const token = await clientToken()
    const live = await verifier.read(tenant(), token)
    if (!live) throw new Error('not live')
    await verifier.deny(tenant(), live)
    expect(await verifier.verify(tenant(), token, api())).toBeUndefined()
  })

  test('ends with its time, give or take ten seconds', async () => {
    const token = await clientToken()
    const exp = (await verifier.read(tenant(), token))?.exp ?? 0
    const at = (now: number) =>
      createAccessTokens({
        database: rig.database,
        clock: { now: () => now },
        secrets: rig.kernel.secrets,
        keysOf: async () => keys,
        isAudience: async () => true,
        noncesOf: dpopNoncesOf(rig.kernel.secrets),
      }).read(tenant(), token)
    expect(await at((exp + 9) * 1_000)).toBeDefined()
    expect(await at((exp + 11) * 1_000)).toBeUndefined()
  })

  test('JOSE confusion: other types, algorithms, keys and issuers are nothing (security.md row 8)', async () => {
    const real = await verifier.read(tenant(), await clientToken())
    const claims: JWTPayload = { ...real }
    const [es] = keys.filter(({ algorithm }) => algorithm === 'ES256')
    const [rs] = keys.filter(({ algorithm }) => algorithm === 'RS256')
    if (!es || !rs) throw new Error('no keys')
    const sign = (key: SigningKey, header: { alg: string; typ?: string; kid?: string }, payload = claims) =>
      new SignJWT(payload)
        .setProtectedHeader({ kid: key.kid, ...header })
        .sign({ ...key.privateJwk, kty: String(key.privateJwk.kty) })
    const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const embedded = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: es.kid, jwk: await exportJWK(stranger.publicKey) })
      .sign(stranger.privateKey)
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const none = `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`
    const hmacInput = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: es.kid })}.${encode(claims)}`
    const hmac = `${hmacInput}.${createHmac('sha256', JSON.stringify(es.publicJwk)).update(hmacInput).digest('base64url')}`
    const good = await sign(es, { alg: 'ES256', typ: 'at+jwt' })
    expect(await verifier.read(tenant(), good)).toBeDefined()
    const { jti: _jti, ...withoutId } = claims
    const forged = [
      none,
      hmac,
      embedded,
      await sign(es, { alg: 'ES256', typ: 'JWT' }),
      await sign(es, { alg: 'ES256' }),
      await sign(rs, { alg: 'RS256', typ: 'at+jwt' }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt', kid: 'other' }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt' }, { ...claims, iss: 'https://evil.example' }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt' }, { ...claims, aud: [...api(), 'https://evil.example'] }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt' }, { ...claims, writ: undefined }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt' }, { ...claims, sub: accountId }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt' }, { ...claims, cnf: { jkt: 'x' } }),
      await sign(es, { alg: 'ES256', typ: 'at+jwt' }, withoutId),
      `${good}x`,
      `${good}.${good}`,
      'x'.repeat(10_000),
      '',
    ]
    for (const token of forged) expect(await verifier.verify(tenant(), token, api())).toBeUndefined()
  })
})

describe('client authentication at our own routes (RFC 6749 §2.3.1)', () => {
  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
  test('a client with its secret is itself, with its allow-list', async () => {
    expect(await authenticator.authenticate(tenant(), basic('web', clientSecret))).toMatchObject({
      subject: { type: 'Client', id: 'web' },
      scopes: new Set(['openid', 'access']),
    })
  })
  test.each([
    ['a wrong secret', basic('web', 'wrong')],
    ['an unknown client', basic('nobody', clientSecret)],
    ['no secret', basic('web', '')],
    ['a NUL', basic('web', `${clientSecret}\0`)],
    ['broken escapes', basic('web', '%zz')],
    ['no base64', 'Basic !!!'],
    ['a bearer token', 'Bearer x'],
  ])('%s is nobody', async (_what, header) => {
    expect(await authenticator.authenticate(tenant(), header)).toBeUndefined()
  })
})
