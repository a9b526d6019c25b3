/** Modules whose fact an ordinary test tells: the file, and words of its title. */
export const elsewhere: { readonly [module: string]: readonly [file: string, words: string] } = {
  'oidcc-ensure-client-assertion-with-iss-aud-succeeds': [
    'test/server/oidc/client-assertions.test.ts',
    'a client that signs with its key gets a token',
  ],
  'oidcc-idtoken-rs256': ['test/conformance/basic.test.ts', 'an ID token names its algorithm and its key'],
  'oidcc-registration-jwks-uri': [
    'test/server/oidc/registration/client-keys.test.ts',
    'a client signs by a key that lies at its address',
  ],
  'oidcc-refresh-token-rp-key-rotation': [
    'test/server/oidc/registration/client-keys.test.ts',
    'a new key is found within a minute',
  ],
  'oidcc-registration-logo-uri': ['test/server/oidc/registration/consent.test.ts', 'its logo, policy and terms'],
  'oidcc-registration-policy-uri': ['test/server/oidc/registration/consent.test.ts', 'its logo, policy and terms'],
  'oidcc-registration-tos-uri': ['test/server/oidc/registration/consent.test.ts', 'its logo, policy and terms'],
  'oidcc-registration-sector-bad': [
    'test/server/oidc/registration/registration.test.ts',
    'a sector must list the redirects',
  ],
  'oidcc-registration-sector-uri': [
    'test/server/oidc/registration/registration.test.ts',
    'a sector must list the redirects',
  ],
  'oidcc-request-uri-signed-rs256': [
    'test/server/oidc/registration/request-uris.test.ts',
    'a whole flow runs from an address',
  ],
  'oidcc-server-rotate-keys': ['test/server/oidc/key-rotation.test.ts', 'the next keys are published before they sign'],
  'oidcc-3rd_party-init-login': [
    'test/server/oidc/registration/registration.test.ts',
    'initiate_login_uri is https alone, and is echoed',
  ],
  'oidcc-3rd_party-init-login-nohttps': [
    'test/server/oidc/registration/registration.test.ts',
    'initiate_login_uri is https alone, and is echoed',
  ],
  'oidcc-backchannel-logout-discovery-endpoint-verification': [
    'test/server/oidc/backchannel-logout.test.ts',
    'discovery says so',
  ],
  'oidcc-backchannel-rp-initiated-logout': [
    'test/server/oidc/backchannel-logout.test.ts',
    'a client is told who signed out, by a signed token',
  ],
  'fapi-ciba-id1': ['test/server/oidc/ciba.test.ts', 'a client waits for the person’s word'],
  'fapi-ciba-id1-discovery-end-point-verification': ['test/server/oidc/ciba.test.ts', 'discovery says so'],
  'fapi-ciba-id1-user-rejects-authentication': ['test/server/oidc/ciba.test.ts', 'no is no'],
}

/** Modules that nothing here tells yet, each with the reason. */
export const open: { readonly [module: string]: string } = {
  'oidcc-request-uri-unsigned': 'an unsigned request object is refused by value and by reference (provider.md §2)',
  'oidcc-redirect-uri-query-OK': 'told by the suite alone: a redirect with a query of its own',
  'oidcc-redirect-uri-query-added': 'told by the suite alone; redirects are compared character by character',
  'oidcc-redirect-uri-query-mismatch': 'told by the suite alone; redirects are compared character by character',
  'oidcc-redirect-uri-regfrag': 'told by the suite alone; a fragment cannot be registered',
  'oidcc-ensure-redirect-uri-in-authorization-request': 'told by the suite alone with a dynamic client',
  'oidcc-userinfo-rs256': 'told by the suite alone with a dynamic client',
  'fapi-ciba-id1-ensure-request-object-missing-aud-fails': 'told by the suite alone',
}
