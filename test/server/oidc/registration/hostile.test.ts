// Whatever is sent to these doors is answered in the protocol's form, never by a fault (security.md row 15); forged statements
// register nobody (row 8).
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createTrustedIssuerStore, trustedIssuerSchema } from '../../../../server/oidc/trusted-issuers.ts'
import { forgeries, openForger } from '../../../security/forgeries.ts'
import { hostileBodies, hostileSegments, hostileValues } from '../../../security/hostile.ts'
import { openClientKey } from '../proofs.ts'
import { openSites, type Sites } from './sites.ts'
import { openStand, type Stand } from './stand.ts'

let sites: Sites
let stand: Stand
beforeAll(async () => {
  sites = await openSites('app.example')
  stand = await openStand({ egress: sites.egress })
  await stand.rules(`@id("open")
allow registerClient on Tenant to anyone

@id("documents")
allow readClientDocument on Tenant to anyone`)
  await stand.admin('PUT', '/openid-settings', { requestUri: true })
})
afterAll(async () => {
  await stand.close()
  await sites.close()
})

const members = [
  ...['redirect_uris', 'post_logout_redirect_uris', 'grant_types', 'response_types', 'token_endpoint_auth_method'],
  ...[
    'application_type',
    'scope',
    'contacts',
    'client_name',
    'client_uri',
    'logo_uri',
    'policy_uri',
    'tos_uri',
    'jwks',
  ],
  ...['jwks_uri', 'software_id', 'software_version', 'software_statement', 'subject_type', 'sector_identifier_uri'],
  ...['initiate_login_uri', 'request_uris', 'default_max_age', 'require_auth_time', 'id_token_signed_response_alg'],
  ...[
    'request_object_signing_alg',
    'dpop_bound_access_tokens',
    'authorization_details_types',
    'backchannel_logout_uri',
  ],
  ...['backchannel_token_delivery_mode', 'client_id', 'client_secret', 'registration_access_token', '__proto__'],
]
const app = { redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }

/** What is wrong with an answer of the registration endpoint. */
async function faultOf(response: Response): Promise<string | undefined> {
  const text = await response.text()
  if (response.status >= 500 || /\n\s+at |node_modules|syntax error/i.test(text))
    return `${response.status} ${text.slice(0, 200)}`
  if (response.status < 400) return undefined
  if (!/^application\/json/.test(response.headers.get('content-type') ?? '')) return `form of ${text.slice(0, 100)}`
  return /^\{"error":"[a-z_]+"/.test(text) ? undefined : `code of ${text.slice(0, 100)}`
}
const send = (method: string, path: string, body: string | Buffer, token?: string) =>
  fetch(stand.issuer + path, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body,
  })

describe('the registration endpoint takes anything and breaks at nothing', () => {
  test.each(members)('hostile values of %s', async (member) => {
    const found: string[] = []
    for (const value of hostileValues) {
      const body = JSON.stringify({ ...app }).replace(/\}$/, `,${JSON.stringify(member)}:${JSON.stringify(value)}}`)
      const twice = member in app ? JSON.stringify({ ...app, [member]: value }) : body
      const fault = await faultOf(await send('POST', '/oauth2/register', twice))
      if (fault !== undefined) found.push(`${JSON.stringify(value)?.slice(0, 60)} → ${fault}`)
      // No token is used here that could end: the bucket of the address fills again.
      stand.rig.clock.advance(1_000)
    }
    expect(found).toEqual([])
  })

  test('hostile bodies', async () => {
    const found: string[] = []
    for (const body of hostileBodies) {
      const fault = await faultOf(
        await send('POST', '/oauth2/register', body).catch(() => Response.json({}, { status: 200 })),
      )
      if (fault !== undefined) found.push(`${String(body).slice(0, 60)} → ${fault}`)
    }
    expect(found).toEqual([])
  })

  test('hostile ids and tokens', async () => {
    const found: string[] = []
    for (const segment of hostileSegments) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const response = await fetch(`${stand.issuer}/oauth2/register/${segment}`, {
          method,
          headers: { authorization: 'Bearer wrat_x', 'content-type': 'application/json' },
          ...(method === 'PUT' ? { body: '{}' } : {}),
        })
        if (response.status < 400 || response.status >= 500) found.push(`${method} ${segment} → ${response.status}`)
      }
    }
    for (const authorization of [
      'Bearer',
      'Bearer ',
      'Bearer a b',
      'Basic eDp5',
      'DPoP x',
      `Bearer ${'x'.repeat(9_000)}`,
      'wiat_x',
    ]) {
      const { status } = await fetch(`${stand.issuer}/oauth2/register`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(app),
      })
      if (status !== 401) found.push(`${authorization.slice(0, 20)} → ${status}`)
    }
    expect(found).toEqual([])
  })
})

test.each(['client_id', 'request_uri'])('hostile values of %s at the authorization endpoint', async (name) => {
  const hostile = [
    ...[
      'https://',
      'https://a',
      'https:///x',
      'https://a/%00',
      'https://a/\u0000',
      'https://a/\ud800',
      'https://[::1',
      'https://a:99999/x',
    ],
    ...[
      'https://app.example/%',
      'https://app.example/a?b#',
      `https://app.example/${'x'.repeat(5_000)}`,
      'https://xn--/x',
      'https://a b/x',
    ],
    ...[
      'https://app.example/%2e%2e/x',
      'https://app.example/%2F',
      'HTTPS://app.example/x',
      'https://\u0430pp.example/x',
      'urn:x',
    ],
  ]
  const found: string[] = []
  for (const value of hostile) {
    const query = new URLSearchParams({
      client_id: 'desk',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: 'https://app.example/cb',
      [name]: value,
    })
    const { status } = await fetch(`${stand.issuer}/oauth2/authorize?${query}`, { redirect: 'manual' })
    if (status >= 500) found.push(`${value.slice(0, 60)} → ${status}`)
  }
  expect(found).toEqual([])
})

test('a forged software statement registers nobody, and nothing is fetched for it (security.md row 8)', async () => {
  const key = await openClientKey()
  const issuer = 'https://statements.example'
  const settings = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' }, softwareStatements: true }
  await createTrustedIssuerStore(stand.rig.database, 'default').put({ ...trustedIssuerSchema.parse(settings), issuer })
  const good = await key.sign({ iss: issuer, software_id: 'editor' }, { kid: 'client-key' })
  const forged = forgeries(good, key.publicJwk, openForger('https://app.example/forged.json'))
  expect(Object.keys(forged).length).toBeGreaterThan(15)
  const before = sites.heard.length
  const taken: string[] = []
  for (const [name, statement] of Object.entries(forged)) {
    const { status } = await stand.register({ ...app, software_statement: statement })
    if (status !== 400) taken.push(`${name} → ${status}`)
  }
  expect(taken).toEqual([])
  expect(sites.heard).toHaveLength(before)
  expect((await stand.register({ ...app, software_statement: good })).status).toBe(201)
})
