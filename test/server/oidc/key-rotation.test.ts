// next → current → retired (provider.md §5).
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { decodeProtectedHeader } from 'jose'
import { entityOf } from '../../../server/identity/entities.ts'
import { rotateDueKeys, rotateSigningKeys } from '../../../server/oidc/rotate-keys.ts'
import { postForm } from '../../kit/sign-in.ts'
import { clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())
beforeEach(async () => {
  await rig.empty()
  await rig.seed.tenant('default')
  await rig.seed.client('job', { grantTypes: ['client_credentials'], scope: 'access' })
})

const day = 24 * 60 * 60 * 1_000
const client = { id: 'job', secret: clientSecret }
const rotate = (rotation = {}) =>
  rotateSigningKeys(rig.kernel, { tenantId: 'default', subject: entityOf('Server', 'test') }, rotation)
const published = async (): Promise<readonly string[]> => {
  const response = await fetch(`${rig.issuer}/oauth2/jwks`)
  expect(response.headers.get('cache-control')).toBe('public, max-age=300')
  const { keys } = (await response.json()) as { readonly keys: readonly { readonly kid: string; d?: string }[] }
  for (const key of keys) expect(key.d).toBeUndefined()
  return keys.map(({ kid }) => kid)
}
const token = async (): Promise<string> => {
  const { body } = await postForm(`${rig.issuer}/oauth2/token`, client, { grant_type: 'client_credentials' })
  return (JSON.parse(body) as { access_token: string }).access_token
}
const isActive = async (text: string): Promise<boolean> => {
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, client, { token: text })
  return (JSON.parse(body) as { active: boolean }).active
}
const signer = async () => decodeProtectedHeader(await token()).kid ?? ''

test('the next keys are published before they sign, sign a day later, and what went before stays good', async () => {
  const [first, old] = [await signer(), await token()]
  const announced = await rotate()
  expect(announced.step).toBe('announced')
  expect(await published()).toEqual(expect.arrayContaining([...announced.kids, first]))
  expect(await signer()).toBe(first)
  expect((await rotate()).step).toBe('waiting')
  rig.clock.advance(day + 1)
  const rotated = await rotate()
  expect(rotated).toEqual({ step: 'rotated', kids: announced.kids })
  expect(announced.kids).toContain(await signer())
  expect(await published()).toContain(first)
  rig.clock.advance(-day - 1)
  expect(await isActive(old)).toBe(true)
  rig.clock.advance(2 * day + 2)
  await rotateDueKeys(rig.kernel)
  await rotate()
  expect(await published()).not.toContain(first)
  rig.clock.advance(-2 * day - 2)
})

test('compromised keys are gone at once, and what they signed is not good any more', async () => {
  const [first, old] = [await signer(), await token()]
  expect(await isActive(old)).toBe(true)
  expect((await rotate({ compromised: true })).step).toBe('rotated')
  expect(await published()).not.toContain(first)
  expect(await isActive(old)).toBe(false)
  expect(await isActive(await token())).toBe(true)
})

test('keys of ninety days are replaced by themselves, a day after their successors are known', async () => {
  const first = await signer()
  expect(await rotateDueKeys(rig.kernel)).toBe(0)
  rig.clock.advance(95 * day)
  expect(await rotateDueKeys(rig.kernel)).toBe(1)
  expect(await rotateDueKeys(rig.kernel)).toBe(0)
  expect(await signer()).toBe(first)
  rig.clock.advance(day + 1)
  expect(await rotateDueKeys(rig.kernel)).toBe(1)
  expect(await signer()).not.toBe(first)
  rig.clock.advance(-96 * day - 1)
})

test('no request is dropped and no token fails to verify while keys change (provider.md §11)', async () => {
  let isOver = false
  const statuses: boolean[] = []
  const asking = Array.from({ length: 8 }, async () => {
    while (!isOver) statuses.push(await isActive(await token()))
  })
  for (let round = 0; round < 4; round += 1) await rotate({ now: true })
  isOver = true
  await Promise.all(asking)
  expect(statuses.length).toBeGreaterThan(8)
  expect(new Set(statuses)).toEqual(new Set([true]))
})

test('whoever does not administer rotates nothing', async () => {
  const url = `${rig.issuer}/admin/v1/keys/rotate`
  const headers = { 'content-type': 'application/json' }
  expect((await fetch(url, { method: 'POST', headers, body: '{}' })).status).toBe(401)
  const { body } = await postForm(`${rig.issuer}/oauth2/token`, client, {
    grant_type: 'client_credentials',
    resource: `${rig.issuer}/admin`,
  })
  const { access_token: text } = JSON.parse(body) as { access_token: string }
  const authorization = `Bearer ${text}`
  expect((await fetch(url, { method: 'POST', headers: { ...headers, authorization }, body: '{}' })).status).toBe(403)
})
