// private_key_jwt end to end (RFC 7523 §3, FAPI 2.0 §5.3.2.1).
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Claims, type ClientKey, openClientKey } from './proofs.ts'
import { openRig, type Rig } from './rig.ts'

let rig: Rig
let key: ClientKey
beforeAll(async () => {
  rig = await openRig()
  key = await openClientKey()
  await rig.seed.client('keyed', {
    grantTypes: ['client_credentials'],
    scope: 'access',
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [key.publicJwk] },
  })
})
afterAll(() => rig.close())

async function ask(assertion: string, more: { readonly [name: string]: string } = {}) {
  const response = await fetch(`${rig.issuer}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...more,
    }),
  })
  return { status: response.status, body: (await response.json()) as { error?: string; access_token?: string } }
}

const soon = (seconds: number) => Math.floor(Date.now() / 1_000) + seconds

test('a client that signs with its key gets a token', async () => {
  expect((await ask(await key.assertion('keyed', rig.issuer))).body.access_token).toEqual(expect.any(String))
})

test('of 16 uses of one assertion at once one passes (RFC 7523 §3 item 7)', async () => {
  const assertion = await key.assertion('keyed', rig.issuer)
  const answers = await Promise.all(Array.from({ length: 16 }, () => ask(assertion)))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect(new Set(answers.filter(({ status }) => status !== 200).map(({ body }) => body.error))).toEqual(
    new Set(['invalid_client']),
  )
})

test.each<[string, () => Claims]>([
  ['an array as aud, though it names us', () => ({ aud: [rig.issuer] })],
  ['a second aud', () => ({ aud: [rig.issuer, 'https://elsewhere.example'] })],
  ['the address of the token endpoint as aud', () => ({ aud: `${rig.issuer}/oauth2/token` })],
  ['another server as aud', () => ({ aud: 'https://elsewhere.example' })],
  ['an end in an hour', () => ({ exp: soon(3_600) })],
  ['an end in the past', () => ({ exp: soon(-60) })],
  ['no end', () => ({ exp: undefined })],
  ['no jti', () => ({ jti: undefined })],
  ['another subject than issuer', () => ({ iss: 'other' })],
])('refuses %s', async (_what, changes) => {
  const answer = await ask(await key.assertion('keyed', rig.issuer, changes()))
  expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } })
})

test('refuses an assertion of another key, one of no known algorithm, and one of `none`', async () => {
  const other = await openClientKey()
  const hollow = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(
    JSON.stringify({ iss: 'keyed', sub: 'keyed', aud: rig.issuer, jti: 'x', exp: soon(60) }),
  ).toString('base64url')}.`
  for (const assertion of [await other.assertion('keyed', rig.issuer), hollow]) {
    expect((await ask(assertion)).status).toBe(401)
  }
})
