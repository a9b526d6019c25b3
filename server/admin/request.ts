import type { EntityValue } from '../../policy-lang/index.ts'
import type { Judgement } from '../decision/decision-point.ts'
import type { Actor } from '../events/unit-of-work.ts'
import type { RouteInput, Target } from '../http/route.ts'
import type { Passwords } from '../identity/passwords.ts'
import type { Kernel } from '../kernel.ts'

/** What the handlers of the admin API are given. */
export type Admin = { readonly kernel: Kernel; readonly passwords: Passwords }

export const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })

export const tenantOf = ({ scope }: Pick<RouteInput, 'scope'>): EntityValue => entity('Tenant', scope.tenant.id)

/** Rows whose action is asked about the tenant itself. */
export const onTenant = (input: Pick<RouteInput, 'scope'>): Target => ({ resource: tenantOf(input) })

/** Actions on people, clients and organizations take the tenant, whose administrators may act. */
export const withTenant = ({ scope }: Pick<RouteInput, 'scope'>) => ({
  tenant: { type: 'Tenant', id: scope.tenant.id },
})

/** Decided on the row, or, where there is none, on whether the caller may list such rows (modules.md §0). */
export const existing = (
  input: Pick<RouteInput, 'scope'>,
  isThere: boolean,
  resource: EntityValue,
  listAction: string,
): Target => (isThere ? { resource } : { missing: true, decideOn: tenantOf(input), action: listAction })

/** Who changes, for the audit row. */
export function actorOf({ scope, headers }: Pick<RouteInput, 'scope' | 'headers'>, judgement: Judgement): Actor {
  const reason = headers['x-reason']
  return {
    tenantId: scope.tenant.id,
    subject: scope.subject,
    requestId: scope.requestId,
    ip: scope.ip,
    decisionId: judgement.id,
    ...(reason === undefined ? {} : { reason: reason.slice(0, 500) }),
  }
}

export const iso = (time: number | Date): string => new Date(time).toISOString()

/** What `Writ-Consistency` takes back: decisions given it see at least this change (admin.md §7). */
export const consistencyToken = (
  { consistency }: Pick<Kernel, 'consistency'>,
  { scope }: Pick<RouteInput, 'scope'>,
  position: string,
): string => consistency.of(scope.tenant.id, position)
