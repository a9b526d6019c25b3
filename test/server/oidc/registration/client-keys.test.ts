// Keys of a client at its own address (`jwks_uri`, RFC 7591 §2): rotation, outage, oversize, and addresses inside.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { askToken } from '../../../kit/sign-in.ts'
import { type ClientKey, openClientKey } from '../proofs.ts'
import { openSites, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

let sites: Sites
let stand: Stand
let key: ClientKey
let uri: string
let id: string
let at = 0
beforeAll(async () => {
  sites = await openSites('keys.example')
  stand = await openStand({ egress: sites.egress })
  key = await openClientKey()
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})
beforeEach(async () => {
  at += 1
  id = `signs-${at}`
  uri = `https://keys.example/${at}.json`
  sites.putJson(uri, { keys: [key.publicJwk] })
  await seed(uri)
})

const seed = (jwksUri: string, name = id) =>
  stand.rig.seed.client(name, {
    grantTypes: ['client_credentials'],
    scope: 'access',
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwksUri,
  })
const grant = async (by = key, name = id) =>
  askToken(
    { issuer: stand.issuer, client: { id: name, redirectUri: '' } },
    {
      grant_type: 'client_credentials',
      resource: `${stand.issuer}/access`,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await by.assertion(name, stand.issuer),
    },
  )
const statusOf = async (by = key, name = id) => (await grant(by, name)).status
/** Clocks of the server go on; those of assertions do not, so steps stay below their tolerance. */
const later = async (milliseconds: number, run: () => Promise<void>) => {
  stand.rig.clock.advance(milliseconds)
  try {
    await run()
  } finally {
    stand.rig.clock.advance(-milliseconds)
  }
}

test('a client signs by a key that lies at its address, which is read once a minute at most', async () => {
  expect(await statusOf()).toBe(200)
  await later(6_000, async () => expect(await statusOf()).toBe(200))
  await later(50_000, async () => expect(await statusOf()).toBe(200))
  expect(sites.count(uri)).toBe(1)
})

describe('rotation', () => {
  test('a new key is found within a minute, and the old one is gone then', async () => {
    expect(await statusOf()).toBe(200)
    const next = await openClientKey()
    sites.putJson(uri, { keys: [next.publicJwk] })
    await later(61_000, async () => {
      expect(await statusOf(next)).toBe(200)
      expect(await statusOf(key)).toBe(401)
    })
  })

  test('however long the address says that it is good', async () => {
    sites.putJson(uri, { keys: [key.publicJwk] }, { 'cache-control': 'max-age=31536000' })
    expect(await statusOf()).toBe(200)
    const next = await openClientKey()
    sites.putJson(uri, { keys: [next.publicJwk] })
    await later(61_000, async () => expect(await statusOf(next)).toBe(200))
  })
})

describe('outage', () => {
  test.each([
    ['answers 500', { status: 500 }],
    ['breaks off', { answer: (response: { destroy(): void }) => response.destroy() }],
  ])('while the address %s the last keys stand in for an hour', async (_what, page) => {
    expect(await statusOf()).toBe(200)
    sites.put(uri, page)
    await later(10 * 60_000, async () => expect(await statusOf()).toBe(200))
    await later(62 * 60_000, async () => expect(await statusOf()).toBe(401))
  })

  test('an address that was never there is 401, and is left alone for a while', async () => {
    sites.put(uri, { status: 503 })
    expect([await statusOf(), await statusOf(), await statusOf()]).toEqual([401, 401, 401])
    expect(sites.count(uri)).toBe(1)
    sites.putJson(uri, { keys: [key.publicJwk] })
    await later(6_000, async () => expect(await statusOf()).toBe(200))
  })

  test('keys that are taken away are gone, whatever was known (404 is an answer)', async () => {
    expect(await statusOf()).toBe(200)
    sites.remove(uri)
    await later(61_000, async () => expect(await statusOf()).toBe(401))
  })
})

test.each([
  ['more than 64 KiB', { body: JSON.stringify({ keys: [], padding: 'x'.repeat(65 * 1024) }) }],
  ['no JSON', { body: 'keys' }],
  ['no keys', { body: '{}' }],
  ['a private key', { body: '{"keys":[{"kty":"EC","crv":"P-256","x":"a","y":"b","d":"c"}]}' }],
  ['a symmetric key', { body: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}' }],
  ['a redirect', { status: 302, headers: { location: 'https://keys.example/1.json' } }],
])('an address that answers %s authenticates nobody', async (_what, page) => {
  sites.put(uri, page)
  expect(await statusOf()).toBe(401)
})

test.each([
  'https://169.254.169.254/latest/meta-data',
  'https://127.0.0.1/jwks',
  'https://10.0.0.1/jwks',
  'https://localhost/jwks',
  'http://keys.example/1.json',
  'https://user:word@keys.example/1.json',
])('the guard stands before %s (security.md row 9)', async (inside) => {
  await seed(inside, `${id}-inside`)
  const before = sites.heard.length
  expect(await statusOf(key, `${id}-inside`)).toBe(401)
  expect(sites.heard).toHaveLength(before)
})
