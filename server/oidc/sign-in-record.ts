import type { RequestScope } from '../http/request-scope.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'

/** The audit row and the event of a sign-in. Nothing that a decision sees changes, so nobody waits for the position. */
export async function recordSignIn(kernel: Kernel, scope: RequestScope, accountId: string): Promise<void> {
  const user = entityOf('User', accountId)
  const actor = { tenantId: scope.tenant.id, subject: user, requestId: scope.requestId, ip: scope.ip }
  await kernel.withTransaction(actor, async (unit) => {
    unit.recordOnly()
    unit.audit({ action: 'identity.session.started', resource: user, detail: { method: 'password' } })
    unit.emit('identity.session.started', { userId: accountId, method: 'password' })
  })
}

/** The audit row of a sign-in that was refused. It names no account: whether there is one must not be readable here either. */
export async function recordRefusedSignIn(kernel: Kernel, scope: RequestScope): Promise<void> {
  const actor = { tenantId: scope.tenant.id, subject: scope.subject, requestId: scope.requestId, ip: scope.ip }
  await kernel.withTransaction(actor, async (unit) => {
    unit.recordOnly()
    const resource = entityOf('Tenant', scope.tenant.id)
    unit.audit({ action: 'identity.session.refused', resource, outcome: 'denied', detail: { method: 'password' } })
  })
}
