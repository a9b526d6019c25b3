import type { Database, Statement } from '../../adapters/database/port.ts'
import type { EntityValue } from '../../policy-lang/index.ts'
import type { Actor } from '../events/unit-of-work.ts'

/** One security event as a unit of work hands it over. */
export type AuditEntry = {
  readonly id: string
  readonly action: string
  readonly resource: EntityValue
  readonly outcome: 'success' | 'denied' | 'failure'
  readonly detail: object
}

const append: Statement = {
  name: 'audit-append',
  text: `
insert into audit_event (tenant_id, id, at, actor_type, actor_id, action, resource_type, resource_id, outcome, decision_id, request_id, ip, detail)
select $1, e.id, to_timestamp($2::double precision / 1000), $3, $4, e.action, e.resource_type, e.resource_id, e.outcome, $5, $6, $7, e.detail
from jsonb_to_recordset($8::jsonb) as e(id text, action text, resource_type text, resource_id text, outcome text, detail jsonb)`,
}

/** Appends to the tenant's audit trail; inside the caller's transaction, so an event stands iff its change does. */
export async function appendAudit(
  database: Database,
  actor: Actor,
  now: number,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return
  const rows = entries.map(({ id, action, resource, outcome, detail }) => ({
    id,
    action,
    resource_type: resource.type,
    resource_id: resource.id,
    outcome,
    detail: actor.reason === undefined ? detail : { ...detail, reason: actor.reason },
  }))
  await database.query(append, [
    actor.tenantId,
    now,
    actor.subject.type,
    actor.subject.id,
    actor.decisionId ?? null,
    actor.requestId ?? null,
    actor.ip ?? null,
    JSON.stringify(rows),
  ])
}
