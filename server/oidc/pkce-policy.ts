import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import { isFapiClient } from './fapi.ts'
import type { Library } from './library.ts'

type Asked = { readonly requirePkce?: boolean | undefined; readonly requireNonce?: boolean | undefined }

/** What stands in a client's metadata and holds only in a tenant of the certification plans: what is stored elsewhere counts for nothing. */
export const pkceMembers = (isCertification: boolean) =>
  isCertification ? {} : { requirePkce: true, requireNonce: true }

/** Why such a client cannot be written, or undefined. */
export function pkceMistake(
  { requirePkce, requireNonce, tokenEndpointAuthMethod }: Asked & { readonly tokenEndpointAuthMethod?: string },
  isCertification: boolean,
): string | undefined {
  if (requirePkce !== false && requireNonce !== false) return undefined
  if (!isCertification)
    return 'requirePkce and requireNonce are false only where OpenidSettings say certification: true'
  return tokenEndpointAuthMethod === 'none' ? 'a public client always has PKCE' : undefined
}

/**
 * Seam `pkce.required`: every client (RFC 9700 §2.1.1), but a confidential one of which an administrator says that it cannot. Never a
 * public one, which nothing else protects, and never one of FAPI 2.0 (§5.3.2.2 item 5).
 */
export const pkceRequired = (_ctx: KoaContextWithOIDC, client: Client): boolean =>
  (client as Asked).requirePkce !== false || client.clientAuthMethod === 'none' || isFapiClient(client)

/**
 * What stands in for PKCE there is a `nonce` (RFC 9700 §4.5.3.2), unless the administrator says that the client has neither, as the
 * certification plans want it (`test/conformance`).
 */
export function requireNonce(library: Library, ctx: KoaContextWithOIDC): void {
  const { client, params } = ctx.oidc
  if (!client || pkceRequired(ctx, client) || (client as Asked).requireNonce === false) return
  if (params?.code_challenge === undefined && params?.nonce === undefined && params?.response_type !== undefined) {
    throw new library.errors.InvalidRequest('code_challenge or nonce is required')
  }
}
