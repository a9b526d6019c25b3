import { errors as decisionErrors } from '../../decision/errors.ts'
import type { ChangeFeed } from '../../events/change.ts'
import { anonymous } from '../authentication.ts'
import { errors } from '../errors.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import type { RequestScope } from '../request-scope.ts'
import { openState } from './open-request.ts'

const noScopes: ReadonlySet<string> = new Set()
const prefixed = /^\/t\/([^/]+)(\/.*)?$/

/** `/t/<tenant>/…` or the default tenant; and with it the version of the rules for the whole request. */
export function findTenant({ tenants, policies, changes }: PipelineDeps): Layer {
  return async (context, next) => {
    const state = openState(context.state)
    const match = prefixed.exec(state.path)
    const tenant = match?.[1] ? await tenants.find(match[1]) : tenants.default()
    // The default tenant has one address, and it is not this one.
    if (!tenant || (match && tenant.pathPrefix === '')) throw errors.not_found()
    if (match) state.path = match[2] ?? '/'
    const position = context.req.headers['writ-consistency']
    if (position !== undefined) await waitFor(changes, tenant.id, position)
    const policy = policies.peek(tenant.id) ?? (await policies.current(tenant.id))
    const scope: RequestScope = {
      requestId: state.requestId,
      tenant,
      subject: anonymous,
      scopes: noScopes,
      ip: state.ip,
      policy,
      now: state.now,
    }
    state.scope = scope
    await next()
  }
}

/** What the caller has seen or written (a position of this tenant) is here before anything is decided. */
async function waitFor(changes: ChangeFeed, tenantId: string, position: string | string[]): Promise<void> {
  if (typeof position !== 'string' || !/^\d{1,18}$/.test(position)) throw decisionErrors.invalid_consistency()
  const wanted = BigInt(position)
  if (changes.seen(tenantId) >= wanted) return
  // The database knows no later position than what it answers now: a token beyond it was never given.
  if ((await changes.catchUp(tenantId)) < wanted) throw decisionErrors.invalid_consistency()
}
