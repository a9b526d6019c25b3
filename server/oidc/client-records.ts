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
const readAlong = 500

const findStatement = {
  name: 'oidc-client-find',
  text: `select id, name, metadata, secret_hashes, first_party, epoch, origin, last_used_at from client
where tenant_id = $1 and id = any($2::text[]) and status = 'active'`,
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

type Kept = { readonly record: ClientRecord; readonly until: number; isUsed: boolean }

export function createClientRecords(database: Database, clock: Clock): ClientRecords {
  const cache = new Map<string, Map<string, Kept>>()
  let size = 0

  const forget = (tenantId: string, id: string): void => {
    if (cache.get(tenantId)?.delete(id)) size -= 1
  }
  const keep = (tenantId: string, read: ClientRecord, until: number): ClientRecord => {
    const kept = cache.get(tenantId) ?? new Map<string, Kept>()
    const known = kept.get(read.id)
    const record = known && isUnchanged(known.record, read) ? known.record : read
    if (!known) {
      if (size >= cacheEntries) {
        cache.clear()
        kept.clear()
        size = 0
      }
      size += 1
    }
    cache.set(tenantId, kept.set(read.id, { record, until, isUsed: false }))
    return record
  }
  /** Others in use that are due soon come along: a thousand clients in use are read together, not one by one. */
  const dueWith = (tenantId: string, id: string, now: number): readonly (readonly [string, Kept])[] => {
    const due: (readonly [string, Kept])[] = []
    for (const entry of cache.get(tenantId) ?? []) {
      const [other, { isUsed, until }] = entry
      if (other !== id && isUsed && until - now < cacheMilliseconds / 2) due.push(entry)
      if (due.length === readAlong) break
    }
    return due
  }

  return {
    async find(tenantId, id) {
      if (!isClientId(id)) return undefined
      const now = clock.now()
      const known = cache.get(tenantId)?.get(id)
      if (known && known.until > now) {
        known.isUsed = true
        return known.record
      }
      const along = known ? dueWith(tenantId, id, now) : []
      const ids = [id, ...along.map(([other]) => other)]
      // Whoever comes meanwhile does not bring the same ones along.
      for (const [, kept] of along) kept.isUsed = false
      const found = new Map((await database.query<Row>(findStatement, [tenantId, ids])).map((row) => [row.id, row]))
      const until = now + cacheMilliseconds
      for (const [other, kept] of along) {
        // Forgotten while it was read: what was read may be from before the change.
        if (cache.get(tenantId)?.get(other) !== kept) continue
        const row = found.get(other)
        if (row) keep(tenantId, recordOf(row), until)
        else forget(tenantId, other)
      }
      const row = found.get(id)
      if (row && known && !cache.get(tenantId)?.has(id)) return recordOf(row)
      if (row) return keep(tenantId, recordOf(row), until)
      forget(tenantId, id)
      return undefined
    },
    forget,
    forgetTenant: (tenantId) => {
      size -= cache.get(tenantId)?.size ?? 0
      cache.delete(tenantId)
    },
  }
}

function recordOf({ secret_hashes: secretHashes, first_party: firstParty, ...row }: Row): ClientRecord {
  const { epoch, last_used_at: used, ...rest } = row
  return {
    ...rest,
    ...(used === null ? {} : { lastUsedAt: used.getTime() }),
    secretHashes,
    firstParty,
    epoch: Number(epoch),
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
