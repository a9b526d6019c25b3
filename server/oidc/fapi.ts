import type { Client, KoaContextWithOIDC } from 'oidc-provider'
import type { ClientMetadata } from './client-metadata.ts'

/** RSASSA-PKCS1-v1_5 has no place in the profile (FAPI 2.0 Security Profile §5.4). */
const algorithms: ReadonlySet<unknown> = new Set(['ES256', 'PS256', 'EdDSA'])
const signedResponses = ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']
const longestRequestSeconds = 3_600

/** What proves a client by a key of its own (FAPI 2.0 §5.3.2.1 item 6). */
const methods: ReadonlySet<unknown> = new Set(['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'])

type Profiled = Partial<
  Pick<ClientMetadata, 'profile' | 'tokenEndpointAuthMethod' | 'redirectUris' | 'tlsClientCertificateBoundAccessTokens'>
>

export const isFapi = (profile: unknown): boolean => profile === 'fapi2' || profile === 'fapi2-message-signing'

/** Seam `features.fapi.profile`. */
export const fapiProfile = (_ctx: KoaContextWithOIDC, client: Client | undefined): '2.0' | undefined =>
  isFapiClient(client) ? '2.0' : undefined

export const isFapiClient = (client: Client | undefined): boolean =>
  isFapi((client as { readonly profile?: unknown } | undefined)?.profile)

/** Why a client of the profile can never be served, or undefined. It is not found then: half a profile is none. */
export function fapiMistake({ profile, tokenEndpointAuthMethod, redirectUris = [] }: Profiled): string | undefined {
  if (!isFapi(profile)) return undefined
  // FAPI 2.0 §5.3.2.1: what the client knows is never sent.
  if (!methods.has(tokenEndpointAuthMethod)) return 'the profile asks for private_key_jwt or a client certificate'
  // FAPI 2.0 §5.3.2.2 item 8: https, or loopback for native apps.
  if (redirectUris.some((uri) => !/^https?:/i.test(uri))) return 'the profile asks for https redirects'
  return undefined
}

/**
 * What the profile decides for the client, whatever its other metadata says (FAPI 2.0 §5.3.2): requests are pushed, tokens are bound
 * to keys, everything is signed ES256; with Message Signing requests and responses are signed as well (§5.3, §5.4, §5.5 there).
 */
export function fapiMetadata({ profile, tlsClientCertificateBoundAccessTokens: isCertified = false }: Profiled): {
  readonly [name: string]: unknown
} {
  if (!isFapi(profile)) return {}
  return {
    profile,
    require_pushed_authorization_requests: true,
    // One of the two always binds (§5.3.2.1 item 4); both where the client says both.
    ...(isCertified ? {} : { dpop_bound_access_tokens: true }),
    id_token_signed_response_alg: 'ES256',
    authorization_signed_response_alg: 'ES256',
    ...(profile === 'fapi2-message-signing'
      ? {
          require_signed_request_object: true,
          response_modes: signedResponses,
          introspection_signed_response_alg: 'ES256',
          userinfo_signed_response_alg: 'ES256',
        }
      : {}),
  }
}

/** Why a signed message of a client of the profile is refused, or undefined (FAPI 2.0 §5.4). */
export const algorithmMistake = (client: Client | undefined, header: { readonly alg?: unknown }): string | undefined =>
  isFapiClient(client) && !algorithms.has(header.alg) ? 'the profile does not take this algorithm' : undefined

/** A request object says from when to when it is good, an hour at most (FAPI 2.0 Message Signing §5.3.1). */
export function requestTimeMistake(
  client: Client | undefined,
  { exp, nbf }: { readonly exp?: unknown; readonly nbf?: unknown },
): string | undefined {
  if (!isFapiClient(client)) return undefined
  if (typeof exp !== 'number' || typeof nbf !== 'number') return 'exp and nbf are required'
  return exp <= nbf || exp - nbf > longestRequestSeconds ? 'exp is too far from nbf' : undefined
}
