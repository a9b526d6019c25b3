import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { decodeProtectedHeader } from 'jose'
import { grantNames } from '../../server/oidc/client-metadata.ts'
import { type ClientKey, openClientKey } from '../server/oidc/proofs.ts'
import { claimMutants, forgeries, openForger } from './forgeries.ts'
import { fromElsewhere, openStand, type Stand } from './stand.ts'

/** A place where somebody brings a JWS. */
type Door = {
  /** A token that is taken, new at each call. */
  readonly good: () => Promise<string>
  readonly bring: (
    token: string,
  ) => Promise<{ readonly isTaken: boolean; readonly status: number; readonly text: string }>
  /** Where the test holds the key: a token with these claims and header members changed. */
  readonly sign?: (claims: object, header?: { readonly [name: string]: unknown }) => Promise<string>
  readonly required?: readonly string[]
  readonly wrongTypes?: readonly string[]
}

let stand: Stand
let key: ClientKey
let fetched: string[]
let forgersKeys: Server
let doors: { readonly [name: string]: Door }
const upstream = 'https://login.partner.example'
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const post = (path: string, fields: object, headers: { readonly [name: string]: string } = {}) => {
  const body = new URLSearchParams({ ...fields }).toString()
  return stand.raw(path, { method: 'POST', headers: { ...form, ...fromElsewhere(), ...headers }, body })
}
const verdict = (answer: { readonly status: number; readonly text: string }, isTaken = answer.status < 300) => ({
  isTaken,
  status: answer.status,
  text: answer.text.slice(0, 300),
})
const pkce = { code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256' }
const seconds = () => Math.floor(Date.now() / 1_000)

beforeAll(async () => {
  stand = await openStand()
  key = await openClientKey()
  fetched = []
  forgersKeys = createServer((request, response) => {
    fetched.push(request.url ?? '')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"keys":[]}')
  })
  await new Promise<void>((resolve) => forgersKeys.listen(0, '127.0.0.1', resolve))
  await stand.createClient('signer', {
    tokenEndpointAuthMethod: 'private_key_jwt',
    jwks: { keys: [key.publicJwk] },
    grantTypes: ['authorization_code', 'client_credentials', grantNames.assertion],
    trustedIssuers: [upstream],
  })
  await stand.createClient('batch', {
    grantTypes: [grantNames.assertion, grantNames.exchange],
    trustedIssuers: [upstream],
    redirectUris: [],
  })
  const trusted = { jwks: { keys: [key.publicJwk] }, subject: { by: 'account' }, scope: 'access' }
  const query = `issuer=${encodeURIComponent(upstream)}`
  const put = await stand.call('PUT', `/admin/v1/trusted-issuers?${query}`, trusted)
  if (put.status !== 204) throw new Error(put.text)
  doors = { ...clientDoors(), ...requestDoors(), ...assertionDoors(), ...(await accessDoors()) }
}, 60_000)
afterAll(async () => {
  await stand?.close()
  forgersKeys?.close()
})

const bearerType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

function clientDoors(): { readonly [name: string]: Door } {
  const sign: Door['sign'] = (claims, header) => signedAs('signer', claims, header)
  const fields = (token: string) => ({
    client_id: 'signer',
    client_assertion_type: bearerType,
    client_assertion: token,
  })
  const required = ['iss', 'sub', 'aud', 'exp', 'jti']
  const atToken: Door['bring'] = async (token) =>
    verdict(await post('/oauth2/token', { grant_type: 'client_credentials', ...fields(token) }))
  const atIntrospection: Door['bring'] = async (token) =>
    verdict(await post('/oauth2/introspect', { token: 'x', ...fields(token) }))
  const good = () => sign({})
  return {
    'client assertion at the token endpoint': { good, sign, required, bring: atToken },
    'client assertion at introspection': { good, sign, required, bring: atIntrospection },
    'DPoP proof': {
      good: () => proof(),
      sign: (claims, header) => proof(claims, header),
      required: ['htm', 'htu', 'jti', 'iat'],
      wrongTypes: ['JWT', 'at+jwt', ''],
      async bring(token) {
        const headers = { authorization: stand.basic(stand.web), dpop: token }
        return verdict(await post('/oauth2/token', { grant_type: 'client_credentials' }, headers))
      },
    },
  }
}

const signedAs = (client: string, claims: object, header: object = {}) =>
  key.sign(
    { iss: client, sub: client, aud: stand.issuer, jti: randomUUID(), iat: seconds(), exp: seconds() + 60, ...claims },
    { kid: 'client-key', ...header },
  )

async function proof(claims: object = {}, header: object = {}): Promise<string> {
  const of = { method: 'POST', url: `${stand.issuer}/oauth2/token` }
  const headers = { ...form, authorization: stand.basic(stand.web), dpop: await key.proof(of) }
  const first = await stand.raw('/oauth2/token', { method: 'POST', headers, body: 'grant_type=client_credentials' })
  return key.proof({ ...of, nonce: String(first.headers['dpop-nonce']) }, { ...claims }, header)
}

function requestDoors(): { readonly [name: string]: Door } {
  const redirect = stand.web.redirectUri
  const claims = { client_id: 'signer', response_type: 'code', scope: 'openid', redirect_uri: redirect, ...pkce }
  const sign: Door['sign'] = (more, header) =>
    signedAs('signer', { ...claims, sub: undefined, ...more }, { typ: 'oauth-authz-req+jwt', ...header })
  const good = () => sign({})
  const wrongTypes = ['at+jwt', 'dpop+jwt', 'logout+jwt']
  return {
    'request object, pushed': {
      ...{ good, sign, required: ['aud', 'exp'], wrongTypes },
      async bring(token) {
        const client = { client_assertion_type: bearerType, client_assertion: await signedAs('signer', {}) }
        return verdict(await post('/oauth2/par', { client_id: 'signer', request: token, ...client }))
      },
    },
    'request object in the address': {
      ...{ good, sign, required: ['aud', 'exp'], wrongTypes },
      async bring(token) {
        const query = new URLSearchParams({ client_id: 'signer', request: token })
        const answer = await stand.raw(`/oauth2/authorize?${query}`)
        const location = answer.headers.location ?? ''
        return verdict(answer, location.includes('/signin/'))
      },
    },
    'id_token_hint at the end of a session': {
      good: async () => (await stand.tokens()).tokens.body.id_token ?? '',
      async bring(token) {
        return verdict(await stand.raw(`/oauth2/end_session?${new URLSearchParams({ id_token_hint: token })}`))
      },
    },
  }
}

function assertionDoors(): { readonly [name: string]: Door } {
  const sign: Door['sign'] = (claims, header) => signedAs(upstream, { sub: stand.alice.id, ...claims }, header)
  const client = () => ({ id: 'batch', redirectUri: '', secret: stand.secretOf('batch') })
  const required = ['iss', 'sub', 'aud', 'exp', 'jti']
  const wrongTypes = ['at+jwt', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', 'oauth-authz-req+jwt']
  const authorization = () => ({ authorization: stand.basic(client()) })
  return {
    'assertion of a trusted issuer': {
      ...{ good: () => sign({}), sign, required, wrongTypes },
      bring: async (assertion) =>
        verdict(await post('/oauth2/token', { grant_type: grantNames.assertion, assertion }, authorization())),
    },
  }
}

/** Where access tokens of ours are brought. The administrator's own one opens every one of them. */
async function accessDoors(): Promise<{ readonly [name: string]: Door }> {
  const role = { subject: { type: 'User', id: stand.alice.id }, role: 'admin', on: { type: 'Tenant', id: 'default' } }
  const given = await stand.call('POST', '/admin/v1/assignments', role)
  if (given.status >= 300) throw new Error(given.text)
  const admin = await stand.createClient('console', { scope: 'openid admin access' })
  const tokenOf = (resource: string, scope: string) => async () =>
    (await stand.tokens({ client: admin, resource: `${stand.issuer}${resource}`, scopes: ['openid', scope] })).tokens
      .body.access_token ?? ''
  const atRoute =
    (method: string, path: string, body?: string): Door['bring'] =>
    async (token) => {
      const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) }
      const answer = await stand.raw(path, { method, headers, ...(body ? { body } : {}) })
      // 403 is a no to somebody who is known.
      return verdict(answer, answer.status !== 401)
    }
  const question = JSON.stringify({
    ...{
      subject: { type: 'User', id: 'x' },
      action: { name: 'readAudit' },
      resource: { type: 'Tenant', id: 'default' },
    },
  })
  return {
    'access token at the admin API': { good: tokenOf('/admin', 'admin'), bring: atRoute('GET', '/admin/v1/users') },
    'access token at storage': { good: tokenOf('/api', 'access'), bring: atRoute('GET', '/storage/v1/buckets') },
    'access token at AuthZEN': {
      good: () => stand.clientToken(stand.service, `${stand.issuer}/access`),
      bring: atRoute('POST', '/access/v1/evaluation', question),
    },
    'access token at introspection': {
      good: tokenOf('/api', 'access'),
      async bring(token) {
        const answer = await post('/oauth2/introspect', { token }, { authorization: stand.basic(admin) })
        return verdict(answer, /"active":true/.test(answer.text))
      },
    },
    'access token at userinfo': {
      good: async () => (await stand.tokens()).tokens.body.access_token ?? '',
      bring: atRoute('GET', '/oauth2/userinfo'),
    },
  }
}

const names = [
  ...['client assertion at the token endpoint', 'client assertion at introspection', 'DPoP proof'],
  ...['request object, pushed', 'request object in the address', 'id_token_hint at the end of a session'],
  ...['assertion of a trusted issuer', 'access token at the admin API', 'access token at storage'],
  ...['access token at AuthZEN', 'access token at introspection', 'access token at userinfo'],
]
const doorOf = (name: string): Door => {
  const door = doors[name]
  if (!door) throw new Error(`no door ${name}`)
  return door
}
/** Google's vectors, in both of the ways a JWS is spelled; none where the fixtures are not beside the project. */
const vectors = ['signature', 'key'].flatMap((kind): string[] => {
  const file = new URL(`../../../shared/fixtures/jwt/wycheproof_json_web_${kind}.json`, import.meta.url)
  if (!existsSync(file)) return []
  type Vectors = { readonly testGroups: readonly { readonly tests: readonly { readonly jws?: unknown }[] }[] }
  const { testGroups } = JSON.parse(readFileSync(file, 'utf8')) as Vectors // their published schema
  const found = testGroups.flatMap(({ tests }) => tests.map(({ jws }) => jws))
  return found.map((jws) => (typeof jws === 'string' ? jws : JSON.stringify(jws)))
})
if (vectors.length === 0) {
  // biome-ignore lint/suspicious/noConsole: a suite that does not run says so
  console.warn('the Wycheproof vectors are absent: they are not brought to any door')
}
/** Parameters and headers are texts; what Node cannot even send arrives nowhere. */
const sendable = (token: string): boolean => !/[^\x20-\x7e]/.test(token) && token.length < 8_000

describe.each(names)('%s (security.md row 8)', (name) => {
  test('a good one is taken, a forged one never', async () => {
    const door = doorOf(name)
    const answer = await door.bring(await door.good())
    if (!answer.isTaken) throw new Error(JSON.stringify(answer))
    const good = await door.good()
    const forger = openForger(`http://127.0.0.1:${(forgersKeys.address() as AddressInfo).port}/keys`)
    const wrong: string[] = []
    if (good.split('.').length === 3) {
      const { kid, jwk } = decodeProtectedHeader(good)
      const published: {
        readonly keys: readonly { readonly kid?: string; readonly kty?: string; readonly [member: string]: unknown }[]
      } = JSON.parse((await stand.raw('/oauth2/jwks')).text)
      const publicJwk = jwk ?? published.keys.find((each) => each.kid === kid) ?? key.publicJwk
      for (const [how, token] of Object.entries(forgeries(good, publicJwk, forger))) {
        if (!sendable(token) || (token === '' && /^id_token_hint|^DPoP/.test(name))) continue
        const { isTaken, status, text } = await door.bring(token)
        if (isTaken || status >= 500) wrong.push(`${how}: ${status} ${text}`)
      }
    }
    expect(wrong).toEqual([])
    expect(fetched).toEqual([])
  }, 30_000)

  // Each is of a key that nobody registered: whatever its form, it is refused as a credential and never an accident of ours.
  test.each(vectors.length > 0 ? ['Wycheproof vectors (JWS, key sets) open nothing'] : [])(
    '%s',
    async () => {
      const { bring } = doorOf(name)
      const wrong: string[] = []
      for (const token of vectors.filter(sendable)) {
        if (token === '') continue
        const { isTaken, status, text } = await bring(token)
        if (status < 400 || status >= 500) {
          // What is not active is no error (RFC 7662 §2.2), nor is a hint that says nothing.
          if (!isTaken && status === 200 && /introspection|revocation|id_token_hint/.test(name)) continue
          wrong.push(`${token.slice(0, 60)}: ${status} ${text}`)
        }
      }
      expect(wrong).toEqual([])
    },
    120_000,
  )

  test('signed well, and still not one of these: claims and types', async () => {
    const { sign, required = [], wrongTypes = [], bring } = doorOf(name)
    if (!sign) return
    const wrong: string[] = []
    const mutants = name === 'DPoP proof' ? dpopMutants(required) : claimMutants(required)
    for (const [how, claims] of Object.entries(mutants)) {
      const { isTaken, status, text } = await bring(await sign(claims))
      if (isTaken || status >= 500) wrong.push(`${how}: ${status} ${text}`)
    }
    for (const typ of wrongTypes) {
      const { isTaken, status, text } = await bring(await sign({}, { typ }))
      if (isTaken || status >= 500) wrong.push(`typ ${typ}: ${status} ${text}`)
    }
    expect(wrong).toEqual([])
  }, 30_000)
})

/** A proof has no lifetime of its own: it is as good as its nonce. */
const dpopMutants = (required: readonly string[]) =>
  Object.fromEntries(
    Object.entries({
      ...claimMutants(required),
      'another method': { htm: 'GET' },
      'another address': { htu: `${stand.issuer}/oauth2/par` },
      'another origin': { htu: 'https://evil.example/oauth2/token' },
      'a nonce of nobody': { nonce: 'x' },
      'no nonce': { nonce: undefined },
    }).filter(([how]) => !/^(exp|nbf|iat) is -?\d|^exp|^nbf/.test(how)),
  )
