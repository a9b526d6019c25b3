import type { ActivePolicy } from '../../decision/active-policy.ts'
import { errors as decisionErrors } from '../../decision/errors.ts'
import { anonymous } from '../authentication.ts'
import { errors } from '../errors.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import type { RequestScope } from '../request-scope.ts'
import { openState } from './open-request.ts'

const noScopes: ReadonlySet<string> = new Set()
const prefixed = /^\/t\/([^/]+)(\/.*)?$/

/** `/t/<tenant>/…` or the default tenant; and with it the version of the rules for the whole request. */
export function findTenant(deps: PipelineDeps): Layer {
  const { tenants, policies } = deps
  return async (context, next) => {
    const state = openState(context.state)
    const match = prefixed.exec(state.path)
    const tenant = match?.[1] ? await tenants.find(match[1]) : tenants.default()
    // The default tenant has one address, and it is not this one.
    if (!tenant || (match && tenant.pathPrefix === '')) throw errors.not_found()
    if (match) state.path = match[2] ?? '/'
    const position = context.req.headers['writ-consistency']
    const policy =
      position === undefined
        ? (policies.peek(tenant.id) ?? (await policies.current(tenant.id)))
        : await asFreshAs(deps, tenant.id, position)
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

type Wanted = Pick<PipelineDeps, 'changes' | 'consistency'>

/**
 * `Writ-Consistency`: what the caller has seen or written is here before anything is decided; `full`: everything that has been
 * committed until now. Never an older answer.
 */
async function asFreshAs(
  deps: PipelineDeps,
  tenantId: string,
  header: string | readonly string[],
): Promise<ActivePolicy> {
  await waitFor(deps, tenantId, header)
  // Rules take a while to be compiled after the change is heard: those from before it are an older answer too.
  return deps.policies.settled(tenantId)
}

async function waitFor(
  { changes, consistency }: Wanted,
  tenantId: string,
  header: string | readonly string[],
): Promise<void> {
  if (header === 'full') {
    await changes.catchUp(tenantId)
    return
  }
  const wanted = typeof header === 'string' ? consistency.read(tenantId, header) : undefined
  if (wanted === undefined) throw decisionErrors.invalid_consistency()
  if (changes.seen(tenantId) >= wanted) return
  // A database that was put back to an earlier day does not know the position: nothing fresh enough can be answered.
  if ((await changes.catchUp(tenantId)) < wanted) throw decisionErrors.invalid_consistency()
}
