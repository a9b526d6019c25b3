import { z } from 'zod'
import type { Database } from '../../../adapters/database/port.ts'
import { hashToken } from './initial-tokens.ts'
import { type Terms, termsSchema } from './terms.ts'

/** Clients of one tenant that came without anybody's word; beyond it new ones wait until unused ones are gone. */
const mostStrangers = 10_000
export const managementPrefix = 'wrat_'

/** How a client came to register itself. */
export type Way = 'initialToken' | 'open'

export type Registration = {
  readonly clientId: string
  readonly way: Way
  /** Who asked at the time: changes are judged as theirs, too. */
  readonly registrant: { readonly type: string; readonly id: string }
  readonly terms: Terms & { readonly settled?: boolean | undefined }
  readonly softwareStatement?: string
}

/** Registrations of one tenant: what stands beside the row of a client that made itself (RFC 7592). */
export function createRegistrations(database: Database, tenantId: string) {
  const run = <R extends object>(name: string, text: string, values: readonly unknown[]) =>
    database.query<R>({ name: `client_registration-${name}`, text }, [tenantId, ...values])
  return {
    async create(registration: Registration, token: string, now: number): Promise<void> {
      const { clientId, way, registrant, terms, softwareStatement } = registration
      const text = `insert into client_registration (tenant_id, client_id, token_hash, way, registrant_type, registrant_id, terms, software_statement, updated_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`
      await run('create', text, [
        clientId,
        hashToken(token),
        way,
        registrant.type,
        registrant.id,
        JSON.stringify(terms),
        softwareStatement ?? null,
        new Date(now),
      ])
    },
    /** The registration that `token` manages, if it is the one of an active client of this id. */
    async find(clientId: string, token: string): Promise<Registration | undefined> {
      const text = `select r.client_id, r.way, r.registrant_type, r.registrant_id, r.terms, r.software_statement
from client_registration r join client c on c.tenant_id = r.tenant_id and c.id = r.client_id
where r.tenant_id = $1 and r.client_id = $2 and r.token_hash = $3 and c.status = 'active' and c.origin = 'registration'`
      const [row] = await run<Row>('find', text, [clientId, hashToken(token)])
      return row && of(row)
    },
    /** Holds the client's row until the transaction ends; answers its version. */
    async lockClient(clientId: string): Promise<number | undefined> {
      const text = 'select version from client where tenant_id = $1 and id = $2 for update'
      const [row] = await run<{ version: string }>('lock', text, [clientId])
      return row && Number(row.version)
    },
    /** The next management token takes the place of this one; false where somebody else was quicker. */
    async rotate(
      clientId: string,
      { from, to, softwareStatement }: { from: string; to: string; softwareStatement: string | undefined },
      now: number,
    ): Promise<boolean> {
      const text = `update client_registration set token_hash = $4, software_statement = $5, updated_at = $6
where tenant_id = $1 and client_id = $2 and token_hash = $3 returning client_id`
      const values = [clientId, hashToken(from), hashToken(to), softwareStatement ?? null, new Date(now)]
      return (await run('rotate', text, values)).length === 1
    },
    /** What the client may hold at most, as far as an administrator has said it: from now on that is the word that counts. */
    async settle(clientId: string, terms: Partial<Terms>): Promise<void> {
      const text = 'update client_registration set terms = terms || $3::jsonb where tenant_id = $1 and client_id = $2'
      await run('settle', text, [clientId, JSON.stringify({ ...terms, settled: true })])
    },
    /** Another management token for a client that lost its own; the one before is dead. False where it never registered. */
    async reset(clientId: string, token: string, now: number): Promise<boolean> {
      const text = `update client_registration set token_hash = $3, updated_at = $4
where tenant_id = $1 and client_id = $2 returning client_id`
      return (await run('reset', text, [clientId, hashToken(token), new Date(now)])).length === 1
    },
    /** Whether strangers have made as many clients as there may be; whoever holds an initial access token is none. */
    async isFull(): Promise<boolean> {
      const text = `select count(*) as count from (
  select 1 from client c left join client_registration r on r.tenant_id = c.tenant_id and r.client_id = c.id
  where c.tenant_id = $1 and c.origin <> 'administrator' and r.way is distinct from 'initialToken' limit $2) as found`
      const [row] = await run<{ count: string }>('count', text, [mostStrangers])
      return Number(row?.count ?? 0) >= mostStrangers
    },
  }
}

/** `settled`: by an administrator, for this client. */
const storedTerms = termsSchema.extend({ settled: z.boolean().optional() })

type Row = {
  readonly client_id: string
  readonly way: Way
  readonly registrant_type: string
  readonly registrant_id: string
  readonly terms: unknown
  readonly software_statement: string | null
}

const of = (row: Row): Registration => ({
  clientId: row.client_id,
  way: row.way,
  registrant: { type: row.registrant_type, id: row.registrant_id },
  terms: storedTerms.parse(row.terms),
  ...(row.software_statement === null ? {} : { softwareStatement: row.software_statement }),
})
