import { readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from 'pino'
import type { Clock } from '../adapters/clock/port.ts'
import type { Database } from '../adapters/database/port.ts'
import type { Jobs } from '../adapters/jobs/port.ts'
import type { Mailer } from '../adapters/mail/port.ts'
import type { NoticeBus } from '../adapters/notice/port.ts'
import type { Secrets } from '../adapters/secrets/port.ts'
import type { Area, AreaParts } from './area.ts'
import type { Config } from './config/config.ts'
import { createAsk } from './decision/ask.ts'
import { createDecisionPoint } from './decision/authorize.ts'
import { accessMount } from './decision/authzen/access-mount.ts'
import { createBoundIds } from './decision/bound-ids.ts'
import { createBoundRows } from './decision/bound-rows.ts'
import { createPolicyCompiler } from './decision/compile-policies.ts'
import { compilerFingerprint } from './decision/compiler-fingerprint.ts'
import { createExplainDecision } from './decision/explain-decision.ts'
import { createExternCalls } from './decision/extern-calls.ts'
import { createFilterTables } from './decision/filter-tables.ts'
import { createGraphs } from './decision/graphs.ts'
import { createRowLists } from './decision/list-rows.ts'
import { createCheckLists } from './decision/oracle/check-lists.ts'
import type { PolicySource } from './decision/policies.ts'
import { createPolicies } from './decision/policy-store.ts'
import { createProgramStore } from './decision/program-store.ts'
import { createPartialFilter, createReadFilter, createReadTree } from './decision/row-filter.ts'
import { createSearch } from './decision/search.ts'
import { createChangeFeed } from './events/change-feed.ts'
import { createConsistencyTokens } from './events/consistency-tokens.ts'
import { createOutboxDispatcher } from './events/outbox.ts'
import { pruneEvents } from './events/prune.ts'
import { createIdMaker } from './events/time-ordered-id.ts'
import { createWithTransaction } from './events/with-transaction.ts'
import { createAuthenticate } from './http/authenticate.ts'
import type { TokenVerifier } from './http/authentication.ts'
import type { Draining } from './http/layers/drain.ts'
import { limits as httpLimits, rateLimits } from './http/limits.ts'
import { createMetrics, measureGraphs } from './http/metrics.ts'
import { operationsRoutes } from './http/operations-routes.ts'
import { createPipeline } from './http/pipeline.ts'
import { createRateLimiter } from './http/rate-limiter.ts'
import { mountRoutes } from './http/serve-route.ts'
import type { Kernel } from './kernel.ts'
import { createTenants } from './tenancy/tenant-cache.ts'

/** Everything that a server needs from outside. */
export type Outside = {
  readonly config: Config
  readonly log: Logger
  readonly clock: Clock
  readonly database: Database
  readonly notice: NoticeBus
  readonly secrets: Secrets
  readonly mailer: Mailer
  readonly jobs: Jobs
  readonly areas: readonly Area[]
}

export type BuiltServer = {
  readonly kernel: Kernel
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void
  /** New requests are told to go elsewhere. */
  drain(): void
  /** After the last request. */
  stop(): Promise<void>
}

const housekeepingMilliseconds = 10 * 60_000

/** Builds kernel, areas and pipeline over a migrated database. Throws where a route has no action or a policy does not compile. */
export async function buildServer(outside: Outside): Promise<BuiltServer> {
  const { config, log, clock, database, areas } = outside
  const core = buildCore(outside, await readPolicies(areas))
  const { kernel, feed, outbox, tenants, metrics } = core
  await feed.start()
  const parts: AreaParts[] = []
  for (const area of areas) parts.push((await area.build?.(kernel)) ?? {})
  for (const { externs = [] } of parts) core.externs.bind(externs)
  await tenants.start(async (tenantId) => {
    for (const part of parts) await part.tenantCreated?.(tenantId)
  })
  const policy = await kernel.policies.current(kernel.tenants.default().id)
  for (const part of parts) await part.start?.()
  outbox.start(new Map(parts.flatMap(({ topics }) => Object.entries(topics ?? {}))))

  const draining: Draining = { isDraining: false }
  const limiter = createRateLimiter(rateLimits)
  const verifier = firstOf(parts.flatMap(({ tokenVerifier }) => tokenVerifier ?? []))
  const clients = only(parts.map(({ clientAuthenticator }) => clientAuthenticator))
  const app = createPipeline({
    config,
    log,
    clock,
    metrics,
    tenants: kernel.tenants,
    policies: kernel.policies,
    changes: feed,
    consistency: kernel.consistency,
    limiter,
    draining,
    authenticate: createAuthenticate(feed, verifier),
    decisions: kernel.decisions,
    limitSubject({ subject, tenant, now }, path) {
      if (subject.type === 'Anonymous') return
      limiter.take({
        per: 'subject',
        key: JSON.stringify([tenant.id, subject.type, subject.id]),
        method: '',
        path,
        now,
      })
    },
    readiness: () => readiness(kernel, parts),
    mounts: [
      accessMount({ ...core, authenticate: createAuthenticate(feed, verifier, clients), limiter }),
      ...parts.flatMap(({ mounts = [] }) => mounts),
    ],
    routes: mountRoutes([operationsRoutes(metrics), ...parts.flatMap(({ routes = [] }) => routes)], policy.program),
  })
  const housekeeping = setInterval(() => {
    core.graphs.evictIdle()
    pruneEvents(database, clock.now()).catch((error) => log.warn({ err: error }, 'old events could not be pruned'))
  }, housekeepingMilliseconds).unref()
  return {
    kernel,
    handle: app.callback(),
    drain() {
      draining.isDraining = true
    },
    async stop() {
      clearInterval(housekeeping)
      await outbox.stop()
      for (const part of parts.reverse()) await part.stop?.()
      await feed.stop()
    },
  }
}

/** The kernel and what serves it. ORDER: the change feed stands before everything that follows it. */
function buildCore(outside: Outside, base: readonly PolicySource[]) {
  const { config, log, clock, database, notice, secrets, areas } = outside
  const metrics = createMetrics()
  const makeId = createIdMaker()
  const feed = createChangeFeed({ database, notice, clock, log })
  const outbox = createOutboxDispatcher({ database, log, metrics })
  const withTransaction = createWithTransaction({
    database,
    notice,
    clock,
    makeId,
    committed: feed.committed,
    wakeOutbox: outbox.wake,
  })
  const tenants = createTenants({ config, database, changes: feed, withTransaction })
  const compiler = createPolicyCompiler()
  const bindings = areas.flatMap((area) => area.bindings ?? [])
  const boundRows = createBoundRows(database, bindings, feed)
  const graphs = createGraphs({ database, changes: feed, clock, log, isBound: boundRows.isBound })
  measureGraphs(metrics.registry, graphs.sizes)
  let fingerprint: Promise<string> | undefined
  const programs = createProgramStore({
    database,
    secrets,
    log,
    compiler: () => {
      fingerprint ??= compilerFingerprint()
      return fingerprint
    },
  })
  const policies = createPolicies({
    database,
    changes: feed,
    secrets,
    log,
    metrics,
    compiler,
    programs,
    base,
    prepare: async (policy) => void (await graphs.of(policy)),
  })
  const externs = createExternCalls(log)
  const ask = createAsk({ compiler, graphs, boundRows, externs, changes: feed, log })
  const search = createSearch({
    ask,
    graphs,
    boundRows,
    externs,
    boundIds: createBoundIds(database, bindings),
    changes: feed,
    log,
  })
  const showRules = config.profile === 'development'
  const decisions = createDecisionPoint({ ask, changes: feed, makeId, log, metrics, showRules })
  const { areas: _, ...adapters } = outside
  const consistency = createConsistencyTokens(secrets)
  const explain = createExplainDecision({ graphs, boundRows, externs })
  const tables = createFilterTables(database, bindings)
  const filtering = { tables, graphs, boundRows, externs }
  const partialFilter = createPartialFilter(filtering)
  const lists = createRowLists({
    database,
    tables,
    readFilter: createReadFilter({ ...filtering, seen: feed.seen }),
    readTree: createReadTree(filtering),
    ask,
    changes: feed,
    secrets,
    metrics,
    log,
    // The end of an id is random.
    isSampled: () => Number.parseInt(makeId(clock.now()).slice(-4), 16) / 0x1_00_00 < config.rejudgedLists,
  })
  const checkLists = createCheckLists({
    database,
    bindings,
    tables,
    compiler,
    lists: areas.flatMap((area) => area.lists ?? []),
    log,
  })
  const kernel: Kernel = {
    ...adapters,
    decisions,
    explain,
    partialFilter,
    lists,
    checkLists,
    policies,
    tenants,
    changes: feed,
    consistency,
    withTransaction,
  }
  return { kernel, feed, changes: feed, outbox, tenants, graphs, ask, externs, search, makeId, metrics, log }
}

async function readPolicies(areas: readonly Area[]): Promise<PolicySource[]> {
  const sources = await Promise.all(
    areas.map(async ({ name, policies }) => {
      if (!policies) return []
      const { folder, layer } = policies
      const files = (await readdir(folder)).filter((file) => file.endsWith('.fbac')).sort()
      return Promise.all(
        files.map(async (file) => ({
          path: `${name}/${file}`,
          text: await readFile(new URL(file, folder), 'utf8'),
          layer,
        })),
      )
    }),
  )
  return sources.flat()
}

async function readiness(kernel: Kernel, parts: readonly AreaParts[]): Promise<{ readonly [what: string]: boolean }> {
  const isReachable = await kernel.database.isReachable(httpLimits.readinessMilliseconds)
  const checks = await Promise.all(parts.map((part) => part.ready?.()))
  return {
    database: isReachable,
    policy: kernel.policies.peek(kernel.tenants.default().id) !== undefined,
    ...Object.assign({}, ...checks),
  }
}

/** Tokens of different kinds have different judges: the first that knows the token answers. */
const firstOf = (verifiers: readonly TokenVerifier[]): TokenVerifier => ({
  async verify(tenant, token, audiences, possession) {
    for (const verifier of verifiers) {
      const who = await verifier.verify(tenant, token, audiences, possession)
      if (who) return who
    }
    return undefined
  },
})

/** What at most one area may bring. */
function only<T>(brought: readonly (T | undefined)[]): T | undefined {
  const found = brought.filter((value) => value !== undefined)
  if (found.length > 1) throw new Error('two areas bring the same judge of credentials')
  return found[0]
}
