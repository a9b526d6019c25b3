import { errors } from '../errors.ts'
import type { WebContext } from '../mount.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import { openState } from './open-request.ts'

/** What must hold before requests are sent here: the database answers, rules are compiled, keys are there. */
export type Readiness = () => Promise<{ readonly [what: string]: boolean }>

/**
 * `/health/live`: the process runs. `/health/ready`: requests can be served, else 503 with Retry-After. Both say nothing else
 * and ask nobody, for they are asked by load balancers that hold no credential.
 */
export function operations({ readiness, draining }: PipelineDeps): Layer {
  return async (context, next) => {
    const path = context.req.url
    if (path !== '/health/live' && path !== '/health/ready') return next()
    openState(context.state).routeName = path
    if (context.method !== 'GET' && context.method !== 'HEAD') {
      throw errors.method_not_allowed({ headers: { allow: 'GET, HEAD' } })
    }
    if (path === '/health/live') return answer(context, 200, { status: 'live' })
    const checks = await readiness()
    const isReady = !draining.isDraining && Object.values(checks).every(Boolean)
    if (!isReady) context.set('retry-after', '1')
    answer(context, isReady ? 200 : 503, {
      status: isReady ? 'ready' : draining.isDraining ? 'draining' : 'unavailable',
      checks,
    })
  }
}

function answer(context: WebContext, status: number, body: object): void {
  context.status = status
  context.set('content-type', 'application/json; charset=utf-8')
  context.body = Buffer.from(JSON.stringify(body))
}
