// Which algorithms sign and encrypt what leaves (OIDC Core §10, §16.14; RFC 8725 §3.1; RFC 9701 §5; JARM §2.2).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import {
  compactDecrypt,
  createRemoteJWKSet,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  type JWK,
  jwtVerify,
} from 'jose'
import { entityOf } from '../../../server/identity/entities.ts'
import type { ClientMetadata } from '../../../server/oidc/client-metadata.ts'
import { createOpenidSettings, openidSettingsSchema } from '../../../server/oidc/registration/openid-settings.ts'
import { rotateSigningKeys } from '../../../server/oidc/rotate-keys.ts'
import { authorize, redeem, type SignInAs } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let redirectUri: string
beforeAll(async () => {
  rig = await openRig()
  redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
})
afterAll(() => rig.close())

type Settings = ReturnType<typeof openidSettingsSchema.parse>

async function settle(signingAlgorithms: Settings['signingAlgorithms']): Promise<void> {
  const actor = { tenantId: 'default', subject: entityOf('Server', 'test') }
  await rig.kernel.withTransaction(actor, async (unit) => {
    const settings = openidSettingsSchema.parse({ signingAlgorithms })
    await createOpenidSettings(rig.database, 'default').put(settings, rig.clock.now())
    unit.changed({ kind: 'tenant' })
  })
}

let made = 0
async function clientWith(metadata: Partial<ClientMetadata>): Promise<SignInAs> {
  made += 1
  const id = `app-${made}`
  await rig.seed.client(id, { redirectUris: [redirectUri], scope: 'openid email', ...metadata }, { firstParty: true })
  return {
    issuer: rig.issuer,
    client: { id, redirectUri, secret: clientSecret },
    user: { identifier: 'alice@example.test', password: alicePassword },
  }
}

async function tokensOf(as: SignInAs): Promise<{ readonly access_token: string; readonly id_token: string }> {
  const answer = await redeem(as, await authorize(as))
  expect(answer.status).toBe(200)
  return answer.body as never // its form is what the tests look at
}

const discovery = async (): Promise<{ readonly [name: string]: readonly string[] }> =>
  (await fetch(`${rig.issuer}/.well-known/openid-configuration`)).json() as never // lists, as read here
const remote = () => createRemoteJWKSet(new URL(`${rig.issuer}/oauth2/jwks`))

describe('signatures', () => {
  test('RS256 and ES256 only, until the tenant names others; a client that asks for another is not served', async () => {
    await settle([])
    const { id_token_signing_alg_values_supported: listed } = await discovery()
    expect([...(listed ?? [])].sort()).toEqual(['ES256', 'RS256'])
    const as = await clientWith({ idTokenSignedResponseAlg: 'EdDSA' })
    const page = await fetch(
      `${rig.issuer}/oauth2/authorize?client_id=${as.client.id}&redirect_uri=${encodeURIComponent(redirectUri)}&response_type=code&scope=openid`,
      { redirect: 'manual' },
    )
    expect(page.status).toBe(400)
  })

  test.each(['EdDSA', 'PS256'] as const)(
    '%s: keys are made once the tenant names it, ID token, userinfo and authorization response are signed so',
    async (algorithm) => {
      await settle(['EdDSA', 'PS256'])
      const as = await clientWith({
        idTokenSignedResponseAlg: algorithm,
        userinfoSignedResponseAlg: algorithm,
        authorizationSignedResponseAlg: algorithm,
      })
      const { id_token: idToken, access_token: accessToken } = await tokensOf(as)
      const verified = await jwtVerify(idToken, remote(), { issuer: rig.issuer, audience: as.client.id })
      expect(verified.protectedHeader.alg).toBe(algorithm)
      const info = await fetch(`${rig.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })
      expect(decodeProtectedHeader(await info.text()).alg).toBe(algorithm)
      const { answer } = await authorize({ ...as, parameters: { response_mode: 'jwt' } })
      expect(decodeProtectedHeader(answer.get('response') ?? '').alg).toBe(algorithm)
      expect((await discovery()).id_token_signing_alg_values_supported).toContain(algorithm)
    },
  )

  test('keys of all algorithms rotate together, and one that is named later is there at once', async () => {
    await settle(['EdDSA', 'PS256'])
    const as = await clientWith({ idTokenSignedResponseAlg: 'EdDSA' })
    const first = decodeProtectedHeader((await tokensOf(as)).id_token).kid
    await rotateSigningKeys(rig.kernel, { tenantId: 'default', subject: entityOf('Server', 'test') }, { now: true })
    const { id_token: later } = await tokensOf(as)
    expect(decodeProtectedHeader(later).kid).not.toBe(first)
    await jwtVerify(later, remote(), { issuer: rig.issuer })
    const { keys } = (await (await fetch(`${rig.issuer}/oauth2/jwks`)).json()) as { readonly keys: readonly JWK[] }
    // The old one still verifies what it signed.
    expect(keys.map(({ kid }) => kid)).toContain(first)
    expect(keys.every((key) => key.d === undefined && key.alg !== undefined)).toBe(true)
  })
})

describe('encryption to the client', () => {
  const kinds = [
    ['RSA-OAEP-256', 'A256GCM'],
    ['ECDH-ES', 'A128GCM'],
    ['ECDH-ES+A256KW', 'A256CBC-HS512'],
    ['ECDH-ES+A128KW', 'A128CBC-HS256'],
  ] as const

  test.each(kinds)('%s with %s: only its key opens the ID token, and inside is a signed one', async (alg, enc) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(publicKey)), use: 'enc', alg, kid: 'mine' }
    const as = await clientWith({
      jwks: { keys: [jwk] },
      idTokenEncryptedResponseAlg: alg,
      idTokenEncryptedResponseEnc: enc,
      userinfoSignedResponseAlg: 'ES256',
      userinfoEncryptedResponseAlg: alg,
      userinfoEncryptedResponseEnc: enc,
      authorizationEncryptedResponseAlg: alg,
      authorizationEncryptedResponseEnc: enc,
    })
    const { id_token: sealed, access_token: accessToken } = await tokensOf(as)
    expect(decodeProtectedHeader(sealed)).toMatchObject({ alg, enc, kid: 'mine' })
    const open = async (text: string) => Buffer.from((await compactDecrypt(text, privateKey)).plaintext).toString()
    const { payload } = await jwtVerify(await open(sealed), remote(), { issuer: rig.issuer, audience: as.client.id })
    expect(payload.sub).toEqual(expect.any(String))
    const info = await fetch(`${rig.issuer}/oauth2/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })
    const claims = await jwtVerify(await open(await info.text()), remote(), { issuer: rig.issuer })
    expect(claims.payload.sub).toBe(payload.sub)
    const { answer } = await authorize({ ...as, parameters: { response_mode: 'jwt' } })
    const response = await jwtVerify(await open(answer.get('response') ?? ''), remote(), { audience: as.client.id })
    expect(response.payload.code).toEqual(expect.any(String))
    const other = await generateKeyPair(alg)
    await expect(compactDecrypt(sealed, other.privateKey)).rejects.toThrow()
  })

  test('what the server lists holds nothing weak: no RSA1_5, no symmetric key, no request objects encrypted to us', async () => {
    const listed = await discovery()
    for (const kind of ['id_token', 'userinfo', 'introspection', 'authorization']) {
      const algorithms = listed[`${kind}_encryption_alg_values_supported`] ?? []
      expect([...algorithms].sort()).toEqual(['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW', 'RSA-OAEP-256'])
      for (const signed of listed[`${kind}_signing_alg_values_supported`] ?? [])
        expect(signed).not.toMatch(/^(HS|none)/)
    }
    expect(listed.request_object_encryption_alg_values_supported ?? []).toEqual([])
  })
})
