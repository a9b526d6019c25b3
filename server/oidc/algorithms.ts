import type { ClientMetadata } from './client-metadata.ts'

/**
 * THE TABLE of algorithms by purpose (provider.md §2). No `none`, nothing symmetric, no RSA1_5 anywhere (RFC 8725 §3.1, §3.2).
 *
 * | purpose | algorithms |
 * |---|---|
 * | access tokens, identity assertions | ES256 |
 * | ID tokens and other signed answers | RS256 (what OpenID requires), ES256; EdDSA, PS256 where the tenant has keys for them |
 * | what clients sign | ES256, PS256, EdDSA, RS256 (DPoP proofs: `dpop-proof.ts`) |
 * | encrypted answers | the key: RSA-OAEP-256, ECDH-ES with and without key wrap; the content: AES-GCM, AES-CBC with HMAC |
 */
export const ordinaryAlgorithms = ['ES256', 'RS256'] as const
/** A tenant has keys for these once its `OpenidSettings` name them. */
export const furtherAlgorithms = ['EdDSA', 'PS256'] as const
export const answerAlgorithms = [...ordinaryAlgorithms, ...furtherAlgorithms] as const
export type SigningAlgorithm = (typeof answerAlgorithms)[number]

export const clientAlgorithms = ['ES256', 'PS256', 'EdDSA', 'RS256'] as const

export const keyEncryptions = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const
export const contentEncryptions = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'] as const

/** All that a tenant signs with. */
export const algorithmsOf = (settings: {
  readonly signingAlgorithms: readonly SigningAlgorithm[]
}): readonly SigningAlgorithm[] => [...ordinaryAlgorithms, ...settings.signingAlgorithms]

const signedMembers = [
  'idTokenSignedResponseAlg',
  'userinfoSignedResponseAlg',
  'introspectionSignedResponseAlg',
  'authorizationSignedResponseAlg',
] as const satisfies readonly (keyof ClientMetadata)[]

const encryptedMembers = [
  ['idTokenEncryptedResponseAlg', 'idTokenEncryptedResponseEnc'],
  ['userinfoEncryptedResponseAlg', 'userinfoEncryptedResponseEnc'],
  ['introspectionEncryptedResponseAlg', 'introspectionEncryptedResponseEnc'],
  ['authorizationEncryptedResponseAlg', 'authorizationEncryptedResponseEnc'],
] as const satisfies readonly (readonly [keyof ClientMetadata, keyof ClientMetadata])[]

/** Why answers for such a client could never be signed or encrypted as it asks, or undefined. */
export function algorithmMistakeOf(
  metadata: Partial<ClientMetadata>,
  algorithms: readonly SigningAlgorithm[],
): string | undefined {
  for (const member of signedMembers) {
    const asked = metadata[member]
    if (asked !== undefined && !algorithms.includes(asked)) {
      return `${member}: this tenant has no ${asked} keys (OpenidSettings, signingAlgorithms)`
    }
  }
  for (const [member, content] of encryptedMembers) {
    const asked = metadata[member]
    if (asked === undefined) {
      // OIDC Registration §2: the content's algorithm says nothing alone.
      if (metadata[content] !== undefined) return `${content} needs ${member}`
      continue
    }
    if (metadata.jwksUri === undefined && !metadata.jwks) return `${member} needs jwks or jwksUri`
    if (metadata.jwks && !metadata.jwks.keys.some((key) => fits(key, asked))) {
      return `${member}: jwks has no key that ${asked} can encrypt to`
    }
  }
  return undefined
}

const curves: ReadonlySet<unknown> = new Set(['P-256', 'P-384', 'P-521', 'X25519'])

/** RFC 7518 §4.3, §4.6: the kind of key; RFC 7517 §4.2, §4.4: one that is said to be for something else is not taken. */
function fits(key: { readonly [member: string]: unknown }, algorithm: (typeof keyEncryptions)[number]): boolean {
  if (key.use !== undefined && key.use !== 'enc') return false
  if (key.alg !== undefined && key.alg !== algorithm) return false
  return algorithm === 'RSA-OAEP-256' ? key.kty === 'RSA' : curves.has(key.crv)
}
