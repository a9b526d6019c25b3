// Tokens that only the holder of a key can use (RFC 9449).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import type { Area } from '../../../server/area.ts'
import { entityOf } from '../../../server/identity/entities.ts'
import { authorize, type SignInAs } from '../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

/** Denied to everybody: 403 says that the token was good, 401 that it was not. */
const guarded: Area = {
  name: 'guarded',
  build: () => ({
    routes: [
      {
        basePath: '/guarded/v1',
        audiences: ['/api'],
        routes: [
          {
            method: 'GET',
            path: '/things',
            summary: 'Things',
            action: 'skipConsent',
            resourceType: 'Client',
            resource: async () => ({ resource: entityOf('Client', 'job') }),
            handle: async () => ({}),
          },
        ],
      },
    ],
  }),
}

let rig: Rig
let key: ClientKey
let thief: ClientKey
let nonce: string
let tokenUrl: string
beforeAll(async () => {
  rig = await openRig({ areas: [guarded] })
  tokenUrl = `${rig.issuer}/oauth2/token`
  key = await openClientKey()
  thief = await openClientKey()
  const redirectUris = [`${rig.issuer}/app/cb`]
  await rig.seed.account('alice@example.test')
  await rig.seed.client('job', { grantTypes: ['client_credentials'], scope: 'access' })
  await rig.seed.client('bound', { grantTypes: ['client_credentials'], scope: 'access', dpopBoundAccessTokens: true })
  await rig.seed.client('spa', {
    redirectUris,
    grantTypes: ['authorization_code', 'refresh_token'],
    scope: 'openid offline_access',
    tokenEndpointAuthMethod: 'none',
  })
  nonce = (await ask('job', await key.proof({ method: 'POST', url: tokenUrl }))).nonce ?? ''
})
afterAll(() => rig.close())

async function ask(id: string, proof: string | undefined, fields: { readonly [name: string]: string } = {}) {
  const basic = Buffer.from(`${id}:${clientSecret}`).toString('base64')
  const isPublic = id === 'spa'
  const response = await fetch(tokenUrl, {
    method: 'POST',
    headers: { ...(isPublic ? {} : { authorization: `Basic ${basic}` }), ...(proof ? { dpop: proof } : {}) },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...(isPublic ? { client_id: id } : {}),
      ...fields,
    }),
  })
  const body = (await response.json()) as { readonly [member: string]: string | undefined }
  return { status: response.status, body, nonce: response.headers.get('dpop-nonce') }
}

const proofFor = (of: { readonly by?: ClientKey } = {}) =>
  (of.by ?? key).proof({ method: 'POST', url: tokenUrl, nonce })

describe('the token endpoint', () => {
  test('a proof without a nonce of ours is sent back with one (RFC 9449 §8)', async () => {
    const answer = await ask('job', await key.proof({ method: 'POST', url: tokenUrl }))
    expect(answer).toMatchObject({ status: 400, body: { error: 'use_dpop_nonce' }, nonce: expect.any(String) })
  })

  test('binds the token to the key of the proof (RFC 9449 §6.1)', async () => {
    const { status, body } = await ask('job', await proofFor())
    expect({ status, type: body.token_type }).toEqual({ status: 200, type: 'DPoP' })
    expect(decodeJwt(body.access_token ?? '').cnf).toEqual({ jkt: key.thumbprint })
  })

  test('a proof works once (RFC 9449 §11.1)', async () => {
    const proof = await proofFor()
    expect((await ask('job', proof)).status).toBe(200)
    expect(await ask('job', proof)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
  })

  test('a client registered for bound tokens gets no other (RFC 9449 §5.2)', async () => {
    expect((await ask('bound', undefined)).status).toBe(400)
    expect((await ask('bound', await proofFor())).status).toBe(200)
  })

  test.each([
    ['another method', { htm: 'GET' }, {}],
    ['another address', { htu: 'https://elsewhere.example/oauth2/token' }, {}],
    ['a nonce of nobody', { nonce: 'x'.repeat(43) }, {}],
    ['another type (RFC 8725 §3.11)', {}, { typ: 'JWT' }],
  ])('refuses a proof of %s', async (_what, claims, header) => {
    const answer = await ask('job', await key.proof({ method: 'POST', url: tokenUrl, nonce }, claims, header))
    expect(answer.status).toBe(400)
    expect(answer.body.error).toMatch(/^(invalid_dpop_proof|use_dpop_nonce)$/)
  })

  test('a refresh token of a public client is bound to the key (RFC 9449 §5)', async () => {
    const as: SignInAs = {
      issuer: rig.issuer,
      client: { id: 'spa', redirectUri: `${rig.issuer}/app/cb` },
      user: { identifier: 'alice@example.test', password: alicePassword },
      scopes: ['openid', 'offline_access'],
      parameters: { prompt: 'consent', dpop_jkt: key.thumbprint },
    }
    const redeem = async (by: ClientKey) => {
      const { answer, verifier } = await authorize(as)
      return ask('spa', await proofFor({ by }), {
        grant_type: 'authorization_code',
        code: answer.get('code') ?? '',
        redirect_uri: as.client.redirectUri,
        code_verifier: verifier,
      })
    }
    // RFC 9449 §10: the code was bound before it existed.
    expect((await redeem(thief)).body.error).toBe('invalid_grant')
    const { body } = await redeem(key)
    const refreshBy = async (by: ClientKey) =>
      ask('spa', await proofFor({ by }), { grant_type: 'refresh_token', refresh_token: body.refresh_token ?? '' })
    expect((await refreshBy(thief)).body.error).toBe('invalid_grant')
    expect((await refreshBy(key)).status).toBe(200)
    // The grace is for the same key only.
    expect((await refreshBy(thief)).body.error).toBe('invalid_grant')
  })
})

describe('a route of ours', () => {
  const url = () => `${rig.issuer}/guarded/v1/things`
  const get = (authorization: string, proof?: string) =>
    fetch(url(), { headers: { authorization, ...(proof ? { dpop: proof } : {}) } })
  const boundToken = async () => (await ask('job', await proofFor())).body.access_token ?? ''
  const proofOf = (token: string, by = key, changes = {}) =>
    by.proof({ method: 'GET', url: url(), token, nonce }, changes)

  test('takes a bound token with a proof, once (RFC 9449 §7.1)', async () => {
    const token = await boundToken()
    const proof = await proofOf(token)
    expect((await get(`DPoP ${token}`, proof)).status).toBe(403)
    expect((await get(`DPoP ${token}`, proof)).status).toBe(401)
    expect((await get(`DPoP ${token}`, await proofOf(token))).status).toBe(403)
  })

  test('a proof without a nonce of ours is sent back with one, which is good at once (RFC 9449 §9)', async () => {
    const token = await boundToken()
    const bare = await key.proof({ method: 'GET', url: url(), token })
    const response = await get(`DPoP ${token}`, bare)
    expect({ status: response.status, code: ((await response.json()) as { code: string }).code }).toEqual({
      status: 401,
      code: 'use_dpop_nonce',
    })
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP error="use_dpop_nonce"/)
    const given = response.headers.get('dpop-nonce') ?? ''
    const again = await key.proof({ method: 'GET', url: url(), token, nonce: given })
    expect((await get(`DPoP ${token}`, again)).status).toBe(403)
    const foreign = await key.proof({ method: 'GET', url: url(), token, nonce: 'x'.repeat(43) })
    expect((await get(`DPoP ${token}`, foreign)).status).toBe(401)
    // Who cannot show the key learns no nonce.
    expect((await get(`DPoP ${token}`, await proofOf(token, thief))).headers.get('dpop-nonce')).toBeNull()
  })

  test('a nonce that is getting old is good, and the next one comes along (RFC 9449 §8.2)', async () => {
    const token = await boundToken()
    rig.clock.advance(60_000)
    const proof = await proofOf(token, key, { iat: Math.floor(rig.clock.now() / 1_000) })
    const response = await get(`DPoP ${token}`, proof)
    rig.clock.advance(-60_000)
    expect(response.status).toBe(403)
    expect(response.headers.get('dpop-nonce')).toEqual(expect.any(String))
  })

  test('a bound token as Bearer, or without a proof, is refused', async () => {
    const token = await boundToken()
    expect((await get(`Bearer ${token}`)).status).toBe(401)
    const response = await get(`DPoP ${token}`)
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^DPoP /)
  })

  test('an unbound token as DPoP is refused, as Bearer it is good', async () => {
    const token = (await ask('job', undefined)).body.access_token ?? ''
    expect((await get(`DPoP ${token}`, await proofOf(token))).status).toBe(401)
    expect((await get(`Bearer ${token}`)).status).toBe(403)
  })

  test('a stolen token is of no use with another key', async () => {
    const token = await boundToken()
    expect((await get(`DPoP ${token}`, await proofOf(token, thief))).status).toBe(401)
  })

  test.each([
    ['another token (ath)', { ath: 'x'.repeat(43) }],
    ['another method', { htm: 'POST' }],
    ['another address', { htu: 'http://127.0.0.1/guarded/v1/other' }],
    ['two minutes ago', { iat: Math.floor(Date.now() / 1_000) - 120 }],
    ['two minutes from now', { iat: Math.floor(Date.now() / 1_000) + 120 }],
    ['no id', { jti: undefined }],
  ])('refuses a proof of %s (RFC 9449 §4.3)', async (_what, changes) => {
    const token = await boundToken()
    expect((await get(`DPoP ${token}`, await proofOf(token, key, changes))).status).toBe(401)
  })

  test('of 32 uses of one proof at once one passes (security.md row 2)', async () => {
    const token = await boundToken()
    const proof = await proofOf(token)
    const answers = await Promise.all(Array.from({ length: 32 }, () => get(`DPoP ${token}`, proof)))
    expect(answers.filter(({ status }) => status === 403)).toHaveLength(1)
  })
})

describe('AuthZEN (RFC 9449 §7.1, §9)', () => {
  const url = () => `${rig.issuer}/access/v1/evaluation`
  const question = {
    subject: { type: 'User', id: 'x' },
    action: { name: 'skipConsent' },
    resource: { type: 'Client', id: 'y' },
  }
  const post = (authorization: string, proof?: string) =>
    fetch(url(), {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', ...(proof ? { dpop: proof } : {}) },
      body: JSON.stringify(question),
    })
  test('takes a bound token with a proof for this very request, and a nonce', async () => {
    const { body } = await ask('job', await proofFor(), { resource: `${rig.issuer}/access`, scope: 'access' })
    const token = body.access_token ?? ''
    const proof = (more: object) => key.proof({ method: 'POST', url: url(), token, ...more })
    const bare = await post(`DPoP ${token}`, await proof({}))
    expect(bare.status).toBe(401)
    const given = bare.headers.get('dpop-nonce') ?? ''
    const good = await proof({ nonce: given })
    expect((await post(`DPoP ${token}`, good)).status).toBe(200)
    expect((await post(`DPoP ${token}`, good)).status).toBe(401)
    expect((await post(`Bearer ${token}`)).status).toBe(401)
    expect((await post(`DPoP ${token}`)).status).toBe(401)
  })
})
