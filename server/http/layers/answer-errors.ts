import type { Logger } from 'pino'
import type { WebContext } from '../mount.ts'
import type { Layer, PipelineDeps } from '../pipeline.ts'
import { problemDocument, refusalOf } from '../problem.ts'
import type { Refusal } from '../refusal.ts'
import { jsonText } from '../write-reply.ts'
import { openState } from './open-request.ts'

/** The one place where a thrown value becomes an answer. */
export function answerErrors({ log }: PipelineDeps): Layer {
  return async (context, next) => {
    try {
      await next()
    } catch (thrown) {
      const refusal = refusalOf(thrown)
      const { requestId } = openState(context.state)
      logRefusal(log, refusal, requestId)
      if (context.res.headersSent) {
        context.res.destroy()
        return
      }
      answer(context, refusal, requestId)
    }
  }
}

function answer(context: WebContext, refusal: Refusal, requestId: string): void {
  context.status = refusal.kind.status
  for (const [name, value] of Object.entries(refusal.options.headers ?? {})) context.set(name, value)
  const { resource } = openState(context.state)
  if (resource !== undefined && refusal.kind.status === 401) nameMetadata(context, resource)
  context.set('content-type', 'application/problem+json')
  context.body = Buffer.from(jsonText(problemDocument(refusal, requestId)))
  // A body that nobody will read: the connection is closed after the answer rather than drained without bound.
  if (!context.req.complete && !context.res.hasHeader('connection')) context.set('connection', 'close')
}

/** RFC 9728 §5.1; §3.1 puts the well-known part before the path of the resource. */
function nameMetadata(context: WebContext, resource: string): void {
  const challenge = context.response.get('www-authenticate')
  if (challenge === '') return
  const { origin, pathname } = new URL(resource)
  const place = `resource_metadata="${origin}/.well-known/oauth-protected-resource${pathname}"`
  context.set('www-authenticate', `${challenge}${challenge.includes('=') ? ',' : ''} ${place}`)
}

function logRefusal(log: Logger, refusal: Refusal, requestId: string): void {
  const { code, status } = refusal.kind
  if (code === 'internal_error') log.error({ requestId, err: refusal.options.cause }, 'bug')
  else if (status >= 500) log.warn({ requestId, refusal: code, err: refusal.options.cause }, 'unavailable')
  else if (refusal.options.privateDetail)
    log.info({ requestId, refusal: code, detail: refusal.options.privateDetail }, 'refused')
}
