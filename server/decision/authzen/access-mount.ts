import type { ChangeFeed } from '../../events/change.ts'
import type { Authenticate } from '../../http/authenticate.ts'
import { possessionOf } from '../../http/authentication.ts'
import { readJson } from '../../http/body.ts'
import { errors } from '../../http/errors.ts'
import { openState } from '../../http/layers/open-request.ts'
import type { Mount, WebContext } from '../../http/mount.ts'
import { refusalOf } from '../../http/problem.ts'
import type { RateLimiter } from '../../http/rate-limiter.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { jsonText } from '../../http/write-reply.ts'
import type { Kernel } from '../../kernel.ts'
import type { JsonValue } from '../decision-point.ts'
import { limits } from '../limits.ts'
import { createAuthorizeCaller } from './authorize-caller.ts'
import { type EvaluateDeps, evaluateMany, evaluateOne } from './evaluate.ts'
import {
  type SearchEndpoint,
  type SearchEndpointDeps,
  searchActions,
  searchResources,
  searchSubjects,
} from './search.ts'

export type AccessDeps = EvaluateDeps &
  Omit<SearchEndpointDeps, 'secrets'> & {
    readonly kernel: Pick<Kernel, 'consistency' | 'decisions' | 'tenants' | 'secrets'>
    readonly changes: ChangeFeed
    readonly authenticate: Authenticate
    readonly limiter: RateLimiter
  }

type Endpoint = {
  readonly bytes: number
  readonly answer: (
    deps: EvaluateDeps,
    scope: RequestScope,
    body: JsonValue,
  ) => Promise<{ readonly [name: string]: JsonValue }>
}

const endpoints: { readonly [path: string]: Endpoint } = {
  '/access/v1/evaluation': { bytes: limits.evaluationBytes, answer: evaluateOne },
  '/access/v1/evaluations': { bytes: limits.evaluationsBytes, answer: evaluateMany },
}

const searches: { readonly [path: string]: SearchEndpoint } = {
  '/access/v1/search/subject': searchSubjects,
  '/access/v1/search/resource': searchResources,
  '/access/v1/search/action': searchActions,
}

const metadataPath = '/.well-known/authzen-configuration'

/** AuthZEN Authorization API 1.0: evaluation, evaluations, searches, metadata. Errors in the standard's form. */
export function accessMount(deps: AccessDeps): Mount {
  const authorizeCaller = createAuthorizeCaller({
    authenticate: deps.authenticate,
    decisions: deps.kernel.decisions,
    changes: deps.changes,
    limit: (key, { now }) => deps.limiter.take({ per: 'subject', key, method: 'POST', path: '/access/', now }),
  })
  const serve = async (context: WebContext, { bytes, answer }: Endpoint): Promise<void> => {
    if (context.method !== 'POST') throw errors.method_not_allowed({ headers: { allow: 'POST' } })
    const { scope } = context.state
    await authorizeCaller(scope, context.req.headers.authorization, possessionOf(context))
    const body = await readJson(context.req, bytes)
    // Read before the decision: what was decided on is at least this fresh.
    const position = deps.changes.seen(scope.tenant.id)
    const text = jsonText(await answer(deps, scope, body))
    context.status = 200
    context.res.setHeader('content-type', 'application/json; charset=utf-8')
    context.res.setHeader('writ-consistency', deps.kernel.consistency.of(scope.tenant.id, position))
    // A string leaves with the headers in one write; a buffer needs two.
    context.body = text
  }
  const serveSearch = async (context: WebContext, search: SearchEndpoint): Promise<void> => {
    if (context.method !== 'POST') throw errors.method_not_allowed({ headers: { allow: 'POST' } })
    const { scope } = context.state
    await authorizeCaller(scope, context.req.headers.authorization, possessionOf(context))
    const asked = await readJson(context.req, limits.evaluationBytes)
    const { body, position } = await search({ ...deps, secrets: deps.kernel.secrets }, scope, asked)
    context.status = 200
    context.set('content-type', 'application/json; charset=utf-8')
    // What the page was judged by; results have no members of ours (admin.md §5).
    context.set('writ-policy-version', scope.policy.version)
    context.set('writ-consistency', deps.kernel.consistency.of(scope.tenant.id, position))
    context.body = jsonText(body)
  }
  return {
    name: '/access/v1',
    paths: [...Object.keys(endpoints), ...Object.keys(searches), metadataPath, `${metadataPath}/*`],
    async handle(context) {
      const { path } = context.state
      openState(context.state).routeName = path.startsWith(metadataPath) ? metadataPath : path
      const endpoint = endpoints[path]
      const search = searches[path]
      try {
        if (endpoint) await serve(context, endpoint)
        else if (search) await serveSearch(context, search)
        else await serveMetadata(context, deps)
      } catch (thrown) {
        answerMistake(context, thrown)
      }
    },
  }
}

/** The standard's form: the status, and the message as the body. Faults of ours go on to the edge, which logs them. */
function answerMistake(context: WebContext, thrown: unknown): void {
  const refusal = refusalOf(thrown)
  const { status, code, title } = refusal.kind
  if (status >= 500 && code === 'internal_error') throw thrown
  // The certification scenario (c-2-4-3) answers a wrong media type as it does any other malformed request.
  context.status = status === 415 ? 400 : status
  for (const [name, value] of Object.entries(refusal.options.headers ?? {})) context.set(name, value)
  context.set('writ-error-code', code)
  context.set('content-type', 'text/plain; charset=utf-8')
  if (!context.req.complete) context.set('connection', 'close')
  context.body = refusal.options.detail ?? title
}

/** Only what is there: no member is null or empty (AuthZEN 1.0, metadata). */
async function serveMetadata(context: WebContext, { kernel }: AccessDeps): Promise<void> {
  if (context.method !== 'GET' && context.method !== 'HEAD') {
    throw errors.method_not_allowed({ headers: { allow: 'GET, HEAD' } })
  }
  const suffix = context.state.path.slice(metadataPath.length)
  const named = /^\/t\/([^/]+)$/.exec(suffix)?.[1]
  const isOwn = suffix === ''
  const tenant = isOwn ? context.state.scope.tenant : named === undefined ? undefined : await kernel.tenants.find(named)
  if (!tenant || (!isOwn && tenant.pathPrefix !== suffix)) throw errors.not_found()
  context.status = 200
  context.set('content-type', 'application/json; charset=utf-8')
  context.body = Buffer.from(
    JSON.stringify({
      policy_decision_point: tenant.issuer,
      access_evaluation_endpoint: `${tenant.issuer}/access/v1/evaluation`,
      access_evaluations_endpoint: `${tenant.issuer}/access/v1/evaluations`,
      search_subject_endpoint: `${tenant.issuer}/access/v1/search/subject`,
      search_resource_endpoint: `${tenant.issuer}/access/v1/search/resource`,
      search_action_endpoint: `${tenant.issuer}/access/v1/search/action`,
    }),
  )
}
