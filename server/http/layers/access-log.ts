import type { Layer, PipelineDeps } from '../pipeline.ts'
import { openState } from './open-request.ts'

/** One line and one count per answer. Paths are logged without their query, which may carry codes and tokens. */
export function accessLog({ log, metrics }: PipelineDeps): Layer {
  return async (context, next) => {
    const began = performance.now()
    await next()
    const state = openState(context.state)
    const seconds = (performance.now() - began) / 1000
    const { method, status } = context
    metrics.requests.inc({ route: state.routeName, method, status })
    metrics.requestSeconds.observe({ route: state.routeName }, seconds)
    // Probes come every second and say nothing; what they find wrong is logged where it happens.
    const level = state.path.startsWith('/health/') ? 'debug' : status >= 500 ? 'warn' : 'info'
    if (!log.isLevelEnabled(level)) return
    const line = {
      requestId: state.requestId,
      method,
      path: state.path,
      route: state.routeName,
      status,
      milliseconds: Math.round(seconds * 10_000) / 10,
      ip: state.ip,
    }
    log[level](line, 'request')
  }
}
