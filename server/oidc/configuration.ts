import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import type { Egress } from '../../adapters/egress/port.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import {
  algorithmsOf,
  clientAlgorithms,
  contentEncryptions,
  keyEncryptions,
  type SigningAlgorithm,
} from './algorithms.ts'
import { claimsByScope } from './claims.ts'
import { dpopAlgorithms } from './dpop-proof.ts'
import type { Hooks } from './hooks.ts'
import type { SigningKey } from './keys.ts'
import type { Library } from './library.ts'
import { certificateMethods, endpointAliases, mutualTlsFeature } from './mutual-tls.ts'
import { externalSigning, quickSigningKey, signsQuickly } from './quick-signing-key.ts'
import type { OpenidSettings } from './registration/openid-settings.ts'
import { promptValues, reachableLevels } from './step-up.ts'

const minute = 60
const day = 24 * 60 * minute

/** Lifetimes in seconds (provider.md §2, people.md §8). */
const lifetimes = {
  code: minute,
  accessToken: 10 * minute,
  idToken: 10 * minute,
  interaction: 30 * minute,
  waiting: 10 * minute,
  nobody: 60 * minute,
  grant: 365 * day,
  refreshIdle: 14 * day,
  refreshAbsolute: 30 * day,
  sessionIdle: 7 * day,
  sessionAbsolute: 30 * day,
}

export type ConfigurationOptions = {
  readonly library: Library
  readonly tenant: Tenant
  readonly hooks: Hooks
  readonly keys: readonly SigningKey[]
  readonly cookieKeys: readonly Buffer[]
  readonly nonceSecret: Buffer
  readonly egress: Egress | undefined
  readonly settings: OpenidSettings
  readonly takesDocuments: boolean
  /** Where clients with certificates reach us; absent: nobody reads any. */
  readonly mtlsUrl: string | undefined
  readonly now: () => number
}

/** All that the library is told (provider.md §2): what is off is said, since several of its defaults are on. */
export function configurationOf({
  library,
  tenant,
  hooks,
  keys,
  cookieKeys,
  nonceSecret,
  egress,
  settings,
  takesDocuments,
  mtlsUrl,
  now,
}: ConfigurationOptions): Configuration {
  const isSecure = tenant.issuer.startsWith('https:')
  const cookie = { httpOnly: true, sameSite: 'lax', secure: isSecure, signed: true } as const
  return {
    adapter: hooks.adapter,
    // ORDER: current keys first, since the library signs with the first that fits; the others are published (provider.md §5).
    jwks: { keys: keys.map((key) => (signsQuickly(key) ? quickSigningKey(library, key) : { ...key.privateJwk })) },
    ...protocol(hooks, algorithmsOf(settings)),
    // Where there is no guard, no address of a client's choosing is asked (security.md row 9).
    fetch: egress ?? (() => Promise.reject(new Error('oidc: outgoing requests are off'))),
    ...(mtlsUrl === undefined ? {} : { clientAuthMethods: [...clientAuthMethods, ...certificateMethods] }),
    features: {
      ...featuresOf(tenant, hooks, nonceSecret),
      backchannelLogout: { enabled: egress !== undefined },
      ...(mtlsUrl === undefined ? {} : { mTLS: mutualTlsFeature }),
    },
    routes: {
      authorization: '/oauth2/authorize',
      token: '/oauth2/token',
      userinfo: '/oauth2/userinfo',
      introspection: '/oauth2/introspect',
      revocation: '/oauth2/revoke',
      pushed_authorization_request: '/oauth2/par',
      device_authorization: '/oauth2/device_authorization',
      code_verification: '/device',
      backchannel_authentication: '/oauth2/ciba',
      jwks: '/oauth2/jwks',
      end_session: '/oauth2/end_session',
    },
    cookies: {
      names: cookieNames(tenant.id, isSecure),
      long: { ...cookie, path: '/' },
      short: cookie,
      keys: [...cookieKeys],
    },
    ttl: ttlOf(now),
    interactions: { policy: hooks.interactionPolicy, url: (_ctx, { uid }) => `${tenant.pathPrefix}/signin/${uid}` },
    discovery: {
      service_documentation: `${tenant.issuer}/docs`,
      ui_locales_supported: ['ko', 'en'],
      claim_types_supported: ['normal'],
      prompt_values_supported: [...promptValues],
      // Ours, judged by policy (`registration/`): the library's own would keep what it hands out, and find before it writes.
      registration_endpoint: `${tenant.issuer}/oauth2/register`,
      ...endpointAliases(tenant, mtlsUrl),
      ...(takesDocuments ? { client_id_metadata_document_supported: true } : {}),
      // What is not registered is not fetched (RFC 9101 §10.5, security.md row 9).
      ...(settings.requestUri ? { require_request_uri_registration: true } : {}),
    },
  } as Configuration
  // The published types lag behind the pinned release; test/server/oidc/discovery.test.ts shows what is in effect.
}

/** `__Host-` forbids a path, hence one name per tenant; the short ones carry paths and cannot have it (people.md §8). */
export const cookieNames = (tenantId: string, isSecure: boolean) => ({
  session: `${isSecure ? '__Host-' : ''}writ-${tenantId}`,
  interaction: `writ-${tenantId}-interaction`,
  resume: `writ-${tenantId}-resume`,
})

const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none']

const protocol = (hooks: Hooks, algorithms: readonly SigningAlgorithm[]) => ({
  findAccount: hooks.findAccount,
  extraTokenClaims: hooks.extraTokenClaims,
  loadExistingGrant: hooks.loadExistingGrant,
  renderError: hooks.renderError,
  clientBasedCORS: hooks.clientBasedCORS,
  assertJwtClientAuthClaimsAndHeader: hooks.checkClientAssertion,
  // Whoever registered the grant gets a refresh token; without offline_access it ends with the session (`expiresWithSession`).
  // Where there is no session to end with (CIBA), only offline_access gives one.
  issueRefreshToken: (
    _ctx: KoaContextWithOIDC,
    client: { grantTypeAllowed(type: string): boolean },
    source: { readonly kind?: string; readonly scopes: Set<string> },
  ) =>
    client.grantTypeAllowed('refresh_token') &&
    (source.kind !== 'BackchannelAuthenticationRequest' || source.scopes.has('offline_access')),
  expiresWithSession: (_ctx: KoaContextWithOIDC, code: { scopes: Set<string> }) => !code.scopes.has('offline_access'),
  rotateRefreshToken: hooks.rotateRefreshToken,
  // PKCE for every client (RFC 9700 §2.1.1); S256 is the only method the library knows.
  pkce: { required: hooks.pkceRequired },
  // No parameter: the library runs the check for every authorization request, whether it carries one of this name or not.
  extraParams: { writ_scope_check: hooks.checkRequestedScopes },
  scopes: ['openid', 'offline_access', 'profile', 'email', 'address', 'phone'],
  claims: { sid: null, iss: null, ...claimsByScope },
  acrValues: [...reachableLevels],
  responseTypes: ['code'],
  subjectTypes: ['public', 'pairwise'],
  pairwiseIdentifier: hooks.pairwiseIdentifier,
  sectorIdentifierUriValidate: hooks.mustVerifySector,
  clientAuthMethods,
  enabledJWA: {
    clientAuthSigningAlgValues: [...clientAlgorithms],
    idTokenSigningAlgValues: [...algorithms],
    userinfoSigningAlgValues: [...algorithms],
    introspectionSigningAlgValues: [...algorithms],
    authorizationSigningAlgValues: [...algorithms],
    requestObjectSigningAlgValues: [...clientAlgorithms],
    // What is encrypted to us would need keys of its own; TLS carries it, and what is signed is signed.
    requestObjectEncryptionAlgValues: [],
    requestObjectEncryptionEncValues: [],
    ...encryptedAnswers,
    dPoPSigningAlgValues: dpopAlgorithms,
  },
  extraClientMetadata: { properties: ['corsOrigins', 'profile', 'requirePkce', 'requireNonce'] },
  allowOmittingSingleRegisteredRedirectUri: false,
  acceptQueryParamAccessTokens: false,
  clockTolerance: 10,
  conformIdTokenClaims: true,
  formats: { bitsOfOpaqueRandomness: 256 },
  fetchResponseBodyLimits: { jwks_uri: 64 * 1024, sector_identifier_uri: 64 * 1024 },
})

const encryptedAnswers = Object.fromEntries(
  ['idToken', 'userinfo', 'introspection', 'authorization'].flatMap((answer) => [
    [`${answer}EncryptionAlgValues`, [...keyEncryptions]],
    [`${answer}EncryptionEncValues`, [...contentEncryptions]],
  ]),
)

const featuresOf = (tenant: Tenant, hooks: Hooks, nonceSecret: Buffer) => ({
  devInteractions: { enabled: false },
  externalSigningSupport: externalSigning,
  // Whoever asks for a bound token shows a key that is live now, so nothing made in advance is of use (RFC 9449 §8).
  dPoP: { enabled: true, nonceSecret, requireNonce: () => true },
  pushedAuthorizationRequests: { enabled: true },
  requestObjects: { enabled: true, assertJwtClaimsAndHeader: hooks.checkRequestObject },
  claimsParameter: { enabled: true },
  clientCredentials: { enabled: true },
  deviceFlow: hooks.deviceFlow,
  ciba: hooks.ciba,
  richAuthorizationRequests: hooks.details,
  jwtResponseModes: { enabled: true },
  userinfo: { enabled: true },
  encryption: { enabled: true },
  fapi: { enabled: true, profile: hooks.fapiProfile },
  jwtUserinfo: { enabled: true },
  jwtIntrospection: { enabled: true },
  introspection: { enabled: true, allowedPolicy: hooks.mayIntrospect },
  revocation: { enabled: true, allowedPolicy: hooks.mayRevoke },
  rpInitiatedLogout: {
    enabled: true,
    logoutSource: hooks.renderLogout,
    postLogoutSuccessSource: hooks.renderLoggedOut,
  },
  resourceIndicators: {
    enabled: true,
    defaultResource: hooks.defaultResource,
    useGrantedResource: () => false,
    getResourceServerInfo: (ctx: KoaContextWithOIDC, resource: string) => hooks.resourceServer(ctx, tenant, resource),
  },
})

const ttlOf = (now: () => number) => ({
  AuthorizationCode: lifetimes.code,
  AccessToken: (_ctx: unknown, token: { resourceServer?: { accessTokenTTL?: number } }) =>
    token.resourceServer?.accessTokenTTL ?? lifetimes.accessToken,
  ClientCredentials: (_ctx: unknown, token: { resourceServer?: { accessTokenTTL?: number } }) =>
    token.resourceServer?.accessTokenTTL ?? lifetimes.accessToken,
  IdToken: lifetimes.idToken,
  Interaction: lifetimes.interaction,
  DeviceCode: lifetimes.waiting,
  // CIBA Core §7.1: the client may ask for less.
  BackchannelAuthenticationRequest: (ctx: KoaContextWithOIDC | undefined) =>
    Math.min(lifetimes.waiting, Number(ctx?.oidc.params?.requested_expiry ?? lifetimes.waiting)),
  Grant: lifetimes.grant,
  RefreshToken: (_ctx: unknown, token: { totalLifetime(): number }) =>
    Math.max(1, Math.min(lifetimes.refreshIdle, lifetimes.refreshAbsolute - token.totalLifetime())),
  Session: (_ctx: unknown, session: { loginTs?: number; accountId?: string }) => {
    // Nobody's yet: it holds the secret of a form, and is made by whoever opens a page.
    if (session.accountId === undefined) return lifetimes.nobody
    const age = session.loginTs === undefined ? 0 : Math.floor(now() / 1_000) - session.loginTs
    return Math.max(1, Math.min(lifetimes.sessionIdle, lifetimes.sessionAbsolute - age))
  },
})
