import type { KoaContextWithOIDC } from 'oidc-provider'
import type { ClientCertificate } from '../certificates/client-certificate.ts'
import { type SubjectMember, subjectMatches, subjectMembers, subjectMistake } from '../certificates/subject-matches.ts'
import type { WebState } from '../http/mount.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { ClientMetadata } from './client-metadata.ts'
import { wireName } from './registration/wire-names.ts'

export const certificateMethods = ['tls_client_auth', 'self_signed_tls_client_auth'] as const

const registeredNames = new Map<string, SubjectMember>(subjectMembers.map((member) => [wireName(member), member]))

/** What the client showed; the pipeline has read it from the connection, or from a proxy whose word counts. */
export const certificateOf = (ctx: KoaContextWithOIDC): ClientCertificate | undefined =>
  // The library runs on the pipeline's own context (`mount.ts`).
  (ctx.state as WebState).certificate

/** Seam `features.mTLS` (RFC 8705 §2, §3). */
export const mutualTlsFeature = {
  enabled: true,
  certificateBoundAccessTokens: true,
  tlsClientAuth: true,
  selfSignedTlsClientAuth: true,
  getCertificate: (ctx: KoaContextWithOIDC) => certificateOf(ctx)?.x509,
  /** Only what leads to an authority of the operator's says whose it is; a header that a proxy did not check says nothing. */
  certificateAuthorized: (ctx: KoaContextWithOIDC): boolean => certificateOf(ctx)?.isVerified === true,
  certificateSubjectMatches: (ctx: KoaContextWithOIDC, name: string, expected: string): boolean => {
    const certificate = certificateOf(ctx)
    const member = registeredNames.get(name)
    return certificate !== undefined && member !== undefined && subjectMatches(certificate.x509, member, expected)
  },
} as const

const aliased = {
  token_endpoint: '/oauth2/token',
  userinfo_endpoint: '/oauth2/userinfo',
  introspection_endpoint: '/oauth2/introspect',
  revocation_endpoint: '/oauth2/revoke',
  pushed_authorization_request_endpoint: '/oauth2/par',
  device_authorization_endpoint: '/oauth2/device_authorization',
  backchannel_authentication_endpoint: '/oauth2/ciba',
}

/** Where clients with certificates find what they call themselves (RFC 8705 §5); nothing where that is the issuer itself. */
export function endpointAliases(tenant: Tenant, mtlsUrl: string | undefined): { readonly [member: string]: object } {
  const base = aliasBase(tenant, mtlsUrl)
  if (base === undefined || base === tenant.issuer) return {}
  return {
    mtls_endpoint_aliases: Object.fromEntries(Object.entries(aliased).map(([name, path]) => [name, base + path])),
  }
}

/** What stands in the issuer's place there. Tenants with a domain of their own are found by their path. */
export const aliasBase = ({ pathPrefix }: Tenant, mtlsUrl: string | undefined): string | undefined =>
  mtlsUrl === undefined ? undefined : mtlsUrl + pathPrefix

type Asked = Partial<
  Pick<
    ClientMetadata,
    'tokenEndpointAuthMethod' | 'tlsClientCertificateBoundAccessTokens' | 'jwks' | 'jwksUri' | SubjectMember
  >
>

export const needsCertificates = ({
  tokenEndpointAuthMethod: method,
  tlsClientCertificateBoundAccessTokens: isBound = false,
}: Asked): boolean => isBound || certificateMethods.some((one) => one === method)

/** Why such a client could never authenticate, or undefined (RFC 8705 §2.1.2, §2.2.2). */
export function certificateMistake(metadata: Asked): string | undefined {
  const method = metadata.tokenEndpointAuthMethod
  const subjects = subjectMembers.filter((member) => metadata[member] !== undefined)
  if (method !== 'tls_client_auth') {
    if (subjects[0] !== undefined) return `${subjects[0]} needs tls_client_auth`
    const hasKeys = metadata.jwksUri !== undefined || metadata.jwks?.keys.some(hasCertificate) === true
    return method === 'self_signed_tls_client_auth' && !hasKeys
      ? 'self_signed_tls_client_auth needs jwks with x5c or x5t#S256, or jwksUri'
      : undefined
  }
  const [member, other] = subjects
  if (member === undefined || other !== undefined) return 'tls_client_auth needs exactly one subject of the certificate'
  const mistake = subjectMistake(member, metadata[member] ?? '')
  return mistake === undefined ? undefined : `${member} ${mistake}`
}

const hasCertificate = (key: { readonly [member: string]: unknown }): boolean =>
  (Array.isArray(key.x5c) && key.x5c.length > 0) || typeof key['x5t#S256'] === 'string'
