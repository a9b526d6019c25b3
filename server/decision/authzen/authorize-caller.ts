import type { ChangeFeed } from '../../events/change.ts'
import type { Authenticate } from '../../http/authenticate.ts'
import type { Authenticated, Possession } from '../../http/authentication.ts'
import { errors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { DecisionPoint } from '../decision-point.ts'

/** Who asks for decisions, and that it may (`evaluate on Tenant`); throws 401 or 403. */
export type AuthorizeCaller = (
  scope: RequestScope,
  authorization: string | undefined,
  possession: Omit<Possession, 'scheme'>,
) => Promise<void>

/**
 * The caller's own right is decided once per verified credential, rules and state: a credential is verified again after a
 * second, and any change of the tenant's state or rules asks again.
 */
export function createAuthorizeCaller(deps: {
  readonly authenticate: Authenticate
  readonly decisions: DecisionPoint
  readonly changes: ChangeFeed
  readonly limit: (subjectKey: string, scope: RequestScope) => void
}): AuthorizeCaller {
  const allowed = new WeakMap<
    Authenticated,
    { readonly version: string; readonly position: bigint; readonly key: string }
  >()
  return async (scope, authorization, possession) => {
    const { tenant } = scope
    const caller = await deps.authenticate(tenant, authorization, [`${tenant.issuer}/access`], scope.now, possession)
    if (!caller) throw errors.authentication_required({ headers: { 'www-authenticate': 'Bearer' } })
    const position = deps.changes.seen(tenant.id)
    const known = allowed.get(caller)
    if (known && known.version === scope.policy.version && known.position === position) {
      deps.limit(known.key, scope)
      return
    }
    const { expiresAt: _, ...identity } = caller
    await deps.decisions.authorize(
      { ...scope, ...identity },
      { action: 'evaluate', resource: { kind: 'entity', type: 'Tenant', id: tenant.id } },
    )
    const key = JSON.stringify([tenant.id, caller.subject.type, caller.subject.id])
    allowed.set(caller, { version: scope.policy.version, position, key })
    deps.limit(key, scope)
  }
}
