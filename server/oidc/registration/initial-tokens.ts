import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Database } from '../../../adapters/database/port.ts'
import type { Secrets } from '../../../adapters/secrets/port.ts'
import { type Terms, termsSchema } from './terms.ts'

/** The longest that an initial access token waits for its one use (provider.md §6). */
const longestSeconds = 86_400
const prefix = 'wiat_'

/** What an administrator says of an initial access token; the rest is what the client made with it may hold. */
export const initialTokenSpec = termsSchema.extend({
  label: z.string().max(200).default(''),
  expiresInSeconds: z.int().min(60).max(longestSeconds).default(longestSeconds),
})
export type InitialTokenSpec = z.infer<typeof initialTokenSpec>

export type InitialToken = {
  readonly id: string
  readonly label: string
  readonly terms: Terms
  readonly createdBy: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt?: number
  /** Made with it. */
  readonly clientId?: string
}

/** Whether a bearer token is meant to be one of these. */
export const isInitialToken = (token: string): boolean => token.startsWith(prefix)

export const hashToken = (token: string): string => hash('sha256', token, 'base64url')

/** Initial access tokens of one tenant (RFC 7591 §3): each makes one client, and only its digest is kept. */
export function createInitialTokens(database: Database, tenantId: string) {
  const run = (name: string, text: string, values: readonly unknown[]) =>
    database.query<Row>({ name: `oidc_initial_token-${name}`, text }, [tenantId, ...values])
  return {
    /** Answers the token, which is shown once. */
    async create(
      secrets: Secrets,
      spec: InitialTokenSpec,
      { by, now }: { readonly by: string; readonly now: number },
    ): Promise<{ readonly token: string; readonly row: InitialToken }> {
      const { label, expiresInSeconds, ...terms } = spec
      const token = prefix + secrets.token(32)
      const text = `insert into oidc_initial_token (tenant_id, id, token_hash, label, terms, created_by, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) returning ${columns}`
      const times = [new Date(now), new Date(now + expiresInSeconds * 1_000)]
      const [row] = await run('create', text, [
        `it_${secrets.token(12)}`,
        hashToken(token),
        label,
        JSON.stringify(terms),
        by,
        ...times,
      ])
      if (!row) throw new Error('oidc: an initial token was not written')
      return { token, row: of(row) }
    },
    /** What it allows; undefined where it is unknown, used or too old. */
    async peek(token: string, now: number): Promise<InitialToken | undefined> {
      const text = `select ${columns} from oidc_initial_token where tenant_id = $1 and token_hash = $2 and consumed_at is null and expires_at > $3`
      const [row] = await run('peek', text, [hashToken(token), new Date(now)])
      return row && of(row)
    },
    /** True for one caller alone, however many bring it (security.md row 2). */
    async consume(token: string, clientId: string, now: number): Promise<boolean> {
      const text = `update oidc_initial_token set consumed_at = $3, client_id = $4
where tenant_id = $1 and token_hash = $2 and consumed_at is null and expires_at > $3 returning ${columns}`
      return (await run('consume', text, [hashToken(token), new Date(now), clientId])).length === 1
    },
    async list(): Promise<InitialToken[]> {
      const text = `select ${columns} from oidc_initial_token where tenant_id = $1 order by created_at desc, id limit 1000`
      return (await run('list', text, [])).map(of)
    },
    async remove(id: string): Promise<boolean> {
      const text = `delete from oidc_initial_token where tenant_id = $1 and id = $2 returning ${columns}`
      return (await run('remove', text, [id])).length === 1
    },
  }
}

const columns = 'id, label, terms, created_by, created_at, expires_at, consumed_at, client_id'
type Row = {
  readonly id: string
  readonly label: string
  readonly terms: unknown
  readonly created_by: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly consumed_at: Date | null
  readonly client_id: string | null
}

const of = (row: Row): InitialToken => ({
  id: row.id,
  label: row.label,
  terms: termsSchema.parse(row.terms),
  createdBy: row.created_by,
  createdAt: row.created_at.getTime(),
  expiresAt: row.expires_at.getTime(),
  ...(row.consumed_at ? { usedAt: row.consumed_at.getTime() } : {}),
  ...(row.client_id === null ? {} : { clientId: row.client_id }),
})
