import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { answerAlgorithms, clientAlgorithms, contentEncryptions, keyEncryptions } from './algorithms.ts'

/** Scopes that release claims or refresh tokens; they belong to no resource. */
export const identityScopes: ReadonlySet<string> = new Set([
  'openid',
  'offline_access',
  'profile',
  'email',
  'address',
  'phone',
])

/** Names that stand for themselves on the wire (RFC 8628 §3.4, CIBA Core §10.1, RFC 8693 §2.1, RFC 7523 §2.1). */
export const grantNames = {
  device: 'urn:ietf:params:oauth:grant-type:device_code',
  ciba: 'urn:openid:params:grant-type:ciba',
  exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  assertion: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
} as const

export const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  grantNames.device,
  grantNames.ciba,
  grantNames.exchange,
  grantNames.assertion,
] as const
const authMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const
const certificateName = z.string().min(1).max(1_000).optional()
export const profiles = ['oauth21', 'fapi2', 'fapi2-message-signing'] as const
const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]'])

/**
 * A redirect is compared character by character, so what cannot be compared exactly is not registered (provider.md §6):
 * https, or http on loopback, or a reverse-domain scheme for native apps; no wildcard, fragment, userinfo, control character.
 */
export function isRegistrableRedirect(uri: string): boolean {
  const url = URL.parse(uri)
  if (url?.username !== '' || url.password !== '') return false
  if ([...uri].some((character) => character <= ' ' || character === '\u007f') || /[#*\\]/.test(uri)) return false
  if (/^https?:$/.test(url.protocol)) {
    // `https:app.example` is an address to one parser, and a path below the present one to another (security.md row 7).
    if (!/^https?:\/\/[^/?#]/i.test(uri)) return false
    return url.protocol === 'https:' ? url.hostname !== '' : loopbackHosts.has(url.hostname)
  }
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/i.test(url.protocol)
}

const redirectUri = z
  .string()
  .max(2_000)
  .refine(isRegistrableRedirect, { message: 'not a redirect that can be registered' })
export const scopeText = z
  .string()
  .max(4_000)
  .regex(/^$|^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/)

/** What `client.metadata` holds. Secrets never stand here: see `client.secret_hashes`. */
export const clientMetadataSchema = z.strictObject({
  redirectUris: z.array(redirectUri).max(50).default([]),
  postLogoutRedirectUris: z.array(redirectUri).max(50).default([]),
  grantTypes: z.array(z.enum(grantTypes)).min(1).default(['authorization_code']),
  tokenEndpointAuthMethod: z.enum(authMethods).default('client_secret_basic'),
  applicationType: z.enum(['web', 'native']).default('web'),
  /** The client's allow-list; a scope outside of it is never granted (security.md §2.14). */
  scope: scopeText.default('openid'),
  /** Audiences that the client may ask for, as paths under the issuer or absolute; absent: the ordinary ones. */
  allowedResources: z.array(z.string().max(2_000)).max(50).optional(),
  idTokenSignedResponseAlg: z.enum(answerAlgorithms).default('RS256'),
  /** `pairwise`: people have another name in each sector, so that clients cannot recognise them together (OIDC Core §8). */
  subjectType: z.enum(['public', 'pairwise']).default('public'),
  /** Lists the redirects that make up one sector (OIDC Core §8.1); asked before the client is used. */
  sectorIdentifierUri: z
    .url({ protocol: /^https$/ })
    .max(2_000)
    .optional(),
  /** What is enforced for this client as a whole (`fapi.ts`). */
  profile: z.enum(profiles).default('oauth21'),
  /** How introspection is answered where the client asks for `application/token-introspection+jwt` (RFC 9701 §5). */
  introspectionSignedResponseAlg: z.enum(answerAlgorithms).optional(),
  /** How userinfo is answered: signed if stated (OIDC Core §5.3.2). */
  userinfoSignedResponseAlg: z.enum(answerAlgorithms).optional(),
  accessTokenLifetimeSeconds: z.int().min(60).max(3_600).optional(),
  /** How authorization responses are signed where the client asks for `jwt` response modes (JARM §4). */
  authorizationSignedResponseAlg: z.enum(answerAlgorithms).default('RS256'),
  /** Types of `authorization_details` that the client may ask for (RFC 9396 §10): actions that the tenant's policies declare. */
  authorizationDetailsTypes: z.array(z.string().min(1).max(200)).max(50).optional(),
  /** How the client learns that a person has decided elsewhere (CIBA Core §4). */
  backchannelTokenDeliveryMode: z.enum(['poll', 'ping']).optional(),
  /** Told when the person has decided (CIBA Core §4): https, or http on loopback. */
  backchannelClientNotificationEndpoint: z
    .string()
    .max(2_000)
    .refine((uri) => isRegistrableRedirect(uri) && /^https?:/i.test(uri), {
      message: 'not an address that can be told',
    })
    .optional(),
  /** Servers that take identity assertions of ours (ID-JAG): as whom the client is known there, and what it may ask for. */
  identityAssertionAudiences: z
    .array(
      z.strictObject({
        issuer: z.string().min(1).max(2_000),
        clientId: z.string().min(1).max(255),
        scope: scopeText.default(''),
      }),
    )
    .max(50)
    .optional(),
  /** Issuers, registered with the tenant, whose assertions the client may bring (RFC 7523 §2.1, RFC 8693 §2.1). */
  trustedIssuers: z.array(z.string().min(1).max(2_000)).max(50).optional(),
  /** False only for confidential clients of certification tenants (provider.md §2, `pkce-policy.ts`). */
  requirePkce: z.boolean().default(true),
  /** Without PKCE a request carries a `nonce` (`pkce-policy.ts`); false only where a certification plan wants neither. */
  requireNonce: z.boolean().optional(),
  /** Every token of this client is bound to a key that it proves (RFC 9449 §5.2). */
  dpopBoundAccessTokens: z.boolean().default(false),
  /** Access tokens are good only on connections with the client's certificate (RFC 8705 §3.4). */
  tlsClientCertificateBoundAccessTokens: z.boolean().optional(),
  /** Whose certificate the client's is, exactly one of them (RFC 8705 §2.1.2); for `tls_client_auth`. */
  tlsClientAuthSubjectDn: certificateName,
  tlsClientAuthSanDns: certificateName,
  tlsClientAuthSanUri: certificateName,
  tlsClientAuthSanIp: certificateName,
  tlsClientAuthSanEmail: certificateName,
  /** Authorization requests are pushed first (RFC 9126 §6). */
  requirePushedAuthorizationRequests: z.boolean().default(false),
  /** Authorization requests are signed by the client (RFC 9101 §10.5). */
  requireSignedRequestObject: z.boolean().default(false),
  /** Told when a person signs out: https, or http on loopback (OIDC Back-Channel Logout §2.2). */
  backchannelLogoutUri: z
    .string()
    .max(2_000)
    .refine((uri) => isRegistrableRedirect(uri) && /^https?:/i.test(uri), {
      message: 'not an address that can be told',
    })
    .optional(),
  corsOrigins: z
    .array(z.url({ protocol: /^https?$/ }))
    .max(50)
    .default([]),
  jwks: z.strictObject({ keys: z.array(z.record(z.string(), z.unknown())).max(10) }).optional(),
  /** Keys at an address of the client's, asked through the guard; not beside `jwks`. */
  jwksUri: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  clientUri: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  policyUri: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  tosUri: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  /** Shown on the consent page, fetched through the guard and never by the person's browser. */
  logoUri: z
    .url({ protocol: /^https?$/ })
    .max(2_000)
    .optional(),
  /** Where a sign-in begins that starts here (OIDC Core §4). */
  initiateLoginUri: z
    .url({ protocol: /^https$/ })
    .max(2_000)
    .optional(),
  contacts: z.array(z.email().max(254)).max(10).optional(),
  /** The software, the same for all of its installations (RFC 7591 §2). */
  softwareId: z.string().min(1).max(255).optional(),
  softwareVersion: z.string().min(1).max(255).optional(),
  /** Where request objects of this client lie (RFC 9101 §5.2.2): nothing else is fetched. */
  requestUris: z
    .array(z.url({ protocol: /^https?$/ }).max(2_000))
    .max(10)
    .optional(),
  /** The oldest sign-in that is good enough where a request says nothing (OIDC Core §2). */
  defaultMaxAge: z.int().min(0).max(31_536_000).optional(),
  requireAuthTime: z.boolean().optional(),
  /** The only algorithm of the client's assertions, and of its request objects. */
  tokenEndpointAuthSigningAlg: z.enum(clientAlgorithms).optional(),
  requestObjectSigningAlg: z.enum(clientAlgorithms).optional(),
  /** Answers that only the client can read: signed first, then encrypted to a key of its own (OIDC Core §16.14, RFC 9701 §5, JARM §2.2). */
  idTokenEncryptedResponseAlg: z.enum(keyEncryptions).optional(),
  idTokenEncryptedResponseEnc: z.enum(contentEncryptions).optional(),
  userinfoEncryptedResponseAlg: z.enum(keyEncryptions).optional(),
  userinfoEncryptedResponseEnc: z.enum(contentEncryptions).optional(),
  introspectionEncryptedResponseAlg: z.enum(keyEncryptions).optional(),
  introspectionEncryptedResponseEnc: z.enum(contentEncryptions).optional(),
  authorizationEncryptedResponseAlg: z.enum(keyEncryptions).optional(),
  authorizationEncryptedResponseEnc: z.enum(contentEncryptions).optional(),
})
export type ClientMetadata = z.infer<typeof clientMetadataSchema>

/** How secrets are kept: they have 256 bits of their own, so a plain digest cannot be searched (provider.md §3). */
export const hashClientSecret = (secret: string): string =>
  createHash('sha256').update(secret, 'utf8').digest('base64url')

/** True if `secret` is one of the two live ones; every hash is compared, each in constant time. */
export function matchesClientSecret(secret: string, hashes: readonly string[]): boolean {
  const given = createHash('sha256').update(secret, 'utf8').digest()
  let found = false
  for (const hash of hashes) {
    const stored = Buffer.from(hash, 'base64url')
    if (stored.length === given.length && timingSafeEqual(stored, given)) found = true
  }
  return found
}
