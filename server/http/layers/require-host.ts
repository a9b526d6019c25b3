import type { IncomingMessage } from 'node:http'
import { errors } from '../errors.ts'
import type { Layer } from '../pipeline.ts'

/**
 * RFC 9112 §3.2: two Hosts, or one that is none, are refused. Nothing here reads it, but who stands in front may read the other one, and
 * then two servers mean different ones.
 */
export const requireHost = (): Layer => (context, next) => {
  if (!hasOneHost(context.req)) throw errors.invalid_host()
  return next()
}

/** RFC 3986 §3.2.2, §3.2.3: a name or address, and a port. */
const host = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._~-]*)(?::\d{0,5})?$/i

function hasOneHost({ headers, rawHeaders }: IncomingMessage): boolean {
  if (headers.host !== undefined && !host.test(headers.host)) return false
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1
  }
  return count <= 1
}
