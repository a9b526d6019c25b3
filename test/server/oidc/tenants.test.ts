import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeJwt } from 'jose'
import { entityOf } from '../../../server/identity/entities.ts'
import { grantNames } from '../../../server/oidc/client-metadata.ts'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../server/oidc/trusted-issuers.ts'
import { askForWord } from '../../kit/ciba.ts'
import { askForDevice, confirmDevice, deviceGrant } from '../../kit/device.ts'
import { openHttpBrowser } from '../../kit/http-browser.ts'
import { askToken, postForm, refresh, signIn } from '../../kit/sign-in.ts'
import { openClientKey } from './proofs.ts'
import { alicePassword, clientSecret, openRig, type Rig } from './rig.ts'

let rig: Rig
let acme: string
beforeAll(async () => {
  rig = await openRig()
  acme = `${rig.issuer}/t/acme`
  const actor = { tenantId: 'default', subject: entityOf('Anonymous', '') }
  await rig.kernel.tenants.create(actor, { id: 'acme', name: 'Acme' })
  for (const [tenantId, issuer] of [
    ['default', rig.issuer],
    ['acme', acme],
  ] as const) {
    const metadata = {
      redirectUris: [`${issuer}/app/cb`],
      grantTypes: [
        'authorization_code' as const,
        'refresh_token' as const,
        'client_credentials' as const,
        ...Object.values(grantNames),
      ],
      scope: 'openid offline_access access',
      trustedIssuers: [upstream],
    }
    await rig.seed.client('web', metadata, { tenantId, firstParty: true })
    await rig.seed.account('alice@example.test', alicePassword, tenantId)
  }
})
afterAll(() => rig.close())

const upstream = 'https://login.partner.example'

const asIn = (issuer: string) => ({
  issuer,
  client: { id: 'web', redirectUri: `${issuer}/app/cb`, secret: clientSecret },
  user: { identifier: 'alice@example.test', password: alicePassword },
})

describe('discovery', () => {
  test.each([
    ['OIDC Discovery §4', () => `${rig.issuer}/.well-known/openid-configuration`, () => rig.issuer],
    ['RFC 8414 §3', () => `${rig.issuer}/.well-known/oauth-authorization-server`, () => rig.issuer],
    ['OIDC Discovery §4, a tenant', () => `${acme}/.well-known/openid-configuration`, () => acme],
    ['RFC 8414 §3.1, a tenant', () => `${rig.issuer}/.well-known/oauth-authorization-server/t/acme`, () => acme],
  ])('says what is in effect: %s', async (_what, address, issuerOf) => {
    const response = await fetch(address())
    const issuer = issuerOf()
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    expect(await response.json()).toMatchObject({
      issuer,
      authorization_endpoint: `${issuer}/oauth2/authorize`,
      token_endpoint: `${issuer}/oauth2/token`,
      userinfo_endpoint: `${issuer}/oauth2/userinfo`,
      jwks_uri: `${issuer}/oauth2/jwks`,
      introspection_endpoint: `${issuer}/oauth2/introspect`,
      revocation_endpoint: `${issuer}/oauth2/revoke`,
      end_session_endpoint: `${issuer}/oauth2/end_session`,
      response_types_supported: ['code'],
      response_modes_supported: expect.arrayContaining(['query', 'fragment', 'form_post']),
      grant_types_supported: expect.arrayContaining(['authorization_code', 'refresh_token', 'client_credentials']),
      subject_types_supported: ['public', 'pairwise'],
      id_token_signing_alg_values_supported: expect.arrayContaining(['RS256']),
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: expect.arrayContaining([
        'client_secret_basic',
        'client_secret_post',
        'none',
      ]),
      authorization_response_iss_parameter_supported: true,
      claims_parameter_supported: true,
      request_uri_parameter_supported: false,
      scopes_supported: expect.arrayContaining(['openid', 'profile', 'email', 'offline_access']),
      claims_supported: expect.arrayContaining(['sub', 'email', 'name', 'acr']),
      acr_values_supported: ['pwd'],
      ui_locales_supported: ['ko', 'en'],
    })
  })

  test('publishes public keys only, each with its own id', async () => {
    const { keys } = (await (await fetch(`${rig.issuer}/oauth2/jwks`)).json()) as {
      keys: { kid: string; d?: string; p?: string }[]
    }
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(2)
    for (const key of keys) expect([key.d, key.p]).toEqual([undefined, undefined])
  })

  test('an unknown tenant has none', async () => {
    expect((await fetch(`${rig.issuer}/.well-known/oauth-authorization-server/t/nobody`)).status).toBe(404)
    expect((await fetch(`${rig.issuer}/t/nobody/.well-known/openid-configuration`)).status).toBe(404)
  })
})

describe('two tenants with equal client ids and addresses never meet (provider.md §11)', () => {
  test('each signs its own people in, with its own issuer and keys', async () => {
    const [ours, theirs] = [await signIn(asIn(rig.issuer)), await signIn(asIn(acme))]
    expect(decodeJwt(ours.tokens.body.id_token ?? '').iss).toBe(rig.issuer)
    expect(decodeJwt(theirs.tokens.body.id_token ?? '').iss).toBe(acme)
    expect(decodeJwt(ours.tokens.body.id_token ?? '').sub).not.toBe(decodeJwt(theirs.tokens.body.id_token ?? '').sub)
  })

  test('tokens of one are nothing in the other', async () => {
    const { tokens } = await signIn({
      ...asIn(acme),
      scopes: ['openid', 'offline_access'],
      parameters: { prompt: 'consent' },
    })
    const { body } = await askToken(asIn(acme), { grant_type: 'client_credentials', scope: 'access' })
    expect(await refresh(asIn(rig.issuer), tokens.body.refresh_token ?? '')).toMatchObject({ status: 400 })
    for (const token of [tokens.body.access_token ?? '', tokens.body.refresh_token ?? '', body.access_token ?? '']) {
      const answer = await postForm(`${rig.issuer}/oauth2/introspect`, asIn(rig.issuer).client, { token })
      expect(JSON.parse(answer.body)).toEqual({ active: false })
    }
    const headers = { authorization: `Bearer ${tokens.body.access_token}` }
    expect((await fetch(`${rig.issuer}/oauth2/userinfo`, { headers })).status).toBe(401)
    expect((await fetch(`${acme}/oauth2/userinfo`, { headers })).status).toBe(200)
  })

  test('a device of one is confirmed at its own page, and is nothing in the other (RFC 8628)', async () => {
    const asked = await askForDevice(asIn(acme))
    expect(asked.verification_uri).toBe(`${acme}/device`)
    const stranger = openHttpBrowser()
    await stranger.open(`${rig.issuer}/device`)
    expect((await stranger.submit({ user_code: asked.user_code })).status).toBe(422)
    expect((await confirmDevice(asIn(acme), openHttpBrowser(), asked.user_code)).text).toContain('device-done')
    const poll = { grant_type: deviceGrant, device_code: asked.device_code }
    expect((await askToken(asIn(rig.issuer), poll)).body.error).toBe('invalid_grant')
    expect((await askToken(asIn(acme), poll)).status).toBe(200)
  })

  test('a backchannel request of one is nothing in the other (CIBA Core §10.1)', async () => {
    const { auth_req_id: id } = await askForWord(asIn(acme))
    const poll = { grant_type: grantNames.ciba, auth_req_id: id }
    expect((await askToken(asIn(rig.issuer), poll)).body.error).toBe('invalid_grant')
    expect((await askToken(asIn(acme), poll)).body.error).toBe('authorization_pending')
  })

  test('one trusts whom the other does not, and takes no token of the other (RFC 7523, RFC 8693)', async () => {
    const key = await openClientKey()
    const settings = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' }, scope: 'access' }
    const trusted = { ...trustedIssuerSchema.parse(settings), issuer: upstream }
    await createTrustedIssuerStore(rig.database, 'acme').put(trusted)
    const resource = `${acme}/api`
    const { tokens } = await signIn({ ...asIn(acme), scopes: ['openid', 'access'], resource })
    const sub = decodeJwt(tokens.body.access_token ?? '').sub ?? ''
    const ask = async (issuer: string) =>
      askToken(asIn(issuer), {
        grant_type: grantNames.assertion,
        assertion: await key.assertion(sub, issuer, { iss: upstream }),
      })
    expect((await ask(acme)).status).toBe(200)
    expect((await ask(rig.issuer)).body.error).toBe('invalid_grant')
    const exchanged = await askToken(asIn(rig.issuer), {
      grant_type: grantNames.exchange,
      subject_token: tokens.body.access_token ?? '',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    })
    expect(exchanged.body.error).toBe('invalid_request')
  })
})
