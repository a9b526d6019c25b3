import type { Database } from '../../../adapters/database/port.ts'
import { hashToken } from './initial-tokens.ts'
import { type Terms, termsSchema } from './terms.ts'

/** How a client came to register itself. */
export type Way = 'initialToken' | 'open'

export type Registration = {
  readonly clientId: string
  readonly way: Way
  /** Who asked at the time: changes are judged as theirs, too. */
  readonly registrant: { readonly type: string; readonly id: string }
  readonly terms: Terms
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
    /** What the client may hold at most, as an administrator has said it. */
    async settle(clientId: string, terms: Terms): Promise<void> {
      const text = 'update client_registration set terms = $3 where tenant_id = $1 and client_id = $2'
      await run('settle', text, [clientId, JSON.stringify(terms)])
    },
    /** How many clients of this tenant nobody made by hand. */
    async count(atMost: number): Promise<number> {
      const text = `select count(*) as count from (select 1 from client where tenant_id = $1 and origin <> 'administrator' limit $2) as found`
      const [row] = await run<{ count: string }>('count', text, [atMost])
      return Number(row?.count ?? 0)
    },
  }
}

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
  terms: termsSchema.parse(row.terms),
  ...(row.software_statement === null ? {} : { softwareStatement: row.software_statement }),
})
