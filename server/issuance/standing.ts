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

/** Undefined if the tenant itself is gone. */
export async function readStanding(
  database: Database,
  of: { readonly tenantId: string; readonly clientId?: string | undefined; readonly accountId?: string | undefined },
  now: number,
): Promise<Standing | undefined> {
  const { tenantId, clientId, accountId } = of
  const budget = passwordBudget(accountId ?? '')
  const [row] =
    accountId === undefined
      ? await database.query<Row>(clientStatement, [tenantId, clientId ?? null])
      : await database.query<Row>(personStatement, [tenantId, clientId ?? null, accountId, budget.subject])
  if (!row) return undefined
  const tenant: TenantRow = {
    id: tenantId,
    status: row.tenant_status,
    registration: row.registration,
    epoch: Number(row.tenant_epoch),
  }
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
