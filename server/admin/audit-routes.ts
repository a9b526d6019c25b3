import { z } from 'zod'
import { route } from '../module.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { type Admin, iso, onTenant } from './request.ts'

const listQuery = z.strictObject({
  ...pageQuery,
  action: z.string().max(200).optional(),
  resourceType: z.string().max(200).optional(),
  resourceId: z.string().max(500).optional(),
  actorId: z.string().max(500).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
})
const who = z.object({ type: z.string(), id: z.string() })
const shape = z.object({
  id: z.string(),
  at: z.string(),
  actor: who,
  action: z.string(),
  resource: who,
  outcome: z.string(),
  decisionId: z.string().optional(),
  requestId: z.string().optional(),
  ip: z.string().optional(),
  detail: z.record(z.string(), z.json()),
})

export const auditRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/audit',
    summary: 'Audit events, newest first',
    action: 'readAudit',
    resourceType: 'Tenant',
    resource: onTenant,
    query: listQuery,
    responds: pageOf(shape),
    refuses: ['invalid_cursor'],
    async handle({ scope, query }) {
      const { action, resourceType, resourceId, actorId, since } = query
      const equal = { action, resource_type: resourceType, resource_id: resourceId, actor_id: actorId }
      const wanted = Object.fromEntries(Object.entries(equal).filter(([, value]) => value !== undefined))
      const body = await listPage(admin.kernel, scope, query, {
        name: 'audit',
        filter: [action, resourceType, resourceId, actorId, since],
        async read(after, count) {
          const rows = admin.kernel.database.table('audit_event').where({ tenant_id: scope.tenant.id, ...wanted })
          if (since !== undefined) rows.where('at', '>=', new Date(since))
          // Ids are made in order of time, so they alone are the key of the page.
          if (after) rows.where('id', '<', after[0] ?? '')
          const found: AuditRow[] = await rows.orderBy('id', 'desc').limit(count)
          return found
        },
        keyOf: ({ id }) => [id],
        view,
      })
      return { body }
    },
  }),
]

type AuditRow = {
  readonly id: string
  readonly at: Date
  readonly actor_type: string
  readonly actor_id: string
  readonly action: string
  readonly resource_type: string
  readonly resource_id: string
  readonly outcome: string
  readonly decision_id: string | null
  readonly request_id: string | null
  readonly ip: string | null
  readonly detail: z.infer<typeof shape>['detail']
}

const view = (row: AuditRow) => ({
  id: row.id,
  at: iso(row.at),
  actor: { type: row.actor_type, id: row.actor_id },
  action: row.action,
  resource: { type: row.resource_type, id: row.resource_id },
  outcome: row.outcome,
  ...(row.decision_id === null ? {} : { decisionId: row.decision_id }),
  ...(row.request_id === null ? {} : { requestId: row.request_id }),
  ...(row.ip === null ? {} : { ip: row.ip }),
  detail: row.detail,
})
