import type { EntityValue } from '../../policy-lang/index.ts'
import type { ActivePolicy } from '../decision/active-policy.ts'
import type { Tenant } from '../tenancy/tenant.ts'

/**
 * Who asks, where, and by which version of the rules: fixed once per request and used by every decision in it, so that a
 * request is wholly before or wholly after a policy swap.
 */
export type RequestScope = {
  readonly requestId: string
  readonly tenant: Tenant
  /** The authenticated subject; `Anonymous` with id '' where there is none. Never from a body, query or foreign header. */
  readonly subject: EntityValue
  /** The OAuth client through which the subject acts. */
  readonly client?: EntityValue
  readonly scopes: ReadonlySet<string>
  readonly session?: {
    readonly id: string
    readonly acr: string
    readonly amr: readonly string[]
    readonly authenticatedAt: number
  }
  /** RFC 8693 `act`, outermost. */
  readonly actor?: EntityValue
  readonly organization?: EntityValue
  readonly ip: string
  readonly policy: ActivePolicy
  /** Milliseconds; one value for every decision of the request. */
  readonly now: number
}
