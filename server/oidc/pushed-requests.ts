import type { Family, FamilyContext } from './adapter.ts'
import { parse, withoutId } from './families.ts'
import { digest } from './token-rows.ts'

/** A pushed request may be used until the sign-in that it began has ended, however long the person takes (RFC 9126 §4). */
const interactionSeconds = 30 * 60

/** Authorization requests that a client has pushed: used once, by whoever comes first. */
export function pushedRequestFamily({ database, tenantId, clock, library }: FamilyContext): Family {
  return {
    stage: 'authorize',
    // The library compares the request's own `exp` where that matters; a sign-in under way goes on past it.
    async find(id) {
      const text = 'select payload, consumed_at from oidc_pushed_request where tenant_id = $1 and id_hash = $2'
      const statement = { name: 'oidc_pushed_request-find', text }
      const [row] = await database.query<{ payload: string; consumed_at: Date | null }>(statement, [
        tenantId,
        digest(id),
      ])
      if (!row) return undefined
      const { consumed_at: at } = row
      return { ...parse(row.payload), jti: id, ...(at ? { consumed: Math.floor(at.getTime() / 1_000) } : {}) }
    },
    async upsert(id, payload, expiresIn = 0) {
      const text = `insert into oidc_pushed_request (tenant_id, id_hash, payload, expires_at) values ($1, $2, $3, $4)`
      const expiresAt = new Date(clock.now() + (expiresIn + interactionSeconds) * 1_000)
      await database.query({ name: 'oidc_pushed_request-put', text }, [
        tenantId,
        digest(id),
        withoutId(payload),
        expiresAt,
      ])
    },
    async consume(id) {
      const text = `update oidc_pushed_request set consumed_at = $3
where tenant_id = $1 and id_hash = $2 and consumed_at is null returning id_hash`
      const statement = { name: 'oidc_pushed_request-consume', text }
      const rows = await database.query(statement, [tenantId, digest(id), new Date(clock.now())])
      if (rows.length === 0) {
        throw new library.errors.InvalidRequestUri('request_uri is invalid, expired, or was already used')
      }
    },
    async destroy(id) {
      const text = 'delete from oidc_pushed_request where tenant_id = $1 and id_hash = $2'
      await database.query({ name: 'oidc_pushed_request-remove', text }, [tenantId, digest(id)])
    },
  }
}
