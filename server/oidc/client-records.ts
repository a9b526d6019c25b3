import { isDeepStrictEqual } from 'node:util'
import type { AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import { type ClientMetadata, grantNames, identityScopes, matchesClientSecret } from './client-metadata.ts'
import { fapiMetadata } from './fapi.ts'
import { wireMembers } from './registration/wire-names.ts'

/** A client as the provider works with it. */
export type ClientRecord = {
  readonly id: string
  readonly name: string
  readonly metadata: Partial<ClientMetadata>
  readonly secretHashes: readonly string[]
  readonly firstParty: boolean
  readonly epoch: number
  readonly origin: 'administrator' | 'registration' | 'document'
  /** When it last received a token, to the day; kept for clients that no administrator made. */
  readonly lastUsedAt?: number
}

/** The gate reads clients fresh; authentication may be this old, or as old as the change notice. */
const cacheMilliseconds = 5_000
const cacheEntries = 10_000

const findStatement = {
  name: 'oidc-client-find',
  text: `select id, name, metadata, secret_hashes, first_party, epoch, origin, last_used_at from client
where tenant_id = $1 and id = $2 and status = 'active'`,
}

type Row = {
  readonly id: string
  readonly name: string
  readonly metadata: Partial<ClientMetadata>
  readonly secret_hashes: readonly string[]
  readonly first_party: boolean
  readonly epoch: string
  readonly origin: ClientRecord['origin']
  readonly last_used_at: Date | null
}

export type ClientRecords = {
  /** Undefined for unknown and disabled clients alike. */
  find(tenantId: string, id: string): Promise<ClientRecord | undefined>
  forget(tenantId: string, id: string): void
  forgetTenant(tenantId: string): void
}

export function createClientRecords(database: Database, clock: Clock): ClientRecords {
  const cache = new Map<string, { readonly record: ClientRecord; readonly until: number }>()
  const keyOf = (tenantId: string, id: string) => JSON.stringify([tenantId, id])
  return {
    async find(tenantId, id) {
      if (!isClientId(id)) return undefined
      const key = keyOf(tenantId, id)
      const now = clock.now()
      const known = cache.get(key)
      if (known && known.until > now) return known.record
      const [row] = await database.query<Row>(findStatement, [tenantId, id])
      if (!row) {
        cache.delete(key)
        return undefined
      }
      const { secret_hashes: secretHashes, first_party: firstParty, epoch, last_used_at: used, ...rest } = row
      const lastUsed = used === null ? {} : { lastUsedAt: used.getTime() }
      const read = { ...rest, ...lastUsed, secretHashes, firstParty, epoch: Number(epoch) }
      const record = known && isUnchanged(known.record, read) ? known.record : read
      if (cache.size >= cacheEntries) cache.clear()
      cache.set(key, { record, until: now + cacheMilliseconds })
      return record
    },
    forget: (tenantId, id) => {
      cache.delete(keyOf(tenantId, id))
    },
    forgetTenant: (tenantId) => {
      for (const key of cache.keys()) if (key.startsWith(`[${JSON.stringify(tenantId)},`)) cache.delete(key)
    },
  }
}

/**
 * What was built of a record is used as long as the record (`providers.ts`), so one that says the same stays: with a thousand clients
 * in use the library would build two hundred a second. Where building asks an address again, it is built again.
 */
const isUnchanged = (known: ClientRecord, read: ClientRecord): boolean =>
  read.metadata.jwksUri === undefined &&
  read.metadata.sectorIdentifierUri === undefined &&
  isDeepStrictEqual(known, read)

/** RFC 6749 appendix A.1: visible ASCII. What else arrives names no client, and never reaches the database. */
const isClientId = (id: string): boolean => /^[\x20-\x7e]{1,255}$/.test(id)

export const isSecretOf = (record: ClientRecord | undefined, secret: string): boolean =>
  record !== undefined && matchesClientSecret(secret, record.secretHashes)

/** What the library is told about a client, in registration names (RFC 7591). It never learns a secret or its hash. */
export function toLibraryMetadata({ id, name, metadata }: ClientRecord): AdapterPayload {
  const grantTypes = metadata.grantTypes ?? ['authorization_code']
  const authMethod = metadata.tokenEndpointAuthMethod ?? 'client_secret_basic'
  const scopes = (metadata.scope ?? '').split(' ').filter((scope) => identityScopes.has(scope))
  return {
    client_id: id,
    subject_type: metadata.subjectType ?? 'public',
    client_name: name,
    redirect_uris: [...(metadata.redirectUris ?? [])],
    post_logout_redirect_uris: [...(metadata.postLogoutRedirectUris ?? [])],
    grant_types: [...grantTypes],
    response_types: grantTypes.includes('authorization_code') ? ['code'] : [],
    application_type: metadata.applicationType ?? 'web',
    token_endpoint_auth_method: authMethod,
    dpop_bound_access_tokens: metadata.dpopBoundAccessTokens ?? false,
    require_pushed_authorization_requests: metadata.requirePushedAuthorizationRequests ?? false,
    require_signed_request_object: metadata.requireSignedRequestObject ?? false,
    requirePkce: metadata.requirePkce ?? true,
    requireNonce: metadata.requireNonce ?? true,
    corsOrigins: [...(metadata.corsOrigins ?? [])],
    id_token_signed_response_alg: metadata.idTokenSignedResponseAlg ?? 'RS256',
    authorization_signed_response_alg: metadata.authorizationSignedResponseAlg ?? 'RS256',
    ...(grantTypes.includes(grantNames.ciba) ? backchannelMetadata(metadata) : {}),
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    ...(authMethod.startsWith('client_secret') ? { client_secret: 'compared by hash elsewhere' } : {}),
    ...(metadata.jwks ? { jwks: { keys: metadata.jwks.keys.map((key) => ({ ...key })) } } : {}),
    ...(metadata.jwksUri !== undefined ? { jwks_uri: metadata.jwksUri } : {}),
    ...(metadata.sectorIdentifierUri !== undefined ? { sector_identifier_uri: metadata.sectorIdentifierUri } : {}),
    ...(metadata.introspectionSignedResponseAlg !== undefined
      ? { introspection_signed_response_alg: metadata.introspectionSignedResponseAlg }
      : {}),
    ...(metadata.userinfoSignedResponseAlg !== undefined
      ? { userinfo_signed_response_alg: metadata.userinfoSignedResponseAlg }
      : {}),
    ...(metadata.backchannelLogoutUri !== undefined
      ? { backchannel_logout_uri: metadata.backchannelLogoutUri, backchannel_logout_session_required: true }
      : {}),
    ...(metadata.clientUri !== undefined ? { client_uri: metadata.clientUri } : {}),
    ...(metadata.policyUri !== undefined ? { policy_uri: metadata.policyUri } : {}),
    ...(metadata.tosUri !== undefined ? { tos_uri: metadata.tosUri } : {}),
    ...wireMembers(metadata, passedOn),
    ...fapiMetadata(metadata),
    // JWK members are checked by the library itself when it builds the client.
  } as AdapterPayload
}

/** Members that the library works with as they stand. */
const passedOn = [
  'tlsClientCertificateBoundAccessTokens',
  'tlsClientAuthSubjectDn',
  'tlsClientAuthSanDns',
  'tlsClientAuthSanUri',
  'tlsClientAuthSanIp',
  'tlsClientAuthSanEmail',
  'initiateLoginUri',
  'logoUri',
  'contacts',
  'defaultMaxAge',
  'requireAuthTime',
  'tokenEndpointAuthSigningAlg',
  'requestObjectSigningAlg',
  'idTokenEncryptedResponseAlg',
  'idTokenEncryptedResponseEnc',
  'userinfoEncryptedResponseAlg',
  'userinfoEncryptedResponseEnc',
  'introspectionEncryptedResponseAlg',
  'introspectionEncryptedResponseEnc',
  'authorizationEncryptedResponseAlg',
  'authorizationEncryptedResponseEnc',
] as const

/** A client that is to be pinged, and gave no address, polls. The address itself is the outbox's to know (`ping-clients.ts`). */
function backchannelMetadata({
  backchannelTokenDeliveryMode: mode,
  backchannelClientNotificationEndpoint: endpoint,
}: Partial<ClientMetadata>): object {
  return mode === 'ping' && endpoint !== undefined
    ? {
        backchannel_token_delivery_mode: mode,
        backchannel_client_notification_endpoint: 'https://told-by-the-outbox.invalid/',
      }
    : { backchannel_token_delivery_mode: 'poll' }
}
