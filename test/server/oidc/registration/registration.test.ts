// Clients that register themselves (RFC 7591), at the door.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openStand, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

const web = { client_name: 'My app', redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }

test('discovery names the endpoint (RFC 8414 §2)', async () => {
  const { body } = await stand.call('GET', '/.well-known/openid-configuration')
  expect(body.registration_endpoint).toBe(`${stand.issuer}/oauth2/register`)
})

test('without a token or a rule nobody registers, and is told so by 401 (provider.md §6)', async () => {
  const { status, headers, body } = await stand.register(web)
  expect([status, headers.get('www-authenticate'), body.error]).toEqual([401, 'Bearer', 'invalid_token'])
})

test('an initial access token registers one client, once (RFC 7591 §3)', async () => {
  const token = await stand.initialToken()
  const { status, headers, body } = await stand.register(web, token)
  expect([status, headers.get('cache-control')]).toEqual([201, 'no-store'])
  expect(body).toMatchObject({
    client_name: 'My app',
    redirect_uris: ['https://app.example/cb'],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'web',
    registration_client_uri: `${stand.issuer}/oauth2/register/${body.client_id}`,
  })
  expect(body.client_secret).toBeUndefined()
  expect((await stand.register(web, token)).body.error).toBe('invalid_token')
})
