import { hkdfSync, timingSafeEqual } from 'node:crypto'
import type { Secrets } from '../../adapters/secrets/port.ts'

/** Nonces change this often; two steps back and two ahead are good (RFC 9449 §8.2). */
const stepSeconds = 60
const steps = [-2, -1, 0, 1, 2] as const

export type DpopNonces = {
  /** What a proof made from now on should carry. */
  next(now: number): string
  isGood(nonce: string, now: number): boolean
}

/**
 * Nonces of one tenant, made from its key and the time: every node makes the same, and none is stored. As the library makes its own
 * (helpers/challenge.js), so that a nonce from the token endpoint is good at the routes, and the other way round.
 */
export function createDpopNonces(secret: Uint8Array): DpopNonces {
  let step = Number.NaN
  let window: readonly string[] = []
  const windowAt = (now: number): readonly string[] => {
    const present = Math.floor(now / 1_000 / stepSeconds)
    if (present !== step) {
      step = present
      window = steps.map((offset) => nonceOf(secret, present + offset))
    }
    return window
  }
  return {
    next: (now) => windowAt(now)[3] ?? '',
    isGood: (nonce, now) => {
      const given = Buffer.from(nonce, 'utf8')
      let isKnown = false
      for (const good of windowAt(now)) {
        const expected = Buffer.from(good, 'utf8')
        if (given.length === expected.length && timingSafeEqual(given, expected)) isKnown = true
      }
      return isKnown
    },
  }
}

function nonceOf(secret: Uint8Array, step: number): string {
  const salt = Buffer.alloc(8)
  salt.writeBigUInt64BE(BigInt(step))
  return Buffer.from(hkdfSync('sha256', secret, salt, 'DPoP', 32)).toString('base64url')
}

const keptTenants = 1_000

/** The nonces of each tenant, from a key of its own. */
export function dpopNoncesOf(secrets: Pick<Secrets, 'deriveKey'>): (tenantId: string) => DpopNonces {
  const known = new Map<string, DpopNonces>()
  return (tenantId) => {
    const found = known.get(tenantId) ?? createDpopNonces(dpopNonceSecret(secrets, tenantId))
    if (known.size >= keptTenants) known.clear()
    known.set(tenantId, found)
    return found
  }
}

/** The library is given the same one. */
export const dpopNonceSecret = (secrets: Pick<Secrets, 'deriveKey'>, tenantId: string): Buffer =>
  Buffer.from(secrets.deriveKey(`dpop-nonces:${tenantId}`))
