import { createPublicKey, type KeyObject } from 'node:crypto'
import { jwtVerify } from 'jose'
import type { Tenant } from '../tenancy/tenant.ts'
import { answerAlgorithms } from './algorithms.ts'
import type { SigningKey } from './keys.ts'

const longestToken = 16_384

/** Whether a text is an ID token of this tenant for this client, good now. Other JWTs of ours have types of their own (RFC 8725 §3.11). */
export function idTokenVerifier(kit: {
  readonly tenant: Tenant
  readonly keys: readonly SigningKey[]
  readonly now: () => number
}): (text: string, clientId: string) => Promise<boolean> {
  const publicKeys = new Map<string, KeyObject>()
  const keyFor = ({ kid = '', alg }: { readonly kid?: string; readonly alg?: string }): KeyObject => {
    const found = kit.keys.find((key) => key.kid === kid && key.algorithm === alg)
    if (!found) throw new Error('unknown key')
    const known = publicKeys.get(kid) ?? createPublicKey({ key: { ...found.publicJwk }, format: 'jwk' })
    publicKeys.set(kid, known)
    return known
  }
  return async (text, clientId) => {
    if (text.length > longestToken) return false
    try {
      const { payload, protectedHeader } = await jwtVerify(text, keyFor, {
        issuer: kit.tenant.issuer,
        algorithms: [...answerAlgorithms],
        currentDate: new Date(kit.now()),
        clockTolerance: 10,
        requiredClaims: ['sub', 'aud', 'exp', 'iat'],
      })
      const { typ } = protectedHeader
      const isIdToken =
        (typ === undefined || typ === 'JWT') && payload.events === undefined && payload.client_id === undefined
      return isIdToken && payload.aud === clientId
    } catch {
      return false
    }
  }
}
