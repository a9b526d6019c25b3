import { randomUUID } from 'node:crypto'
import type { Layer } from '../pipeline.ts'

const header = 'x-fapi-interaction-id'
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i
const protectedPath = /^(?:\/t\/[^/]+)?\/oauth2\/userinfo$/

/**
 * What a client calls one exchange with a protected resource, said back to it, or a name of ours where it has none (FAPI 1.0 §6.2.1
 * items 11, 12; the suite asks it of FAPI 2.0 too). Anything but a UUID is not repeated.
 */
export function echoInteraction(): Layer {
  return (context, next) => {
    const sent = context.req.headers[header]
    const isResource = context.req.headers.authorization !== undefined || protectedPath.test(context.path)
    if (isResource || sent !== undefined) {
      context.res.setHeader(header, typeof sent === 'string' && uuid.test(sent) ? sent : randomUUID())
    }
    return next()
  }
}
