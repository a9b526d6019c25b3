import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Secrets } from '../../adapters/secrets/port.ts'

/**
 * `ct_…`: what a write answers and `Writ-Consistency` takes back. Eight bytes of the tenant's position and a tag over tenant
 * and position, so that nobody can ask for a state that never was (admin.md §7).
 */
export type ConsistencyTokens = {
  of(tenantId: string, position: bigint | string): string
  /** undefined: not a token of this tenant. */
  read(tenantId: string, token: string): bigint | undefined
}

const prefix = 'ct_'
const positionBytes = 8
const tagBytes = 16

export function createConsistencyTokens(secrets: Pick<Secrets, 'deriveKey'>): ConsistencyTokens {
  const key = secrets.deriveKey('consistency-token')
  const tagOf = (tenantId: string, position: Buffer): Buffer =>
    createHmac('sha256', key).update(position).update(tenantId).digest().subarray(0, tagBytes)
  const make = (tenantId: string, position: bigint): string => {
    const bytes = Buffer.alloc(positionBytes)
    bytes.writeBigUInt64BE(position)
    return prefix + Buffer.concat([bytes, tagOf(tenantId, bytes)]).toString('base64url')
  }
  // Every answer carries the newest one: made once for each position.
  const newest = new Map<string, { readonly position: bigint; readonly token: string }>()
  return {
    of(tenantId, at) {
      const position = BigInt(at)
      const known = newest.get(tenantId)
      if (known?.position === position) return known.token
      const token = make(tenantId, position)
      if (known === undefined || known.position < position) newest.set(tenantId, { position, token })
      return token
    },
    read(tenantId, token) {
      if (!token.startsWith(prefix)) return undefined
      const bytes = Buffer.from(token.slice(prefix.length), 'base64url')
      if (bytes.length !== positionBytes + tagBytes) return undefined
      const position = bytes.subarray(0, positionBytes)
      if (!timingSafeEqual(bytes.subarray(positionBytes), tagOf(tenantId, position))) return undefined
      return position.readBigUInt64BE()
    },
  }
}
