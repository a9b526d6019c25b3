import { hash } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { DecisionPoint } from '../decision/decision-point.ts'
import { readForm } from '../http/body.ts'
import type { Mount, WebContext } from '../http/mount.ts'
import { Refusal } from '../http/refusal.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { entityOf } from '../identity/entities.ts'
import { errorPage } from '../pages/error-page.ts'
import { formSource, sendPage, viewerOf } from '../pages/page.ts'
import type { Tenants } from '../tenancy/tenants.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { ApiResource } from './api-resources.ts'
import type { NoteClientFailure } from './client-failures.ts'
import type { ClientRecord } from './client-records.ts'
import { agentOf, type Exchange, type Exchanges } from './exchange.ts'
import { namedOrigin } from './named-origin.ts'
import { pollSeconds } from './poll-patience.ts'
import { isProtocolRefusal } from './protocol-errors.ts'
import type { Providers, TenantProvider } from './providers.ts'
import type { ReadRequestUri } from './registration/request-uris.ts'
import type { SecurityLog } from './security-log.ts'
import { answerStructuredToken, type StructuredKit } from './structured-tokens.ts'
import { noteRevocation } from './token-events.ts'

/** What each path takes; another method is 405, in OAuth's form. */
const methods: { readonly [path: string]: readonly string[] } = {
  '/oauth2/authorize': ['GET', 'POST', 'HEAD'],
  '/oauth2/token': ['POST', 'OPTIONS'],
  '/oauth2/userinfo': ['GET', 'POST', 'HEAD', 'OPTIONS'],
  '/oauth2/introspect': ['POST', 'OPTIONS'],
  '/oauth2/revoke': ['POST', 'OPTIONS'],
  '/oauth2/par': ['POST', 'OPTIONS'],
  '/oauth2/jwks': ['GET', 'HEAD', 'OPTIONS'],
  '/oauth2/end_session': ['GET', 'HEAD'],
  '/oauth2/end_session/confirm': ['POST'],
  '/oauth2/end_session/success': ['GET', 'HEAD'],
  '/oauth2/device_authorization': ['POST', 'OPTIONS'],
  '/oauth2/ciba': ['POST'],
  '/device': ['GET', 'POST', 'HEAD'],
  '/.well-known/openid-configuration': ['GET', 'HEAD', 'OPTIONS'],
  '/.well-known/oauth-authorization-server': ['GET', 'HEAD', 'OPTIONS'],
}

const cacheable = new Set([
  '/oauth2/jwks',
  '/.well-known/openid-configuration',
  '/.well-known/oauth-authorization-server',
])
/** What ends something: the end and its audit row stand together. The token endpoint has its own transaction (`spend-once.ts`). */
const changing = new Set(['/oauth2/revoke', '/oauth2/end_session/confirm'])
const longestQuery = 16_384
const waitingPaths = new Set(['/oauth2/device_authorization', '/oauth2/ciba'])

/** RFC 8414 §3.1 puts the well-known part before the path of an issuer, OIDC Discovery behind it; both are answered. */
const insertedDiscovery = '/.well-known/oauth-authorization-server/t/'

export type OidcMountOptions = {
  readonly tenants: Tenants
  readonly providers: Providers
  readonly exchanges: Exchanges
  readonly accessTokens: AccessTokens
  readonly securityLog: SecurityLog
  readonly decisions: DecisionPoint
  readonly noteClientFailure: NoteClientFailure
  readonly readRequestUri: ReadRequestUri
  /** A client that received a token is in use. */
  readonly noteUse: (tenantId: string, client: ClientRecord) => Promise<void>
}

/** The OpenID provider at its paths (surface.md), on the pipeline's own context. */
export function createOidcMount(options: OidcMountOptions): Mount {
  return {
    name: 'oidc',
    paths: [
      '/oauth2/*',
      '/device',
      '/device/*',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      `${insertedDiscovery}*`,
    ],
    async handle(context) {
      if (context.state.path.startsWith(insertedDiscovery)) return serveInsertedDiscovery(context, options)
      if (!isAllowed(context)) return
      const tenantProvider = await options.providers.of(context.state.scope.tenant)
      const { path, scope } = context.state
      if (path === '/oauth2/authorize' && context.method === 'POST') return reissueAsGet(context, tenantProvider)
      if (path === '/oauth2/authorize' && !(await fetchRequestObject(context, tenantProvider, options))) return
      const userCode = takeUserCode(context)
      const ctx = prepare(context, tenantProvider)
      const start = {
        scope,
        spends: path === '/oauth2/token',
        agent: agentOf(context),
        ...(userCode === undefined ? {} : { userCode }),
      }
      await options.exchanges.run(start, async (exchange) => {
        const answer = async () => {
          await serve(ctx, tenantProvider)
          if (path.startsWith('/.well-known/')) sayWhatHolds(ctx, tenantProvider)
          if (path === '/oauth2/token') settleTokenAnswer(ctx, exchange)
          if (waitingPaths.has(path)) sayHowOftenToAsk(ctx)
          if (path === '/oauth2/introspect' || path === '/oauth2/revoke') {
            await answerStructuredToken(ctx, {
              tenant: scope.tenant,
              accessTokens: options.accessTokens,
              mayLookUp: lookUp(options.decisions, scope, tenantProvider.settings.resources),
            })
          }
          if (path === '/oauth2/revoke') noteRevocation(ctx, exchange)
        }
        if (changing.has(path))
          await inOneTransaction(ctx, () => options.securityLog.within(exchange, allOf(answer, ctx)))
        else await answer()
        if (ctx.status === 401) await options.noteClientFailure(ctx, exchange)
        if (path === '/oauth2/token' && ctx.status === 200) await noteUseOf(ctx, tenantProvider, options)
        await options.securityLog.write(exchange)
      })
      finish(context, ctx)
    },
  }
}

/** An API knows the tokens that are for it; beyond that the rules say who may know what it was handed (`lookUpToken on Tenant`). */
const lookUp =
  (decisions: DecisionPoint, scope: RequestScope, resources: readonly ApiResource[]): StructuredKit['mayLookUp'] =>
  async (clientId, { aud, client_id: through }) => {
    if (resources.some(({ identifier, checkedBy }) => identifier === aud && checkedBy.includes(clientId))) return true
    const subject = entityOf('Client', clientId)
    const { decision } = await decisions.decide(
      { ...scope, subject },
      {
        action: 'lookUpToken',
        resource: entityOf('Tenant', scope.tenant.id),
        context: { audience: aud, through: { type: 'Client', id: through } },
      },
    )
    return decision
  }

async function noteUseOf(
  ctx: KoaContextWithOIDC,
  { findClient, tenant }: TenantProvider,
  { noteUse }: OidcMountOptions,
): Promise<void> {
  const client = await findClient(ctx.oidc.client?.clientId ?? '')
  if (client) await noteUse(tenant.id, client)
}

/**
 * The code in `verification_uri_complete` (RFC 8628 §3.3.1). The library would send it on by a script of its own; here it is filled in,
 * and the person compares it and sends it.
 */
function takeUserCode(context: WebContext): string | undefined {
  if (context.state.path !== '/device' || context.method === 'POST') return undefined
  const code = new URLSearchParams(context.querystring).get('user_code')
  context.querystring = ''
  return code?.slice(0, 20)
}

/** Puts a request object where its address stood (`registration/request-uris.ts`); false where that is answered already. */
async function fetchRequestObject(
  context: WebContext,
  tenantProvider: TenantProvider,
  { readRequestUri, exchanges }: OidcMountOptions,
): Promise<boolean> {
  if (!context.querystring.includes('request_uri=')) return true
  const { scope } = context.state
  const query = new URLSearchParams(context.querystring)
  const read = await exchanges.run({ scope, spends: false }, () => readRequestUri(query, tenantProvider))
  if (read === undefined) return true
  if (!(read instanceof URLSearchParams)) return answerError(context, read.status, 'invalid_request_uri', read.why)
  context.querystring = read.toString()
  return true
}

/** The library says of request objects by reference what holds for itself (provider.md §2). */
function sayWhatHolds(ctx: KoaContextWithOIDC, { settings }: TenantProvider): void {
  if (ctx.status === 200 && settings.requestUri)
    ctx.body = { ...(ctx.body as object), request_uri_parameter_supported: true }
}

/** Whoever waits for a person's word is told how often it may ask (RFC 8628 §3.2, CIBA Core §7.3). */
function sayHowOftenToAsk(ctx: KoaContextWithOIDC): void {
  if (ctx.status === 200) ctx.body = { ...(ctx.body as object), interval: pollSeconds }
}

async function serveInsertedDiscovery(context: WebContext, options: OidcMountOptions): Promise<void> {
  const tenant = await options.tenants.find(context.state.path.slice(insertedDiscovery.length))
  if (!tenant || tenant.pathPrefix === '') {
    answerError(context, 404, 'not_found', 'there is no such issuer')
    return
  }
  const path = '/.well-known/oauth-authorization-server'
  const state = { ...context.state, path, scope: { ...context.state.scope, tenant } }
  context.state = state
  const tenantProvider = await options.providers.of(tenant)
  const ctx = prepare(context, tenantProvider)
  await options.exchanges.run({ scope: state.scope, spends: false }, () => serve(ctx, tenantProvider))
  sayWhatHolds(ctx, tenantProvider)
  finish(context, ctx)
}

/** Refuses, in the form of the place, what the library would choke on. */
function isAllowed(context: WebContext): boolean {
  const { path } = context.state
  const takes = /^\/(oauth2\/authorize|device)\/[^/]+$/.test(path) ? ['GET', 'HEAD'] : methods[path]
  if (!takes) return answerError(context, 404, 'not_found', 'there is no such endpoint')
  if (!takes.includes(context.method)) {
    context.set('allow', takes.join(', '))
    return answerError(context, 405, 'invalid_request', 'the endpoint does not take this method')
  }
  const query = context.querystring
  if (query.length > longestQuery || !isCleanText(query))
    return answerError(context, 400, 'invalid_request', 'the query is not valid')
  return true
}

/** Decodes to UTF-8 without NUL: what else arrives can be neither stored nor compared (provider.md §3). */
function isCleanText(text: string): boolean {
  try {
    return !decodeURIComponent(text.replaceAll('+', ' ')).includes('\0')
  } catch {
    return false
  }
}

function answerError(context: WebContext, status: number, error: string, description: string): false {
  if (
    /^\/(oauth2\/(authorize|end_session)|device)/.test(context.state.path) &&
    context.state.path !== '/oauth2/device_authorization'
  ) {
    const viewer = viewerOf(context)
    sendPage(context, viewer, errorPage(viewer, { code: error, status, requestId: context.state.scope.requestId }))
    return false
  }
  context.status = status
  context.body = { error, error_description: description }
  return false
}

/**
 * Makes the pipeline's context the library's: the path without the tenant's prefix, the tenant's cookie keys, and an origin that is
 * configuration and never the `Host` header (security.md row 6).
 */
function prepare(context: WebContext, tenantProvider: TenantProvider): KoaContextWithOIDC {
  const { provider, isSecure } = tenantProvider
  const issuer = namedOrigin(context, tenantProvider)
  const { querystring } = context
  const address = `${context.state.path}${querystring === '' ? '' : `?${querystring}`}`
  context.url = address
  const { request } = context
  const basePath = issuer.pathname === '/' ? '' : issuer.pathname
  Object.defineProperties(request, {
    protocol: { value: issuer.protocol.slice(0, -1), configurable: true },
    host: { value: issuer.host, configurable: true },
    origin: { value: issuer.origin, configurable: true },
    href: { value: `${issuer.origin}${basePath}${address}`, configurable: true },
  })
  // `urlFor` finds the mount path where the original address ends in the present one (helpers/oidc_context.js).
  Object.assign(context.req, { originalUrl: `${basePath}${address}` })
  const { cookies } = provider.createContext(context.req, context.res)
  cookies.secure = isSecure
  context.cookies = cookies
  // From here on the context is what the library's types call it; `oidc` is defined by its router.
  return context as unknown as KoaContextWithOIDC
}

/** A refusal that the library has answered already may surface again while it saves the session; the answer stands. */
async function serve(ctx: KoaContextWithOIDC, { serve: run, library }: TenantProvider): Promise<void> {
  let isMissed = false
  try {
    await run(ctx, async () => {
      isMissed = true
    })
  } catch (error) {
    if (!isProtocolRefusal(library, error) || ctx.status === 404) throw error
  }
  // Also what its router knows and leaves unanswered: OPTIONS that is no preflight.
  if (isMissed || (ctx.status === 404 && !ctx.body)) {
    ctx.status = 404
    ctx.body = { error: 'not_found' }
  }
}

const undone = Symbol('answered with a fault')

/** The library answers a fault itself and throws nothing; it must undo the transaction all the same. */
const allOf = (answer: () => Promise<void>, ctx: KoaContextWithOIDC) => async () => {
  await answer()
  if (ctx.status >= 500) throw undone
}

async function inOneTransaction(ctx: KoaContextWithOIDC, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (error !== undone || ctx.status < 500) throw error
  }
}

/** No token leaves without its permit (provider.md §4), and a client in its grace is told the successor it already has. */
function settleTokenAnswer(ctx: KoaContextWithOIDC, exchange: Exchange): void {
  if (ctx.status !== 200) return
  const body = ctx.body as { readonly [member: string]: unknown }
  const permitted = new Set([...exchange.permits.values()].map((permit) => permit.request.kind))
  const successor = exchange.refresh?.successor
  const isBacked =
    (permitted.has('access') || permitted.has('assertion')) &&
    (body.id_token === undefined || permitted.has('id')) &&
    (body.refresh_token === undefined ||
      permitted.has('refresh') ||
      successor !== undefined ||
      // Not rotated (FAPI 2.0 §5.3.2.1 item 9): what came back is what was brought.
      body.refresh_token === ctx.oidc.params?.refresh_token)
  if (!isBacked) throw new Error('oidc: a token answer without a decision was withheld')
  if (successor !== undefined) ctx.body = { ...body, refresh_token: successor }
}

function finish(context: WebContext, ctx: KoaContextWithOIDC): void {
  if (cacheable.has(context.state.path) && context.status === 200) context.set('cache-control', 'public, max-age=300')
  if (context.status === 429) context.set('retry-after', '60')
  if (context.status === 503) context.set('retry-after', '5')
  const policy = context.response.get('content-security-policy')
  if (!context.response.is('html') || /style-src/.test(String(policy))) return
  // A page of the library's own: it submits itself by one script, whose digest is all that may run, to one place.
  const { params, session } = ctx.oidc
  const state = session?.state as { readonly postLogoutRedirectUri?: string } | undefined
  const targets = [params?.redirect_uri, params?.post_logout_redirect_uri, state?.postLogoutRedirectUri]
  const sources = targets.flatMap((target) => (typeof target === 'string' ? formSource(target) : []))
  const scripts = [...String(context.body).matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) =>
    scriptSource(script),
  )
  context.set(
    'content-security-policy',
    [
      "default-src 'none'",
      `script-src ${scripts.length > 0 ? scripts.join(' ') : "'none'"}`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
      `form-action 'self' ${[...new Set(sources)].join(' ')}`.trimEnd(),
    ].join('; '),
  )
}

/** POST to the authorization endpoint, asked again by GET, so that `SameSite=Lax` cookies come along (provider.md §1). */
async function reissueAsGet(context: WebContext, { tenant }: TenantProvider): Promise<void> {
  try {
    const fields = await readForm(context.req)
    const query = new URLSearchParams([...fields]).toString()
    if (query.length > longestQuery) {
      answerError(context, 400, 'invalid_request', 'the request is too long')
      return
    }
    context.status = 303
    context.redirect(`${tenant.issuer}/oauth2/authorize?${query}`)
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind.status >= 500) throw error
    answerError(context, error.kind.status, 'invalid_request', 'the form is not valid')
  }
}

const scriptSource = (script: string): string => `'sha256-${hash('sha256', script, 'base64')}'`
