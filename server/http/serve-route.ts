import type { ZodError, ZodType } from 'zod'
import { z } from 'zod'
import { actionKey, type Program } from '../../policy-lang/index.ts'
import type { DecisionPoint, JsonValue } from '../decision/decision-point.ts'
import type { Authenticate } from './authenticate.ts'
import { possessionOf } from './authentication.ts'
import { hasBody, readJson } from './body.ts'
import { errors } from './errors.ts'
import type { WebContext } from './mount.ts'
import { decodeSegment } from './request-path.ts'
import type { RequestScope } from './request-scope.ts'
import type { Route, RouteInput, RouteTable } from './route.ts'
import { createRouteIndex, type RouteIndex } from './route-index.ts'
import { writeReply } from './write-reply.ts'

export type RouteDeps = {
  readonly authenticate: Authenticate
  readonly decisions: DecisionPoint
  /** Takes a token of the subject's bucket, or throws 429. */
  readonly limitSubject: (scope: RequestScope, path: string) => void
}

/** A row ready to serve: what was put together once at start. */
export type MountedRoute = {
  readonly pattern: string
  readonly route: Route
  readonly audiences: readonly string[]
  readonly body: ZodType | undefined
  readonly query: ZodType | undefined
}

/** All rows of all tables, checked against the program that every tenant has: a row without a declared action does not start. */
export function mountRoutes(tables: readonly RouteTable[], program: Program): RouteIndex<MountedRoute> {
  const mounted = tables.flatMap((table) => table.routes.map((row) => mountRoute(table, widen(row))))
  const undeclared = mounted
    .filter(({ route }) => !program.actions.has(actionKey(route.action, route.resourceType)))
    .map(({ route, pattern }) => `${route.method} ${pattern}: ${route.action || '(none)'} on ${route.resourceType}`)
  if (undeclared.length > 0) {
    throw new Error(`routes whose action no policy declares; the server does not start:\n  ${undeclared.join('\n  ')}`)
  }
  return createRouteIndex(mounted.map((row) => ({ method: row.route.method, pattern: row.pattern, row })))
}

// Tables erase body and query to `never` so that rows of any shape fit; from here on the schemas are what guarantees the
// shape, and this is the only place that widens.
const widen = (row: Route<never, never>): Route => row as unknown as Route

function mountRoute(table: RouteTable, route: Route): MountedRoute {
  return {
    pattern: table.basePath + (route.path === '/' ? '' : route.path),
    route,
    audiences: table.audiences,
    body: strict(route.body),
    query: strict(route.query),
  }
}

/** Unknown members are refused, also where the author wrote `z.object`. */
const strict = (schema: ZodType | undefined): ZodType | undefined =>
  schema instanceof z.ZodObject && schema._zod.def.catchall === undefined ? schema.strict() : schema

/** authenticate → validate → find the resource → authorize → handle. */
export async function serveRoute(
  context: WebContext,
  row: MountedRoute,
  params: { readonly [name: string]: string },
  deps: RouteDeps,
): Promise<void> {
  const scope = await authenticatedScope(context, row.audiences, deps.authenticate)
  deps.limitSubject(scope, context.state.path)
  const { route } = row
  const input: RouteInput = {
    scope,
    params,
    query: validate(row.query, readQuery(context.querystring), 'query'),
    body: await readBody(context, row),
    headers: singleHeaders(context),
    stream: context.req,
    signal: context.state.signal,
  }
  const target = await route.resource(input)
  const isMissing = 'missing' in target
  const judgement = await deps.decisions.authorize(scope, {
    action: isMissing ? target.action : route.action,
    resource: isMissing ? target.decideOn : target.resource,
    // The arguments are the row's own action's; a missing child is decided by its parent's, which may take none of them.
    ...(route.context && !isMissing ? { context: route.context(input) } : {}),
    ...(target.entities ? { entities: target.entities } : {}),
  })
  if (isMissing) throw errors.not_found()
  writeReply(context, await route.handle(input, judgement), route.successStatus)
}

async function authenticatedScope(
  context: WebContext,
  audiencePaths: readonly string[],
  authenticate: Authenticate,
): Promise<RequestScope> {
  const { scope } = context.state
  const audiences = audiencePaths.map((path) => scope.tenant.issuer + path)
  const { authorization } = context.req.headers
  const who = await authenticate(scope.tenant, authorization, audiences, scope.now, possessionOf(context))
  if (!who) return scope
  const { expiresAt: _, ...identity } = who
  return { ...scope, ...identity }
}

async function readBody(context: WebContext, row: MountedRoute): Promise<JsonValue | undefined> {
  if (row.route.stream) return undefined
  if (row.body) return validate(row.body, await readJson(context.req), 'body') as JsonValue
  if (hasBody(context.req)) throw errors.validation_failed({ detail: 'This route takes no body.' })
  return undefined
}

/** One value per name; two are refused, so that nobody reads another one than the next. */
function readQuery(text: string): { readonly [name: string]: string } {
  const query: { [name: string]: string } = Object.create(null)
  if (text === '') return query
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=')
    const name = decodeQuery(equals < 0 ? pair : pair.slice(0, equals))
    if (name in query) throw errors.invalid_query({ detail: 'A parameter stands twice.' })
    query[name] = equals < 0 ? '' : decodeQuery(pair.slice(equals + 1))
  }
  return query
}

function decodeQuery(text: string): string {
  let decoded: string
  try {
    decoded = decodeSegment(text.replaceAll('+', ' '))
  } catch (cause) {
    throw errors.invalid_query({ detail: 'It has bytes that are not UTF-8.', cause })
  }
  if (decoded.includes('\0')) throw errors.invalid_query({ detail: 'It holds a NUL character.' })
  return decoded
}

function validate(schema: ZodType | undefined, value: unknown, where: 'body' | 'query'): unknown {
  if (!schema) {
    const names = where === 'query' ? Object.keys(value as object) : []
    if (names.length === 0) return value
    throw errors.unknown_field({ members: { errors: names.map((name) => problem(where, [name], 'unknown_field')) } })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw validationRefusal(parsed.error, where)
}

/** 422 with one `{pointer, code, message}` per mistake; `unknown_field` where that is the only kind. */
export function validationRefusal(error: ZodError, where: 'body' | 'query'): Error {
  const found = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => problem(where, [...issue.path, key], 'unknown_field'))
      : [problem(where, issue.path, issue.code, issue.message)],
  )
  const onlyUnknown = found.every((entry) => entry.code === 'unknown_field')
  return (onlyUnknown ? errors.unknown_field : errors.validation_failed)({ members: { errors: found } })
}

function problem(where: 'body' | 'query', path: readonly PropertyKey[], code: string, message?: string) {
  const pointer = path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return {
    pointer: where === 'query' ? `?${String(path[0] ?? '')}` : pointer,
    code,
    message: message ?? 'There is no such member.',
  }
}

/** A header that came more than once is joined by Node, except `set-cookie`, which no request carries. */
const singleHeaders = (context: WebContext): { readonly [name: string]: string | undefined } =>
  context.req.headers as { readonly [name: string]: string | undefined }
