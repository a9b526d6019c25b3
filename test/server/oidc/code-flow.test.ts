import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { signIn } from '../../kit/sign-in.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let redirectUri: string
beforeAll(async () => {
  rig = await openRig()
  redirectUri = `${rig.issuer}/app/cb`
  await rig.seed.account('alice@example.test')
  await rig.seed.client('web', {
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    scope: 'openid profile email offline_access access',
  })
})
afterAll(() => rig.close())

describe('the code flow', () => {
  test('a person signs in, allows, and the client gets tokens', async () => {
    const { tokens, answer } = await signIn({
      issuer: rig.issuer,
      client: { id: 'web', redirectUri, secret: clientSecret },
      user: { identifier: 'alice@example.test', password: alicePassword },
      scopes: ['openid', 'email'],
    })
    expect(answer.get('iss')).toBe(rig.issuer)
    expect(tokens).toMatchObject({ status: 200 })
  })
})
