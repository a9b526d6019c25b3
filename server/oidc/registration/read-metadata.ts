import type { ZodError } from 'zod'
import type { JsonValue } from '../../decision/decision-point.ts'
import { type ClientMetadata, clientMetadataSchema, isRegistrableRedirect } from '../client-metadata.ts'
import { registrationErrors } from './errors.ts'
import type { Terms } from './terms.ts'
import { wireMembers, wireName } from './wire-names.ts'

/** THE TABLE of what a client may say about itself; its names on the wire are those of RFC 7591 §2 and its kin. */
const ownMembers = [
  'redirectUris',
  'postLogoutRedirectUris',
  'grantTypes',
  'tokenEndpointAuthMethod',
  'tokenEndpointAuthSigningAlg',
  'applicationType',
  'scope',
  'contacts',
  'clientUri',
  'logoUri',
  'policyUri',
  'tosUri',
  'jwks',
  'jwksUri',
  'softwareId',
  'softwareVersion',
  'subjectType',
  'sectorIdentifierUri',
  'initiateLoginUri',
  'requestUris',
  'defaultMaxAge',
  'requireAuthTime',
  'idTokenSignedResponseAlg',
  'userinfoSignedResponseAlg',
  'introspectionSignedResponseAlg',
  'authorizationSignedResponseAlg',
  'requestObjectSigningAlg',
  'idTokenEncryptedResponseAlg',
  'idTokenEncryptedResponseEnc',
  'userinfoEncryptedResponseAlg',
  'userinfoEncryptedResponseEnc',
  'introspectionEncryptedResponseAlg',
  'introspectionEncryptedResponseEnc',
  'authorizationEncryptedResponseAlg',
  'authorizationEncryptedResponseEnc',
  'requireSignedRequestObject',
  'requirePushedAuthorizationRequests',
  'dpopBoundAccessTokens',
  'tlsClientCertificateBoundAccessTokens',
  'tlsClientAuthSubjectDn',
  'tlsClientAuthSanDns',
  'tlsClientAuthSanUri',
  'tlsClientAuthSanIp',
  'tlsClientAuthSanEmail',
  'authorizationDetailsTypes',
  'backchannelLogoutUri',
  'backchannelTokenDeliveryMode',
  'backchannelClientNotificationEndpoint',
] as const satisfies readonly (keyof ClientMetadata)[]

const own = new Map<string, keyof ClientMetadata>(ownMembers.map((member) => [wireName(member), member]))

/**
 * What only an administrator says (provider.md §6): every member of ours that is not in the table, by either spelling, and some that
 * others would try. Elsewhere an unknown member is passed over (RFC 7591 §2); a privileged one is somebody's attempt.
 */
const privileged: ReadonlySet<string> = new Set(
  [
    ...Object.keys(clientMetadataSchema.shape).filter((member) => !own.has(wireName(member))),
    ...['firstParty', 'skipConsent', 'tenant', 'tenants', 'tenantId', 'organization', 'organizationId', 'status'],
    ...['enabled', 'origin', 'epoch', 'secretHashes', 'refreshGraceSeconds'],
  ].flatMap((member) => [member, wireName(member)]),
)

export const isOwnMember = (member: string): boolean => own.has(wireName(member))

/** A client as it asks to be. */
export type Candidate = { readonly name: string; readonly metadata: ClientMetadata }
export type WireMetadata = { readonly [name: string]: JsonValue | undefined }

const longestName = 200

/** Reads metadata from outside; throws what RFC 7591 §3.2.2 says. What is absent has the default of RFC 7591 §2. */
export function readMetadata(wire: WireMetadata, terms: Terms): Candidate {
  // NUL and half a surrogate pair are legal JSON, and can be neither stored nor shown (provider.md §3).
  if (/\\u0000|\\ud[89a-f]/.test(JSON.stringify(wire))) throw refuse('a text holds what is no character')
  const said = Object.entries(wire).filter(([, value]) => value !== null && value !== undefined)
  const forbidden = said.find(([name]) => privileged.has(name))
  if (forbidden) throw refuse(`${forbidden[0]} cannot be registered`)
  const members = Object.fromEntries(said.flatMap(([name, value]) => memberOf(name, value)))
  const parsed = clientMetadataSchema.safeParse({ scope: terms.scope, ...kindOf(members), ...members })
  if (!parsed.success) throw mistakeOf(parsed.error)
  const metadata = { ...parsed.data, ...corsOf(parsed.data) }
  requireAddresses(metadata)
  requireResponseTypes(wire.response_types, metadata)
  if (metadata.jwks && metadata.jwksUri !== undefined) throw refuse('jwks and jwks_uri stand together')
  if (metadata.tokenEndpointAuthMethod === 'private_key_jwt' && !metadata.jwks && metadata.jwksUri === undefined)
    throw refuse('private_key_jwt needs jwks or jwks_uri')
  return { name: nameOf(wire.client_name, metadata), metadata }
}

/** The client as it stands, in the words of RFC 7591 §3.2.1. */
export function writeMetadata(client: {
  readonly id: string
  readonly name: string
  readonly metadata: ClientMetadata
  readonly createdAt: number
}): { [name: string]: unknown } {
  const { metadata } = client
  return {
    client_id: client.id,
    client_id_issued_at: Math.floor(client.createdAt / 1_000),
    client_name: client.name,
    ...wireMembers(metadata, ownMembers),
    response_types: metadata.grantTypes.includes('authorization_code') ? ['code'] : [],
    ...(metadata.backchannelLogoutUri === undefined ? {} : { backchannel_logout_session_required: true }),
  }
}

const memberOf = (name: string, value: unknown): readonly (readonly [string, unknown])[] => {
  const member = own.get(name)
  return member === undefined ? [] : [[member, value]]
}

/** A redirect to a port that is not known before, or to a scheme of its own, is a native app's (RFC 8252 §7), also where it does not say so. */
function kindOf({ redirectUris }: { readonly [member: string]: unknown }): { applicationType?: 'native' } {
  if (!Array.isArray(redirectUris)) return {}
  const isNative = redirectUris.some((uri) => typeof uri === 'string' && !/^https:/i.test(uri))
  return isNative ? { applicationType: 'native' } : {}
}

/** A public client in a browser calls the token endpoint from where it is redirected to, and from nowhere else. */
function corsOf({ tokenEndpointAuthMethod, redirectUris }: ClientMetadata): { corsOrigins?: string[] } {
  if (tokenEndpointAuthMethod !== 'none') return {}
  const origins = redirectUris.flatMap((uri) => {
    const url = URL.parse(uri)
    return url && /^https?:$/.test(url.protocol) ? [url.origin] : []
  })
  return { corsOrigins: [...new Set(origins)] }
}

/** Whoever registers itself is not trusted with plain http, userinfo or control characters in any address (security.md row 7). */
function requireAddresses(metadata: ClientMetadata): void {
  const named = {
    jwks_uri: metadata.jwksUri,
    logo_uri: metadata.logoUri,
    client_uri: metadata.clientUri,
    policy_uri: metadata.policyUri,
    tos_uri: metadata.tosUri,
    sector_identifier_uri: metadata.sectorIdentifierUri,
    initiate_login_uri: metadata.initiateLoginUri,
  }
  for (const [name, uri] of Object.entries(named)) {
    if (uri !== undefined && !(isRegistrableRedirect(uri) && /^https?:/i.test(uri)))
      throw refuse(`${name} is not an https address`)
  }
  for (const uri of metadata.requestUris ?? []) {
    // A fragment is the digest of what lies there (OIDC Core §6.2).
    if (!isRegistrableRedirect(uri.split('#')[0] ?? '') || !/^https?:/i.test(uri))
      throw refuse('request_uris holds what is no https address')
  }
}

/** RFC 7591 §2.1: response types and grant types say the same. */
function requireResponseTypes(types: JsonValue | undefined, { grantTypes, redirectUris }: ClientMetadata): void {
  const usesCode = grantTypes.includes('authorization_code')
  if (usesCode && redirectUris.length === 0)
    throw registrationErrors.invalid_redirect_uri({ detail: 'redirect_uris is missing' })
  if (types === undefined || types === null) return
  const isFit = Array.isArray(types) && types.every((type) => type === 'code') && types.length > 0 === usesCode
  if (!isFit) throw refuse('response_types must be ["code"] with the authorization_code grant, and [] without it')
}

/** Shown to people: what it cannot be told apart from, or cannot be read, is no name. */
function nameOf(given: JsonValue | undefined, { clientUri, redirectUris }: ClientMetadata): string {
  if (given === undefined || given === null) return (URL.parse(clientUri ?? redirectUris[0] ?? '')?.host ?? '') || 'App'
  const isText = typeof given === 'string' && given.trim() !== '' && given.length <= longestName
  if (!isText || /[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/u.test(given)) throw refuse('client_name is not a name that can be shown')
  return given
}

function mistakeOf({ issues }: ZodError): Error {
  const [issue] = issues
  const [member, ...rest] = issue?.path ?? []
  const at = [wireName(String(member)), ...rest.map(String)].join('.')
  const isRedirect = member === 'redirectUris' || member === 'postLogoutRedirectUris'
  const kind = isRedirect ? registrationErrors.invalid_redirect_uri : registrationErrors.invalid_client_metadata
  return kind({ detail: `${at}: ${issue?.message ?? 'not valid'}` })
}

const refuse = (detail: string): Error => registrationErrors.invalid_client_metadata({ detail })
