/** One certification plan of the OpenID Foundation's suite as Writ runs it: its name there, the variant, and its modules by their names there. */
export type Plan = {
  readonly plan: string
  readonly variant: { readonly [parameter: string]: string }
  readonly modules: readonly string[]
}

const basic = [
  'oidcc-server',
  'oidcc-response-type-missing',
  'oidcc-idtoken-signature',
  'oidcc-idtoken-unsigned',
  'oidcc-userinfo-get',
  'oidcc-userinfo-post-header',
  'oidcc-userinfo-post-body',
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
  'oidcc-scope-profile',
  'oidcc-scope-email',
  'oidcc-scope-address',
  'oidcc-scope-phone',
  'oidcc-scope-all',
  'oidcc-alternate-happy-flow',
  'oidcc-display-page',
  'oidcc-display-popup',
  'oidcc-prompt-login',
  'oidcc-prompt-none-not-logged-in',
  'oidcc-prompt-none-logged-in',
  'oidcc-max-age-1',
  'oidcc-max-age-10000',
  'oidcc-ensure-request-with-unknown-parameter-succeeds',
  'oidcc-id-token-hint',
  'oidcc-login-hint',
  'oidcc-ui-locales',
  'oidcc-claims-locales',
  'oidcc-ensure-request-with-acr-values-succeeds',
  'oidcc-codereuse',
  'oidcc-codereuse-30seconds',
  'oidcc-ensure-registered-redirect-uri',
  'oidcc-ensure-post-request-succeeds',
  'oidcc-server-client-secret-post',
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported',
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
  'oidcc-claims-essential',
  'oidcc-ensure-request-object-with-redirect-uri',
  'oidcc-refresh-token',
  'oidcc-ensure-request-with-valid-pkce-succeeds',
]

const fapi = (names: string): string[] =>
  names
    .trim()
    .split(/\s+/)
    .map((name) => `fapi2-security-profile-final-${name}`)

/** Modules that both FAPI 2.0 plans run with `plain_fapi` and OpenID; others of the suite belong to national profiles or to grant management. */
const fapiProfile = fapi(`
discovery-end-point-verification happy-flow user-rejects-authentication
ensure-authorization-request-without-state-success ensure-authorization-request-without-nonce-success
ensure-authorization-request-with-64-char-nonce-success ensure-other-scope-order-succeeds test-claims-parameter-identity-claims
access-token-type-header-case-sensitivity check-dpop-proof-nbf-exp
ensure-dpopproof-with-iat-10seconds-before-succeeds ensure-dpopproof-with-iat-10seconds-after-succeeds
ensure-mismatched-dpop-jkt-fails ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt
ensure-token-endpoint-fails-with-mismatched-dpop-jkt ensure-dpopproof-at-par-endpoint-binding-success
ensure-dpop-auth-code-binding-success ensure-authorization-request-with-long-nonce ensure-authorization-request-with-long-state
ensure-registered-redirect-uri plain-fapi-tolerate-unregistered-redirect-uri
ensure-unsigned-authorization-request-without-using-par-fails
ensure-redirect-uri-in-authorization-request ensure-response-type-code-idtoken-fails ensure-response-type-token-fails
ensure-client-id-in-token-endpoint ensure-holder-of-key-required ensure-authorization-code-is-bound-to-client
attempt-reuse-authorization-code-after-one-second ensure-token-endpoint-fails-with-expired-auth-code
ensure-signed-client-assertion-with-RS256-fails ensure-client-assertion-in-token-endpoint
ensure-client-assertion-with-exp-is-5-minutes-in-past-fails ensure-client-assertion-with-wrong-aud-fails
ensure-client-assertion-with-no-sub-fails ensure-invalid-client-assertions-fail dpop-negative-tests refresh-token
par-ensure-reused-request-uri-prior-to-auth-completion-succeeds par-attempt-reuse-request_uri
par-attempt-to-use-expired-request_uri par-attempt-to-use-request_uri-for-different-client
par-authorization-request-containing-request_uri-form-param par-attempt-invalid-http-method
par-ensure-pkce-required ensure-pkce-code-verifier-required incorrect-pkce-code-verifier-rejected par-plain-pkce-rejected
par-without-duplicate-parameters`)

/** With signed requests alone. */
const fapiSigned = fapi(`
ensure-request-object-with-multiple-aud-succeeds ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted
ensure-different-nonce-inside-and-outside-request-object ensure-different-state-inside-and-outside-request-object
ensure-request-object-without-exp-fails ensure-request-object-without-nbf-fails state-only-outside-request-object-not-used
ensure-request-object-without-redirect-uri-fails ensure-expired-request-object-fails ensure-request-object-with-bad-aud-fails
ensure-request-object-with-exp-over-60-fails ensure-request-object-with-nbf-over-60-fails
ensure-signed-request-object-with-RS256-fails ensure-request-object-signature-algorithm-is-not-none
ensure-request-object-with-invalid-signature-fails ensure-matching-key-in-authorization-request
ensure-unsigned-request-at-par-endpoint-fails par-authorization-request-containing-request_uri`)

const ciba = `fapi-ciba-id1 fapi-ciba-id1-discovery-end-point-verification fapi-ciba-id1-user-rejects-authentication
fapi-ciba-id1-ensure-request-object-missing-aud-fails`
  .trim()
  .split(/\s+/)

const isStatic = { server_metadata: 'discovery', client_registration: 'static_client' }
const byCode = { client_auth_type: 'client_secret_basic', response_type: 'code', response_mode: 'default' }
const plainFapi = { fapi_profile: 'plain_fapi', openid: 'openid_connect', authorization_request_type: 'simple' }

/** THE TABLE of plans (provider.md §9), by the name of their documents. */
export const plans: { readonly [name: string]: Plan } = {
  basic: { plan: 'oidcc-basic-certification-test-plan', variant: isStatic, modules: basic },
  'form-post': { plan: 'oidcc-formpost-basic-certification-test-plan', variant: isStatic, modules: basic },
  config: {
    plan: 'oidcc-config-certification-test-plan',
    variant: {},
    modules: ['oidcc-discovery-endpoint-verification'],
  },
  dynamic: {
    plan: 'oidcc-dynamic-certification-test-plan',
    variant: byCode,
    modules: [
      'oidcc-discovery-endpoint-verification',
      'oidcc-server',
      'oidcc-ensure-client-assertion-with-iss-aud-succeeds',
      'oidcc-ensure-redirect-uri-in-authorization-request',
      'oidcc-ensure-request-object-with-redirect-uri',
      'oidcc-idtoken-rs256',
      'oidcc-idtoken-unsigned',
      'oidcc-redirect-uri-query-OK',
      'oidcc-redirect-uri-query-added',
      'oidcc-redirect-uri-query-mismatch',
      'oidcc-redirect-uri-regfrag',
      'oidcc-refresh-token',
      'oidcc-refresh-token-rp-key-rotation',
      'oidcc-registration-jwks-uri',
      'oidcc-registration-logo-uri',
      'oidcc-registration-policy-uri',
      'oidcc-registration-sector-bad',
      'oidcc-registration-sector-uri',
      'oidcc-registration-tos-uri',
      'oidcc-request-uri-signed-rs256',
      'oidcc-request-uri-unsigned',
      'oidcc-server-rotate-keys',
      'oidcc-userinfo-rs256',
    ],
  },
  'third-party-login': {
    plan: 'oidcc-3rdparty-init-login-certification-test-plan',
    variant: { response_type: 'code' },
    modules: ['oidcc-3rd_party-init-login', 'oidcc-3rd_party-init-login-nohttps'],
  },
  logout: {
    plan: 'oidcc-rp-initiated-logout-certification-test-plan',
    variant: { client_registration: 'static_client', response_type: 'code' },
    modules: [
      'oidcc-rp-initiated-logout-discovery-endpoint-verification',
      'oidcc-rp-initiated-logout',
      'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
      'oidcc-rp-initiated-logout-modified-id-token-hint',
      'oidcc-rp-initiated-logout-no-id-token-hint',
      'oidcc-rp-initiated-logout-no-params',
      'oidcc-rp-initiated-logout-no-post-logout-redirect-uri',
      'oidcc-rp-initiated-logout-no-state',
      'oidcc-rp-initiated-logout-only-state',
      'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri',
      'oidcc-rp-initiated-logout-bad-id-token-hint',
    ],
  },
  'backchannel-logout': {
    plan: 'oidcc-backchannel-rp-initiated-logout-certification-test-plan',
    variant: { client_registration: 'static_client', response_type: 'code' },
    modules: ['oidcc-backchannel-logout-discovery-endpoint-verification', 'oidcc-backchannel-rp-initiated-logout'],
  },
  'fapi2-jwt-dpop': {
    plan: 'fapi2-security-profile-final-test-plan',
    variant: { ...plainFapi, client_auth_type: 'private_key_jwt', sender_constrain: 'dpop' },
    modules: fapiProfile,
  },
  'fapi2-mtls-mtls': {
    plan: 'fapi2-security-profile-final-test-plan',
    variant: { ...plainFapi, client_auth_type: 'mtls', sender_constrain: 'mtls' },
    modules: fapiProfile.filter((name) => !/dpop|assertion/i.test(name)),
  },
  'fapi2-message-signing': {
    plan: 'fapi2-message-signing-final-test-plan',
    variant: {
      ...plainFapi,
      client_auth_type: 'private_key_jwt',
      sender_constrain: 'dpop',
      fapi_request_method: 'signed_non_repudiation',
      fapi_response_mode: 'jarm',
    },
    modules: [...fapiProfile, ...fapiSigned],
  },
  'fapi-ciba': {
    plan: 'fapi-ciba-id1-test-plan',
    variant: { fapi_profile: 'plain_fapi', client_auth_type: 'private_key_jwt', ciba_mode: 'poll' },
    modules: ciba,
  },
}
