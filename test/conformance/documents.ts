import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { makeAuthority, makeCertificate, type TestCertificate } from '../kit/certificates.ts'
import { plans } from './plans.ts'

export type Where = {
  /** Writ as the suite reaches it, without a trailing slash. */
  readonly issuer: string
  /** The suite as Writ's browser is led back to it: `https://localhost.emobix.co.uk:8443`. */
  readonly suite: string
}

/** A document of Writ (surface.md, CLI). */
export type WritDocument = {
  readonly kind: string
  readonly name: string
  readonly spec: { readonly [m: string]: unknown }
}

export type PlanDocuments = {
  /** What `writ apply` is given. */
  readonly writ: readonly WritDocument[]
  /** What the suite is given: the configuration of a plan. */
  readonly suite: { readonly [member: string]: unknown }
}

export const person = { email: 'conformance@example.test', password: 'otters borrow seven paper lanterns' }

type Client = { readonly writ: WritDocument; readonly suite: object; readonly mtls?: object }

/** Documents of every plan. Secrets, keys and certificates are new each time: none stands in the repository. */
export function makeDocuments(where: Where): { readonly [name: string]: PlanDocuments } {
  const authority = makeAuthority()
  return Object.fromEntries(
    Object.keys(plans).map((name) => {
      const clients = clientsOf(name, where, authority)
      const [client, client2, other] = clients
      return [
        name,
        {
          writ: [user, ...clients.map(({ writ }) => writ), ...settingsOf(name)],
          suite: {
            alias: aliasOf(name),
            description: `Writ, ${name}`,
            server: { discoveryUrl: `${where.issuer}/.well-known/openid-configuration`, login_hint: person.email },
            ...(client ? { client: client.suite } : {}),
            ...(client2 ? { client2: client2.suite } : {}),
            ...(other ? { client_secret_post: other.suite } : {}),
            ...(client?.mtls ? { mtls: client.mtls } : {}),
            ...(client2?.mtls ? { mtls2: client2.mtls } : {}),
            resource: { resourceUrl: `${where.issuer}/oauth2/userinfo` },
            browser: browserOf(where.issuer, 'allow'),
            override: {
              'fapi2-security-profile-final-user-rejects-authentication': { browser: browserOf(where.issuer, 'deny') },
            },
          },
        },
      ] as const
    }),
  )
}

const aliasOf = (name: string): string => `writ-${name}`
const scope = 'openid profile email address phone offline_access'

const user: WritDocument = {
  kind: 'User',
  name: 'conformance',
  spec: {
    email: person.email,
    emailVerified: true,
    password: person.password,
    claims: {
      name: 'Alice Kim',
      given_name: 'Alice',
      family_name: 'Kim',
      nickname: 'ali',
      profile: 'https://alice.example.test/',
      website: 'https://alice.example.test/',
      gender: 'female',
      birthdate: '1990-01-02',
      zoneinfo: 'Asia/Seoul',
      locale: 'ko-KR',
      address: { country: 'KR', locality: 'Seoul' },
    },
  },
}

/** Modules that register their own clients want an open door (provider.md §6). */
const settingsOf = (name: string): WritDocument[] => {
  const settings = (spec: object): WritDocument => ({
    kind: 'OpenidSettings',
    name: 'openid',
    // There is one document of this kind in a tenant, whichever plan was applied last.
    spec: { certification: true, ...spec },
  })
  if (name !== 'dynamic' && name !== 'third-party-login') return [settings({})]
  const files = { 'open-registration.fbac': 'allow registerClient on Tenant to anyone\n' }
  return [
    settings({ requestUri: true, registration: { scope } }),
    { kind: 'PolicySet', name: 'conformance', spec: { files } },
  ]
}

function clientsOf(name: string, where: Where, authority: TestCertificate): readonly Client[] {
  if (name === 'config' || name === 'dynamic' || name === 'third-party-login') return []
  const redirectUris = [`${where.suite}/test/a/${aliasOf(name)}/callback`]
  // A second one with a query: modules of the FAPI plans register both.
  const web = { redirectUris: [...redirectUris, `${redirectUris[0]}?dummy1=lorem&dummy2=ipsum`], scope }
  const grantTypes = ['authorization_code', 'refresh_token']
  if (name === 'fapi-ciba') return ['one', 'two'].map((one) => keyClient(`${name}-${one}`, cibaSpec))
  if (name.startsWith('fapi2')) {
    const profile = name.endsWith('signing') ? 'fapi2-message-signing' : 'fapi2'
    const spec = { ...web, grantTypes, profile }
    return ['one', 'two'].map((one) =>
      name.endsWith('mtls') ? certifiedClient(`${name}-${one}`, spec, authority) : keyClient(`${name}-${one}`, spec),
    )
  }
  const logout = {
    postLogoutRedirectUris: [`${where.suite}/test/a/${aliasOf(name)}/post_logout_redirect`],
    ...(name === 'backchannel-logout'
      ? { backchannelLogoutUri: `${where.suite}/test/a/${aliasOf(name)}/backchannel_logout` }
      : {}),
  }
  // The plans send PKCE in one module and a nonce in all but one (provider.md §9).
  const spec = { ...web, grantTypes, ...logout, requirePkce: false, requireNonce: false }
  return [
    secretClient(`${name}-one`, { ...spec, tokenEndpointAuthMethod: 'client_secret_basic' }),
    secretClient(`${name}-two`, { ...spec, tokenEndpointAuthMethod: 'client_secret_basic' }),
    secretClient(`${name}-post`, { ...spec, tokenEndpointAuthMethod: 'client_secret_post' }),
  ]
}

const cibaSpec = {
  redirectUris: [],
  scope,
  grantTypes: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
  backchannelTokenDeliveryMode: 'poll',
  profile: 'fapi2',
  requireSignedRequestObject: true,
}

type Spec = { readonly [member: string]: unknown }
const document = (id: string, spec: Spec): WritDocument => ({
  kind: 'Client',
  name: id,
  spec: { clientId: id, ...spec },
})

function secretClient(id: string, spec: Spec): Client {
  const clientSecret = randomBytes(32).toString('base64url')
  return { writ: document(id, { ...spec, clientSecret }), suite: { client_id: id, client_secret: clientSecret } }
}

/** The suite signs with the private key; Writ knows the public one. */
function keyClient(id: string, spec: Spec): Client {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const about = { kid: id, use: 'sig', alg: 'ES256' }
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), ...about }] }
  return {
    writ: document(id, { ...spec, tokenEndpointAuthMethod: 'private_key_jwt', jwks }),
    suite: {
      client_id: id,
      scope: 'openid email',
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), ...about }] },
      dpop_signing_alg: 'ES256',
      hint_type: 'login_hint',
      hint_value: person.email,
    },
  }
}

/** The authority goes to `WRIT_CLIENT_AUTHORITIES` (README). */
function certifiedClient(id: string, spec: Spec, authority: TestCertificate): Client {
  const { pem, key } = makeCertificate({ issuer: authority, dns: [`${id}.example`] })
  return {
    writ: document(id, {
      ...spec,
      tokenEndpointAuthMethod: 'tls_client_auth',
      tlsClientAuthSanDns: `${id}.example`,
      tlsClientCertificateBoundAccessTokens: true,
    }),
    suite: { client_id: id, scope: 'openid email' },
    mtls: { cert: pem, key, ca: authority.pem },
  }
}

/** What the suite's browser does on our pages, which it finds by their ids (provider.md §9). */
function browserOf(issuer: string, answer: 'allow' | 'deny'): readonly object[] {
  const pages = `${issuer}/signin/*`
  return [
    {
      match: `${issuer}/oauth2/authorize*`,
      tasks: [
        {
          task: 'Sign in',
          optional: true,
          match: pages,
          commands: [
            ['text', 'id', 'identifier', person.email, 'optional'],
            ['text', 'id', 'password', person.password, 'optional'],
            ['click', 'id', 'submit-signin', 'optional'],
          ],
        },
        { task: 'Consent', optional: true, match: pages, commands: [['click', 'id', answer, 'optional']] },
        {
          task: 'Come back',
          match: '*/test/*/callback*',
          commands: [['wait', 'id', 'submission_complete', 10]],
        },
      ],
    },
    {
      match: `${issuer}/oauth2/end_session*`,
      tasks: [
        {
          task: 'Confirm',
          optional: true,
          match: `${issuer}/oauth2/end_session*`,
          commands: [['click', 'id', 'logout-confirm', 'optional']],
        },
        { task: 'Come back', optional: true, match: '*/test/*/post_logout_redirect*' },
      ],
    },
  ]
}
