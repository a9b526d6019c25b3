import { anonymous } from '../authentication.ts'
import { errors } from '../errors.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import type { RequestScope } from '../request-scope.ts'
import { openState } from './open-request.ts'

const noScopes: ReadonlySet<string> = new Set()
const prefixed = /^\/t\/([^/]+)(\/.*)?$/

/** `/t/<tenant>/…` or the default tenant; and with it the version of the rules for the whole request. */
export function findTenant({ tenants, policies }: PipelineDeps): Layer {
  return async (context, next) => {
    const state = openState(context.state)
    const match = prefixed.exec(state.path)
    const tenant = match?.[1] ? await tenants.find(match[1]) : tenants.default()
    // The default tenant has one address, and it is not this one.
    if (!tenant || (match && tenant.pathPrefix === '')) throw errors.not_found()
    if (match) state.path = match[2] ?? '/'
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
