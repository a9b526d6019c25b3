import { z } from 'zod'
import { readJson } from '../../http/body.ts'
import { errors } from '../../http/errors.ts'
import type { Mount, WebContext } from '../../http/mount.ts'
import { Refusal } from '../../http/refusal.ts'
import { decodeSegment } from '../../http/request-path.ts'
import type { WireMetadata } from './read-metadata.ts'
import type { ClientRegistration } from './registration.ts'

const base = '/oauth2/register'
const longestBody = 64 * 1024
const longestId = 255
/** Words of RFC 7591 §3.2.2, RFC 6750 §3.1 and RFC 6749 §5.2; whatever else is wrong with a request is `invalid_request`. */
const protocolCodes: ReadonlySet<string> = new Set([
  'invalid_client_metadata',
  'invalid_redirect_uri',
  'invalid_software_statement',
  'unapproved_software_statement',
  'invalid_token',
  'access_denied',
])
const bodyShape = z.record(z.string(), z.json())

/** `/oauth2/register` and one client below it (RFC 7591 §3, RFC 7592 §2), in OAuth's form. */
export function createRegistrationMount(registration: ClientRegistration): Mount {
  return {
    name: 'registration',
    paths: [base, `${base}/*`],
    async handle(context) {
      // Whoever asks shows a token of its own and never a cookie, so any origin may (MCP clients live in browsers).
      context.set({ 'cache-control': 'no-store', 'access-control-allow-origin': '*' })
      try {
        await answer(context, registration)
      } catch (error) {
        refuse(context, error)
      }
    },
  }
}

async function answer(context: WebContext, registration: ClientRegistration): Promise<void> {
  const { scope, path } = context.state
  const id = decodeSegment(path.slice(base.length + 1))
  const takes = path === base ? ['POST'] : ['GET', 'PUT', 'DELETE']
  if (context.method === 'OPTIONS') {
    preflight(context, takes)
    return
  }
  if (!takes.includes(context.method)) {
    context.set('allow', [...takes, 'OPTIONS'].join(', '))
    say(context, 405, { error: 'invalid_request', error_description: 'the endpoint does not take this method' })
    return
  }
  if (path !== base && (id === '' || id.length > longestId || id.includes('/'))) {
    say(context, 404, { error: 'not_found' })
    return
  }
  const { authorization } = context.req.headers
  if (context.method === 'POST') {
    say(context, 201, await registration.register(scope, authorization, await readBody(context)))
  } else if (context.method === 'GET') {
    say(context, 200, await registration.read(scope, id, authorization))
  } else if (context.method === 'PUT') {
    const wire = await readBody(context)
    say(context, 200, await registration.update(scope, id, { authorization, wire }))
  } else {
    await registration.remove(scope, id, authorization)
    context.status = 204
  }
}

async function readBody(context: WebContext): Promise<WireMetadata> {
  const parsed = bodyShape.safeParse(await readJson(context.req, longestBody))
  if (!parsed.success) throw errors.malformed_json({ detail: 'The body must be a JSON object.' })
  return parsed.data
}

function preflight(context: WebContext, takes: readonly string[]): void {
  context.set({
    'access-control-allow-methods': takes.join(', '),
    'access-control-allow-headers': 'authorization, content-type',
    'access-control-max-age': '3600',
  })
  context.status = 204
}

function say(context: WebContext, status: number, body: object): void {
  context.status = status
  context.body = body
}

function refuse(context: WebContext, error: unknown): void {
  if (!(error instanceof Refusal)) throw error
  const { kind, options } = error
  if (kind.status >= 500) {
    context.set('retry-after', kind.code === 'too_many_clients' ? '3600' : '5')
    say(context, 503, { error: 'temporarily_unavailable', error_description: options.detail ?? kind.title })
    return
  }
  // RFC 6750 §3.1: without any credentials, no code in the challenge.
  const isBare = kind.code === 'initial_token_needed'
  const code = isBare ? 'invalid_token' : protocolCodes.has(kind.code) ? kind.code : 'invalid_request'
  if (kind.status === 401) context.set('www-authenticate', isBare ? 'Bearer' : 'Bearer error="invalid_token"')
  say(context, kind.status, { error: code, error_description: options.detail ?? kind.title })
}
