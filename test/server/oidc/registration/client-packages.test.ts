// Client packages that nobody here wrote register themselves, and sign a person in as what they registered.
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import { openHttpBrowser } from '../../../kit/http-browser.ts'
import { alicePassword } from '../rig.ts'
import { openStand, type Stand } from './stand.ts'

let stand: Stand
let redirectUri: string
beforeAll(async () => {
  stand = await openStand()
  redirectUri = `${stand.issuer}/app/cb`
  await stand.rig.seed.account('alice@example.test')
})
afterAll(() => stand.close())

/** A person goes through the pages; answers the address that the app is called back at. */
async function walk(address: string): Promise<URL> {
  const browser = openHttpBrowser()
  await browser.open(address)
  await browser.submit({ identifier: 'alice@example.test', password: alicePassword })
  // Nobody here vouches for the app, so the person is asked.
  await browser.submit({}, 'allow')
  return new URL(browser.page().url)
}

test('openid-client registers with an initial access token and signs in', async () => {
  const config = await client.dynamicClientRegistration(
    new URL(stand.issuer),
    {
      redirect_uris: [redirectUri],
      client_name: 'openid-client',
      grant_types: ['authorization_code', 'refresh_token'],
    },
    client.ClientSecretBasic(),
    { initialAccessToken: await stand.initialToken(), execute: [client.allowInsecureRequests] },
  )
  expect(config.clientMetadata().client_id).toMatch(/^c_/)
  const verifier = client.randomPKCECodeVerifier()
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid email',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const tokens = await client.authorizationCodeGrant(config, await walk(address.href), { pkceCodeVerifier: verifier })
  expect(tokens.claims()?.aud).toBe(config.clientMetadata().client_id)
  expect((await client.refreshTokenGrant(config, tokens.refresh_token ?? '')).access_token).toEqual(expect.any(String))
})

test('oauth4webapi registers a public client and signs in; what it reads of a refusal is the protocol’s', async () => {
  const insecure = { [oauth.allowInsecureRequests]: true } as const
  const issuer = new URL(stand.issuer)
  const discovered = await oauth.discoveryRequest(issuer, insecure)
  const server = await oauth.processDiscoveryResponse(issuer, discovered)
  const metadata = { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none' }
  const refused = oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(
      server,
      { ...metadata, redirect_uris: ['https://*.example/cb'] },
      { ...insecure, initialAccessToken: await stand.initialToken() },
    ),
  )
  await expect(refused).rejects.toMatchObject({ error: 'invalid_redirect_uri', status: 400 })
  const challenged = oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, metadata, insecure),
  )
  await expect(challenged).rejects.toMatchObject({ status: 401 })

  const registered = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, metadata, {
      ...insecure,
      initialAccessToken: await stand.initialToken(),
    }),
  )
  const verifier = oauth.generateRandomCodeVerifier()
  const address = new URL(server.authorization_endpoint ?? '')
  address.search = new URLSearchParams({
    client_id: registered.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const parameters = oauth.validateAuthResponse(server, registered, await walk(address.href), oauth.expectNoState)
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    registered,
    oauth.None(),
    parameters,
    redirectUri,
    verifier,
    insecure,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(server, registered, response)
  expect(oauth.getValidatedIdTokenClaims(tokens)?.aud).toBe(registered.client_id)
})
