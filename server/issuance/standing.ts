import type { Database } from '../../adapters/database/port.ts'
import { type AttemptRow, isExhausted, passwordBudget } from '../identity/attempts.ts'
import type { AccountRow, ClientRow, TenantRow } from '../identity/entities.ts'
import type { ClientMetadata } from '../oidc/client-metadata.ts'

/** How tenant, client and account stand right now, in one query: nothing of it is cached beyond the request. */
export type Standing = {
  readonly tenant: TenantRow
  readonly client?: ClientRow
  readonly account?: AccountRow
  /** Guesses from browsers that the account does not know are used up (people.md §4). */
  readonly isGuessed: boolean
}

type Row = {
  readonly tenant_status: TenantRow['status']
  readonly registration: TenantRow['registration']
  readonly tenant_epoch: string
  readonly client_status: ClientRow['status'] | null
  readonly client_epoch: string
  readonly scope: string | null
  readonly allowed_resources: string[] | null
  readonly grant_types: ClientMetadata['grantTypes'] | null
  readonly first_party: boolean
  readonly origin: NonNullable<ClientRow['origin']>
} & Partial<AccountColumns>
type AccountColumns = {
  readonly account_status: AccountRow['status'] | null
  readonly account_epoch: string
  readonly account_created_at: Date
  readonly password_changed_at: Date | null
  readonly email_verified: boolean
  readonly phone_verified: boolean
  readonly failures: number | null
  readonly window_start: Date | null
}

const clientColumns = `n.status as tenant_status, n.registration, n.epoch as tenant_epoch,
  c.status as client_status, c.epoch as client_epoch, c.first_party, c.origin,
  c.metadata ->> 'scope' as scope, c.metadata -> 'allowedResources' as allowed_resources, c.metadata -> 'grantTypes' as grant_types`

const isVerified = (kind: 'email' | 'phone') =>
  `exists (select 1 from identifier i where i.tenant_id = a.tenant_id and i.account_id = a.id and i.kind = '${kind}' and i.verified_at is not null)`

/** A client for itself: the commonest grant, and the shortest question. */
const clientStatement = {
  name: 'issuance-standing-client',
  text: `select ${clientColumns}
from tenant n left join client c on c.tenant_id = n.id and c.id = $2 where n.id = $1`,
}
/** The same of many; `limit 1` keeps each an index look-up, however large the planner thinks the list is. */
const clientsStatement = {
  name: 'issuance-standing-clients',
  text: `select asked.place, ${clientColumns}
from unnest($1::text[], $2::text[]) with ordinality as asked (tenant_id, client_id, place)
join lateral (select * from tenant where id = asked.tenant_id limit 1) n on true
left join lateral (select * from client where tenant_id = asked.tenant_id and id = asked.client_id limit 1) c on true`,
}
const personStatement = {
  name: 'issuance-standing-person',
  text: `select ${clientColumns},
  a.status as account_status, a.epoch as account_epoch, a.created_at as account_created_at, a.password_changed_at,
  ${isVerified('email')} as email_verified, ${isVerified('phone')} as phone_verified, b.failures, b.window_start
from tenant n
left join client c on c.tenant_id = n.id and c.id = $2
left join account a on a.tenant_id = n.id and a.id = $3
left join attempt_budget b on b.tenant_id = n.id and b.subject = $4
where n.id = $1`,
}

export type AskedStanding = {
  readonly tenantId: string
  readonly clientId?: string | undefined
  readonly accountId?: string | undefined
}

/** Of clients for themselves, in the order asked; undefined where the tenant itself is gone. */
export async function readClientStandings(
  database: Database,
  asked: readonly AskedStanding[],
): Promise<readonly (Standing | undefined)[]> {
  const rows = await database.query<Row & { readonly place: string }>(clientsStatement, [
    asked.map(({ tenantId }) => tenantId),
    asked.map(({ clientId }) => clientId ?? null),
  ])
  const byPlace = new Map(rows.map((row) => [Number(row.place), row]))
  return asked.map(({ tenantId, clientId }, index) => {
    const row = byPlace.get(index + 1)
    if (!row) return undefined
    const client = clientOf(row, clientId)
    return { tenant: tenantOf(row, tenantId), ...(client ? { client } : {}), isGuessed: false }
  })
}

/** Undefined if the tenant itself is gone. */
export async function readStanding(database: Database, of: AskedStanding, now: number): Promise<Standing | undefined> {
  const { tenantId, clientId, accountId } = of
  const budget = passwordBudget(accountId ?? '')
  const [row] =
    accountId === undefined
      ? await database.query<Row>(clientStatement, [tenantId, clientId ?? null])
      : await database.query<Row>(personStatement, [tenantId, clientId ?? null, accountId, budget.subject])
  if (!row) return undefined
  const tenant = tenantOf(row, tenantId)
  const client = clientOf(row, clientId)
  const account = accountOf(row, accountId)
  const attempts: AttemptRow | undefined =
    row.failures != null && row.window_start != null
      ? { failures: row.failures, windowStart: row.window_start.getTime() }
      : undefined
  return {
    tenant,
    ...(client ? { client } : {}),
    ...(account ? { account } : {}),
    isGuessed: isExhausted(budget, attempts, now),
  }
}

const tenantOf = (row: Row, id: string): TenantRow => ({
  id,
  status: row.tenant_status,
  registration: row.registration,
  epoch: Number(row.tenant_epoch),
})

function clientOf(row: Row, clientId: string | undefined): ClientRow | undefined {
  if (clientId === undefined || row.client_status === null) return undefined
  return {
    id: clientId,
    status: row.client_status,
    epoch: Number(row.client_epoch),
    metadata: {
      scope: row.scope ?? '',
      ...(row.allowed_resources ? { allowedResources: row.allowed_resources } : {}),
      ...(row.grant_types ? { grantTypes: row.grant_types } : {}),
    },
    firstParty: row.first_party,
    origin: row.origin,
  }
}

function accountOf(row: Row, accountId: string | undefined): AccountRow | undefined {
  // The columns stand in the row whenever the account was asked for; a missing account leaves its status null.
  const { account_status: status, ...columns } = row as Row & AccountColumns
  if (accountId === undefined || status === null) return undefined
  return {
    id: accountId,
    status,
    epoch: Number(columns.account_epoch),
    createdAt: columns.account_created_at.getTime(),
    ...(columns.password_changed_at ? { passwordChangedAt: columns.password_changed_at.getTime() } : {}),
    emailVerified: columns.email_verified,
    phoneVerified: columns.phone_verified,
  }
}
