import { decodeJwt } from 'jose'
import type { WebContext } from '../http/mount.ts'
import type { TenantProvider } from './providers.ts'

/** Where a proof names the address that the client called. */
const provenPaths: ReadonlySet<string> = new Set(['/oauth2/token', '/oauth2/par', '/oauth2/userinfo'])

/**
 * The base address that counts for this request: the issuer's, or the one of `mtls_endpoint_aliases` where a DPoP proof names it, since
 * a client that calls an alias proves that address (RFC 9449 §4.2, RFC 8705 §5). Both are configuration; the proof only says which of
 * the two it means, and is judged by it afterwards. `Host` is never read (security.md row 6).
 */
export function namedOrigin(
  context: WebContext,
  { issuer, mtlsBase }: Pick<TenantProvider, 'issuer' | 'mtlsBase'>,
): URL {
  const { dpop } = context.req.headers
  if (mtlsBase === undefined || typeof dpop !== 'string' || !provenPaths.has(context.state.path)) return issuer
  const named = mtlsBase.href.replace(/\/$/, '') + context.state.path
  try {
    return decodeJwt(dpop).htu === named ? mtlsBase : issuer
  } catch {
    return issuer
  }
}
