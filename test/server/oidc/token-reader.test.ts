// An API looks up tokens that it was handed (RFC 7662 §4): by a role, never by being any client.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { askToken, postForm } from '../../kit/sign-in.ts'
import { clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let token: string
beforeAll(async () => {
  rig = await openRig()
  for (const id of ['app', 'api', 'other']) {
    await rig.seed.client(id, { grantTypes: ['client_credentials'], scope: 'access' })
  }
  await rig.seed.holder('tokenReader', 'api')
  const app = { issuer: rig.issuer, client: { id: 'app', redirectUri: '', secret: clientSecret } }
  token = (await askToken(app, { grant_type: 'client_credentials' })).body.access_token ?? ''
})
afterAll(() => rig.close())

const lookUp = async (id: string, value = token) => {
  const { body } = await postForm(`${rig.issuer}/oauth2/introspect`, { id, secret: clientSecret }, { token: value })
  return JSON.parse(body) as { readonly active: boolean; readonly client_id?: string }
}

test('who holds the role `tokenReader` is told, and so is the client itself', async () => {
  expect(await lookUp('api')).toMatchObject({ active: true, client_id: 'app', aud: `${rig.issuer}/api` })
  expect(await lookUp('app')).toMatchObject({ active: true })
})

test('any other client learns nothing, and nobody anything of a token that is none', async () => {
  expect(await lookUp('other')).toEqual({ active: false })
  expect(await lookUp('api', `${token.slice(0, -4)}AAAA`)).toEqual({ active: false })
})
