import type { Database } from '../../adapters/database/port.ts'

/** What a person lets one client have. */
export type Consent = {
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  /** Scopes by audience. */
  readonly resources: { readonly [audience: string]: readonly string[] }
}

export const emptyConsent: Consent = { scopes: [], claims: [], resources: {} }

export const isNothing = ({ scopes, claims, resources }: Consent): boolean =>
  scopes.length === 0 && claims.length === 0 && Object.keys(resources).length === 0

/** True if `given` has all that `asked` asks. */
export function covers(given: Consent, asked: Consent): boolean {
  const has = (list: readonly string[], items: readonly string[]) => items.every((item) => list.includes(item))
  return (
    has(given.scopes, asked.scopes) &&
    has(given.claims, asked.claims) &&
    Object.entries(asked.resources).every(([audience, scopes]) => has(given.resources[audience] ?? [], scopes))
  )
}

export function union(left: Consent, right: Consent): Consent {
  const both = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])]
  const audiences = both(Object.keys(left.resources), Object.keys(right.resources))
  return {
    scopes: both(left.scopes, right.scopes),
    claims: both(left.claims, right.claims),
    resources: Object.fromEntries(
      audiences.map((audience) => [audience, both(left.resources[audience] ?? [], right.resources[audience] ?? [])]),
    ),
  }
}

/** What people have agreed to, of one tenant; outlives sessions, so nobody is asked twice for the same. */
export function createConsents(database: Database, tenantId: string) {
  const find = async (accountId: string, clientId: string): Promise<Consent> => {
    const [row] = await database.query<Consent>(
      {
        name: 'consent-find',
        text: 'select scopes, claims, resources from consent where tenant_id = $1 and account_id = $2 and client_id = $3',
      },
      [tenantId, accountId, clientId],
    )
    return row ?? emptyConsent
  }
  return {
    find,
    async add(accountId: string, clientId: string, given: Consent, now: number): Promise<void> {
      const { scopes, claims, resources } = union(await find(accountId, clientId), given)
      await database.query(
        {
          name: 'consent-put',
          text: `insert into consent (tenant_id, account_id, client_id, scopes, claims, resources, updated_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant_id, account_id, client_id) do update set
  scopes = excluded.scopes, claims = excluded.claims, resources = excluded.resources, updated_at = excluded.updated_at`,
        },
        [
          tenantId,
          accountId,
          clientId,
          JSON.stringify(scopes),
          JSON.stringify(claims),
          JSON.stringify(resources),
          new Date(now),
        ],
      )
    },
  }
}
export type Consents = ReturnType<typeof createConsents>
