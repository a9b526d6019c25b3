// Pairwise subjects (OIDC Core §8): clients of different sectors cannot recognise one person together.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { guardedEgress } from '../../../adapters/egress/guarded-egress.ts'
import type { Egress } from '../../../adapters/egress/port.ts'
import { type PairwiseSubjects, shownActors } from '../../../server/oidc/pairwise.ts'
import { postForm, type SignInAs, signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let accountId: string
const sector = 'https://sector.example/redirects.json'
let listed: unknown
let asked = 0
const guarded = guardedEgress({ allowLoopback: false })
/** The sector's own server; every other address goes the guarded way. */
const egress: Egress = async (url, init) => {
  if (url !== sector) return guarded(url, init)
  asked += 1
  return Response.json(listed)
}

beforeAll(async () => {
  rig = await openRig({ area: { egress } })
  accountId = await rig.seed.account('alice@example.test')
  const redirectUris = [`${rig.issuer}/app/cb`]
  const scope = 'openid email access'
  listed = [...redirectUris, 'https://other.example/cb']
  await rig.seed.client('open', { redirectUris, scope }, { firstParty: true })
  await rig.seed.client('one', { redirectUris, scope, subjectType: 'pairwise' }, { firstParty: true })
  await rig.seed.client('same-host', { redirectUris, scope, subjectType: 'pairwise' }, { firstParty: true })
  const inSector = { redirectUris, scope, subjectType: 'pairwise' as const, sectorIdentifierUri: sector }
  await rig.seed.client('sector', inSector, { firstParty: true })
  await rig.seed.client('unlisted', { ...inSector, redirectUris: [`${rig.issuer}/app/other`] }, { firstParty: true })
  await rig.seed.client(
    'private-sector',
    { ...inSector, sectorIdentifierUri: 'https://169.254.169.254/latest' },
    { firstParty: true },
  )
})
afterAll(() => rig.close())

const as = (id: string, more: Partial<SignInAs> = {}): SignInAs => ({
  issuer: rig.issuer,
  client: { id, redirectUri: `${rig.issuer}/app/cb`, secret: clientSecret },
  user: { identifier: 'alice@example.test', password: alicePassword },
  ...more,
})
const subjectFor = async (id: string) => decodeJwt((await signIn(as(id))).tokens.body.id_token ?? '').sub

test('the name is stable in a sector, another in another sector, and never the account (§8.1)', async () => {
  const [one, again, sameHost, other] = [
    await subjectFor('one'),
    await subjectFor('one'),
    await subjectFor('same-host'),
    await subjectFor('sector'),
  ]
  expect(again).toBe(one)
  expect(sameHost).toBe(one)
  expect(new Set([accountId, one, other]).size).toBe(3)
  expect(await subjectFor('open')).toBe(accountId)
})

test('ID token, userinfo and introspection say the same name (OIDC Core §5.3.2)', async () => {
  const { tokens } = await signIn(as('one'))
  const name = decodeJwt(tokens.body.id_token ?? '').sub
  const token = tokens.body.access_token ?? ''
  const headers = { authorization: `Bearer ${token}` }
  expect(await (await fetch(`${rig.issuer}/oauth2/userinfo`, { headers })).json()).toMatchObject({ sub: name })
  const answer = await postForm(`${rig.issuer}/oauth2/introspect`, as('one').client, { token })
  expect(JSON.parse(answer.body)).toMatchObject({ active: true, sub: name })
})

test('a JWT access token shows the name to the client, and the account to the API alone', async () => {
  const resource = `${rig.issuer}/access`
  const { tokens } = await signIn(as('one', { scopes: ['openid', 'access'], resource }))
  const token = tokens.body.access_token ?? ''
  const name = await subjectFor('one')
  expect(decodeJwt(token).sub).toBe(name)
  expect(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).not.toContain(accountId)
  const answer = await postForm(`${rig.issuer}/oauth2/introspect`, as('one').client, { token })
  expect(JSON.parse(answer.body)).toMatchObject({ active: true, sub: name })
  await rig.seed.setStatus(accountId, 'disabled')
  const after = await postForm(`${rig.issuer}/oauth2/introspect`, as('one').client, { token })
  await rig.seed.setStatus(accountId, 'active')
  expect(JSON.parse(after.body)).toEqual({ active: false })
})

test('a sector is asked once a day, not at every sign-in', async () => {
  await subjectFor('sector')
  const before = asked
  await subjectFor('sector')
  expect(asked).toBe(before)
})

test.each([
  ['whose sector does not list its redirect', 'unlisted', '/app/other'],
  ['whose sector has an address inside', 'private-sector', '/app/cb'],
])('a client %s is refused on a page (§8.1, security.md row 9)', async (_what, id, path) => {
  const query = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    redirect_uri: `${rig.issuer}${path}`,
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const response = await fetch(`${rig.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' })
  expect(response.status).toBe(400)
  expect(response.headers.get('location')).toBeNull()
})

test('who acts is named to a pairwise client as people are, however far back; clients keep their names (RFC 8693 §4.1)', () => {
  const subjects = { nameFor: (sector: string, id: string) => `${id} in ${sector}` } as PairwiseSubjects
  const client = (subjectType: string) => ({ clientId: 'one', subjectType, sectorIdentifier: 'shop.example' }) as never // what is read of it
  const act = { sub: 'bob', act: { sub: 'orders', client_id: 'orders', act: { sub: 'carol' } } }
  expect(shownActors(subjects, client('pairwise'), act)).toEqual({
    sub: 'bob in shop.example',
    act: { sub: 'orders', client_id: 'orders', act: { sub: 'carol in shop.example' } },
  })
  expect(shownActors(subjects, client('public'), act)).toBeUndefined()
  expect(shownActors(subjects, client('pairwise'), { sub: 'orders', client_id: 'orders' })).toBeUndefined()
})
