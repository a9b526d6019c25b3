import Koa from 'koa'
import type { Logger } from 'pino'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Config } from '../config/config.ts'
import type { Policies } from '../decision/policies.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { ConsistencyTokens } from '../events/consistency-tokens.ts'
import type { Tenants } from '../tenancy/tenants.ts'
import { accessLog } from './layers/access-log.ts'
import { answerErrors } from './layers/answer-errors.ts'
import { type Draining, drain } from './layers/drain.ts'
import { echoInteraction } from './layers/echo-interaction.ts'
import { findTenant } from './layers/find-tenant.ts'
import { gatherAnswers } from './layers/gather-answers.ts'
import { limitAddress } from './layers/limit-address.ts'
import { mounts } from './layers/mounts.ts'
import { openRequest } from './layers/open-request.ts'
import type { Readiness } from './layers/operations.ts'
import { operations } from './layers/operations.ts'
import { requireHost } from './layers/require-host.ts'
import { routes } from './layers/routes.ts'
import { setSecurityHeaders } from './layers/set-security-headers.ts'
import type { Metrics } from './metrics.ts'
import type { Mount, WebContext } from './mount.ts'
import type { RateLimiter } from './rate-limiter.ts'
import type { RouteIndex } from './route-index.ts'
import type { MountedRoute, RouteDeps } from './serve-route.ts'

export type PipelineDeps = RouteDeps & {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly metrics: Metrics
  readonly tenants: Tenants
  readonly policies: Policies
  readonly changes: ChangeFeed
  readonly consistency: ConsistencyTokens
  readonly limiter: RateLimiter
  readonly draining: Draining
  readonly readiness: Readiness
  readonly mounts: readonly Mount[]
  readonly routes: RouteIndex<MountedRoute>
}

export type Layer = (context: WebContext, next: () => Promise<void>) => Promise<void>

/** THE TABLE of request layers, outermost first. */
const layers: readonly ((deps: PipelineDeps) => Layer)[] = [
  // ORDER: outermost, so that nothing but the write itself waits
  gatherAnswers,
  // request id, address, time: whatever follows can be traced
  openRequest,
  accessLog,
  // ORDER: before errors, so that an error's answer carries them too
  setSecurityHeaders,
  // ORDER: before errors too: a refusal is part of the exchange
  echoInteraction,
  answerErrors,
  requireHost,
  // ORDER: /health answers while the database is away and while draining
  operations,
  drain,
  limitAddress,
  // tenant by path prefix, the version of the rules by tenant: fixed from here on
  findTenant,
  mounts,
  routes,
]

/** The koa application of one server. Host is never read; forwarded headers only from trusted proxies. */
export function createPipeline(deps: PipelineDeps): Koa {
  const app = new Koa({ proxy: false })
  for (const layer of layers) app.use(layer(deps) as Koa.Middleware)
  app.on('error', (error: unknown) => {
    if (!isGone(error)) deps.log.error({ err: error }, 'the answer broke off')
  })
  return app
}

/** The client went away in the middle of an answer: no fault of ours. */
const isGone = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  ['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes(String(error.code))
