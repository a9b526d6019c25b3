import type { Database } from '../../../adapters/database/port.ts'
import { listPage, type PageQuery } from '../../admin/list-page.ts'
import { iso } from '../../admin/request.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { Kernel } from '../../kernel.ts'

type TrailRow = {
  readonly id: string
  readonly at: Date
  readonly action: string
  readonly outcome: 'success' | 'denied' | 'failure'
  readonly ip: string | null
  readonly client_id: string | null
  readonly client_name: string | null
  readonly scopes: readonly string[] | null
  readonly claims: readonly string[] | null
}

const consentActions = ['oidc.consent.granted', 'oidc.consent.withdrawn'] as const

/** One row of the trail that is about the person, as the person is shown it. */
export type OwnEvent = ReturnType<typeof view>
/** All of it, or what was agreed to and taken back. */
export type TrailKind = 'activity' | 'history'

/** What happened to the account of the scope's subject, newest first. */
export async function listOwnTrail(
  kernel: Kernel,
  scope: RequestScope,
  { kind, query }: { readonly kind: TrailKind; readonly query: PageQuery },
): Promise<{ readonly items: readonly OwnEvent[]; readonly nextCursor?: string }> {
  const owner = { tenantId: scope.tenant.id, accountId: scope.subject.id }
  const actions = kind === 'activity' ? {} : { actions: consentActions }
  const page = await listPage(kernel, scope, query, {
    name: `own-${kind}`,
    filter: [],
    read: (after, count) => readOwnTrail(kernel.database, owner, { after: after?.[0], count, ...actions }),
    keyOf: ({ id }) => [id],
    view,
  })
  // The list knows its items as JSON; they are what `view` made.
  return page as typeof page & { readonly items: readonly OwnEvent[] }
}

/** Newest first, after the row `after`. `actions`: of these kinds alone. */
function readOwnTrail(
  database: Database,
  owner: { readonly tenantId: string; readonly accountId: string },
  page: { readonly after: string | undefined; readonly count: number; readonly actions?: readonly string[] },
): Promise<readonly TrailRow[]> {
  const { tenantId, accountId } = owner
  return database.query<TrailRow>(selectTrail, [
    tenantId,
    accountId,
    page.after ?? null,
    page.actions ?? null,
    page.count,
  ])
}

// Ids are made in order of time, so they alone are the key of the page.
const selectTrail = {
  name: 'own-trail',
  text: `select e.id, e.at, e.action, e.outcome, e.ip, e.detail ->> 'clientId' as client_id, c.name as client_name,
  case when jsonb_typeof(e.detail -> 'scopes') = 'array' then e.detail -> 'scopes' end as scopes,
  case when jsonb_typeof(e.detail -> 'claims') = 'array' then e.detail -> 'claims' end as claims
from audit_event e
left join client c on c.tenant_id = e.tenant_id and c.id = e.detail ->> 'clientId'
where e.tenant_id = $1 and e.resource_type = 'User' and e.resource_id = $2
  and ($3::text is null or e.id < $3) and ($4::text[] is null or e.action = any($4::text[]))
order by e.id desc limit $5`,
}

const view = (row: TrailRow) => ({
  id: row.id,
  at: iso(row.at),
  action: row.action,
  outcome: row.outcome,
  ...(row.ip === null ? {} : { ip: row.ip }),
  ...(row.client_id === null ? {} : { clientId: row.client_id }),
  ...(row.client_name === null ? {} : { clientName: row.client_name }),
  ...(row.scopes === null ? {} : { scopes: row.scopes }),
  ...(row.claims === null ? {} : { claims: row.claims }),
})
