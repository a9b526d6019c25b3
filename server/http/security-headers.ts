/**
 * Headers of every answer. An API answer may load nothing and be framed by nobody; a page replaces its
 * Content-Security-Policy with `pagePolicy`. No CORS header is ever set here (security.md §2.10).
 */
export const securityHeaders: readonly (readonly [string, string])[] = [
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['cross-origin-resource-policy', 'same-origin'],
  ['cache-control', 'no-store'],
]

/** Only where the issuer is https: a browser ignores it otherwise. */
export const transportSecurity = ['strict-transport-security', 'max-age=63072000; includeSubDomains'] as const

/**
 * The policy of a server-rendered page. `formActions`: origins a form may lead to, also by redirects (`form-action` is
 * enforced on the redirect that follows a submitted form), besides this server.
 */
export function pagePolicy(options: { readonly nonce: string; readonly formActions?: readonly string[] }): string {
  const { nonce, formActions = [] } = options
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self'${formActions.map((origin) => ` ${origin}`).join('')}`,
  ].join('; ')
}
