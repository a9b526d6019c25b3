import { hash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import type { Possession } from '../http/authentication.ts'

export const dpopAlgorithms = ['ES256', 'Ed25519', 'EdDSA']

/** How far a proof's time may be from ours; its `jti` is remembered as long (RFC 9449 §11.1). */
const windowSeconds = 60
const longestProof = 8_192
const longestId = 256

export type Proof = {
  readonly thumbprint: string
  readonly jti: string
  readonly expiresAtSeconds: number
  readonly nonce?: string
}

/**
 * Judges a DPoP proof (RFC 9449 §4.3), and where it comes with an access token its digest (§7); undefined for every proof that is not good for this
 * token and this very request. Whether it is new, and whether its key is the token's, is the caller's to see.
 */
export async function readDpopProof(
  { proof, method, url }: Pick<Possession, 'proof' | 'method' | 'url'>,
  token: string | undefined,
  now: number,
): Promise<Proof | undefined> {
  if (proof === undefined || proof.length > longestProof) return undefined
  try {
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: dpopAlgorithms,
      typ: 'dpop+jwt',
      currentDate: new Date(now),
    })
    const { jti, iat, htm, htu, ath, nonce } = payload
    if (typeof jti !== 'string' || jti === '' || jti.length > longestId) return undefined
    if (typeof iat !== 'number' || Math.abs(now / 1_000 - iat) > windowSeconds) return undefined
    if (htm !== method || typeof htu !== 'string' || withoutQuery(htu) !== withoutQuery(url)) return undefined
    if (token !== undefined && ath !== hash('sha256', token, 'base64url')) return undefined
    if (!protectedHeader.jwk || (nonce !== undefined && typeof nonce !== 'string')) return undefined
    return {
      thumbprint: await calculateJwkThumbprint(protectedHeader.jwk),
      jti,
      expiresAtSeconds: Math.ceil(iat) + windowSeconds,
      ...(nonce !== undefined ? { nonce } : {}),
    }
  } catch {
    return undefined
  }
}

function withoutQuery(address: string): string | undefined {
  const url = URL.parse(address)
  return url ? `${url.origin}${url.pathname}` : undefined
}
