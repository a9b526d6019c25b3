import { generateKeyPairSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { describeWith } from '../kit/availability.ts'
import { missingCommand, openProvider, type Provider, runClient } from './foreign-client.ts'

const python = '/usr/bin/python3'
const missing = missingCommand(python, ['-c', 'import authlib, requests'], 'Python with Authlib and requests is absent')
const folder = fileURLToPath(new URL('./python/', import.meta.url))

describeWith({ name: 'authlib', missing }, 'Authlib (Python)', () => {
  let provider: Provider
  beforeAll(async () => {
    provider = await openProvider()
  }, 60_000)
  afterAll(() => provider.writ.stop())

  test('signs a person in, checks the ID token, refreshes, introspects, revokes; a service proves itself by a key', async () => {
    const { issuer } = provider.writ
    const redirectUri = `${issuer}/app/cb`
    const clientSecret = await provider.createClient('authlib', {
      redirectUris: [redirectUri],
      grantTypes: ['authorization_code', 'refresh_token'],
      scope: 'openid profile email offline_access',
    })
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = { ...pair.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'service-1' }
    await provider.createClient('authlib-service', {
      grantTypes: ['client_credentials'],
      tokenEndpointAuthMethod: 'private_key_jwt',
      jwks: { keys: [jwk] },
      scope: 'access',
    })
    const done = await runClient(python, ['authlib_client.py'], {
      cwd: folder,
      env: { PYTHONDONTWRITEBYTECODE: '1' },
      settings: {
        issuer,
        clientId: 'authlib',
        clientSecret,
        redirectUri,
        serviceId: 'authlib-service',
        serviceKey: pair.privateKey.export({ format: 'pem', type: 'pkcs8' }),
      },
    })
    expect(done).toMatchObject({
      sub: provider.accountId,
      userinfo: { sub: provider.accountId, email: 'alice@example.test', email_verified: true, name: 'Alice Kim' },
      rotated: true,
      activeBefore: true,
      activeAfter: false,
      replay: [400, 'invalid_grant'],
      serviceToken: 'Bearer',
      serviceClaims: { iss: issuer, sub: 'authlib-service', client_id: 'authlib-service', scope: 'access' },
    })
  }, 60_000)
})
