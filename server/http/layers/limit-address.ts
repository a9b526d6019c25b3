import type { Layer, PipelineDeps } from '../pipeline.ts'
import { requestPath } from '../request-path.ts'
import { openState } from './open-request.ts'

/** The path in its one form, then the buckets of the address. The tenant's prefix counts as the tenant's paths do. */
export function limitAddress({ limiter }: PipelineDeps): Layer {
  return (context, next) => {
    const state = openState(context.state)
    // async: a throw becomes a rejection, as `next` answers one
    return (async () => {
      state.path = requestPath(context.req.url ?? '').path
      const path = state.path.replace(/^\/t\/[^/]+/, '')
      limiter.take({ per: 'address', key: state.ip, method: context.method, path, now: state.now })
      await next()
    })()
  }
}
