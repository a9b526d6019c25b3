import { hash } from 'node:crypto'
import type { Database } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'

/** How long the first administrator has (admin.md §1). */
const lifetimeMilliseconds = 30 * 60 * 1_000

/** A client that administers (the command line in development) is nobody who could let people in. */
const adminsText = `exists (select 1 from relation r where r.tenant_id = $1 and r.resource_type = 'Tenant' and r.resource_id = $1 and r.relation = 'admin'
and r.subject_type <> 'Client')`

/** One-time links that make the first administrator; stored hashed, one live at a time. Opened for one tenant. */
export function createSetupLinks(database: Database, secrets: Secrets, tenantId: string) {
  return {
    async hasAdmin(): Promise<boolean> {
      const text = `select ${adminsText} as found`
      const [row] = await database.query<{ found: boolean }>({ name: 'setup-has-admin', text }, [tenantId])
      return row?.found === true
    },

    /** A new token; the one before, if any, is dead. */
    async create(now: number): Promise<string> {
      const token = secrets.token(32)
      const text = `insert into setup_link (tenant_id, token_hash, expires_at, used_at) values ($1, $2, $3, null)
on conflict (tenant_id) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at, used_at = null`
      const expiresAt = new Date(now + lifetimeMilliseconds)
      await database.query({ name: 'setup-create', text }, [tenantId, digest(token), expiresAt])
      return token
    },

    /** Looks and changes nothing: mail scanners open links. */
    async isLive(token: string, now: number): Promise<boolean> {
      const text = `select 1 from setup_link where tenant_id = $1 and token_hash = $2 and used_at is null and expires_at > $3
and not ${adminsText}`
      const rows = await database.query({ name: 'setup-look', text }, [tenantId, digest(token), new Date(now)])
      return rows.length === 1
    },

    /** True for exactly one caller: the row count decides. Inside the transaction that makes the administrator. */
    async burn(token: string, now: number): Promise<boolean> {
      const text = `update setup_link set used_at = $3 where tenant_id = $1 and token_hash = $2 and used_at is null and expires_at > $3
and not ${adminsText} returning tenant_id`
      const rows = await database.query({ name: 'setup-burn', text }, [tenantId, digest(token), new Date(now)])
      return rows.length === 1
    },
  }
}
export type SetupLinks = ReturnType<typeof createSetupLinks>

const digest = (token: string): string => hash('sha256', token, 'base64url')
