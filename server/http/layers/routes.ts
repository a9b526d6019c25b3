import { errors } from '../errors.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import { serveRoute } from '../serve-route.ts'
import { openState } from './open-request.ts'

/** Rows of the route tables; nothing matches: 404, another method would: 405 with Allow. */
export function routes(deps: PipelineDeps): Layer {
  return async (context) => {
    const state = openState(context.state)
    const found = deps.routes.find(context.method, state.path)
    if (!found) throw errors.not_found()
    if ('allow' in found) throw errors.method_not_allowed({ headers: { allow: found.allow.join(', ') } })
    state.routeName = found.row.pattern
    const [audience] = found.row.audiences
    if (audience !== undefined) state.resource = state.scope.tenant.issuer + audience
    await serveRoute(context, found.row, found.params, deps)
  }
}
