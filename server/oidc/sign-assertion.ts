import { createPrivateKey, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import type { SignAssertion } from './identity-assertion.ts'
import type { SigningKey } from './keys.ts'

/** The type keeps it from being taken for anything else that the same key signs (RFC 8725 §3.11). */
export function assertionSigner(keys: readonly SigningKey[]): SignAssertion {
  const current = keys.find(({ algorithm, state }) => algorithm === 'ES256' && state === 'current')
  let key: KeyObject | undefined
  return async (claims) => {
    if (!current) throw new Error('oidc: no current ES256 key')
    key ??= createPrivateKey({ key: { ...current.privateJwk }, format: 'jwk' })
    const header = { alg: current.algorithm, typ: 'oauth-id-jag+jwt', kid: current.kid }
    return new SignJWT({ ...claims }).setProtectedHeader(header).sign(key)
  }
}
