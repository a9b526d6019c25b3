import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Logger } from 'pino'
import type { Database, Statement } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { Metrics } from '../http/metrics.ts'
import type { ActivePolicy } from './active-policy.ts'
import type { Compiled, PolicyCompiler } from './compile-policies.ts'
import { errors } from './errors.ts'
import type { Policies, PolicySource } from './policies.ts'
import type { ProgramStore } from './program-store.ts'

type Files = { readonly [path: string]: string }

export type PolicyStoreDeps = {
  readonly database: Database
  readonly changes: ChangeFeed
  readonly secrets: Secrets
  readonly log: Logger
  readonly metrics: Metrics
  readonly compiler: PolicyCompiler
  readonly programs: ProgramStore
  /** Platform ∪ modules: what every tenant has. */
  readonly base: readonly PolicySource[]
  /** Before a program answers: its graph of facts is read. */
  readonly prepare: (policy: ActivePolicy) => Promise<void>
}

/**
 * Platform ∪ modules ∪ the tenant's active versions. A version that is unsigned, altered, or does not compile together with
 * the rest is not used: the last good program stays and an alarm is logged (admin.md §3).
 */
export function createPolicies(deps: PolicyStoreDeps): Policies {
  const { database, changes, compiler, log, metrics } = deps
  const active = new Map<string, ActivePolicy>()
  // What is shared must not be read inside somebody's transaction.
  const outside = AsyncLocalStorage.snapshot()
  const loading = new Map<string, Promise<ActivePolicy | undefined>>()
  // Of these a change was heard that could not be read: what is active is known to be old, and answers nobody.
  const behind = new Set<string>()
  const signingKey = deps.secrets.deriveKey('policy-version')
  const sign = (tenantId: string, set: string, version: string): string =>
    createHmac('sha256', signingKey)
      .update(JSON.stringify([tenantId, set, version]))
      .digest('base64url')

  const compose = (tenantId: string, sets: ReadonlyMap<string, Files>): Compiled =>
    compiler.compile([...deps.base, ...tenantSources(sets)], tenantId)

  const load = async (tenantId: string): Promise<ActivePolicy | undefined> => {
    await changes.follow(tenantId)
    const rows = await database.query<VersionRow>(selectActive, [tenantId])
    const sets = new Map<string, Files>()
    for (const { set_name, version, files, signature } of rows) {
      if (isAuthentic(sign(tenantId, set_name, version), signature) && versionOf(files) === version)
        sets.set(set_name, files)
      else return refuse(tenantId, `version ${version} of the set ${set_name} is altered or not signed here`)
    }
    const policy = await programOf(tenantId, sets)
    if (typeof policy === 'string') return refuse(tenantId, policy)
    const before = active.get(tenantId)
    if (before?.version === policy.version) return before
    await deps.prepare(policy)
    active.set(tenantId, policy)
    if (sets.size > 0) await deps.programs.keep(policy)
    if (before) {
      metrics.policySwaps.inc({ outcome: 'swapped' })
      log.info({ tenantId, version: policy.version, before: before.version }, 'policy swapped')
    }
    return policy
  }
  /** Compiled before, here or elsewhere, else now; or why there is none. Sealed programs are bound to these very sources. */
  const programOf = async (tenantId: string, sets: ReadonlyMap<string, Files>): Promise<ActivePolicy | string> => {
    const sources = [...deps.base, ...tenantSources(sets)]
    const version = compiler.versionOf(sources)
    // What every tenant has is compiled once by each node anyway.
    const isOwn = sets.size > 0 && !compiler.isKnown(version)
    const sealed = isOwn ? await deps.programs.find(tenantId, version) : undefined
    if (sealed) return { tenantId, version, program: sealed, texts: sources }
    const compiled = compiler.compile(sources, tenantId)
    if (!compiled.evaluator) return `the active sets do not compile together: ${firstError(compiled)}`
    return { tenantId, version, program: compiled.evaluator.program, texts: sources }
  }
  const refuse = (tenantId: string, why: string): ActivePolicy | undefined => {
    metrics.policySwaps.inc({ outcome: 'refused' })
    log.error({ tenantId, alarm: 'policy_refused' }, `${why}; the last good program stays`)
    return active.get(tenantId)
  }
  /** One load at a time per tenant; a change that arrives meanwhile begins another after it. */
  const reload = (tenantId: string): Promise<ActivePolicy | undefined> => {
    const next = (loading.get(tenantId) ?? Promise.resolve(undefined))
      .catch(() => undefined)
      .then(() => outside(load, tenantId))
    loading.set(tenantId, next)
    const done = () => {
      if (loading.get(tenantId) === next) loading.delete(tenantId)
    }
    next.then(
      () => {
        behind.delete(tenantId)
        done()
      },
      () => {
        behind.add(tenantId)
        done()
      },
    )
    return next
  }
  changes.onChange((set) => {
    const concerns = set.changes.some((change) => change.kind === 'policySet' || change.kind === 'everything')
    if (!concerns || !(active.has(set.tenantId) || loading.has(set.tenantId))) return
    reload(set.tenantId).catch((error) =>
      log.error({ err: error, tenantId: set.tenantId }, 'the policy could not be read again'),
    )
  })
  const peek = (tenantId: string): ActivePolicy | undefined => (behind.has(tenantId) ? undefined : active.get(tenantId))
  const current = async (tenantId: string): Promise<ActivePolicy> => {
    const policy = peek(tenantId) ?? (await (loading.get(tenantId) ?? reload(tenantId)))
    if (!policy) throw errors.policy_unavailable({ headers: { 'retry-after': '5' } })
    return policy
  }
  return {
    current,
    peek,
    async settled(tenantId) {
      await loading.get(tenantId)
      return current(tenantId)
    },
    async compose(tenantId, set, files) {
      const rows = await database.query<VersionRow>(selectActive, [tenantId])
      const sets = new Map(rows.map((row) => [row.set_name, row.files]))
      if (files) sets.set(set, files)
      else sets.delete(set)
      const { evaluator, version, diagnostics, sources } = compose(tenantId, sets)
      return {
        diagnostics,
        sources,
        ...(evaluator ? { policy: { tenantId, version, program: evaluator.program } } : {}),
      }
    },
    sign,
    versionOf,
  }
}

const organizationPath = /^organizations\/([^/]+)\//

/** Paths are made unique by their set; a file below `organizations/<id>/` is that organization's (SPEC 6). */
const tenantSources = (sets: ReadonlyMap<string, Files>): PolicySource[] =>
  [...sets].flatMap(([set, files]) =>
    Object.entries(files).map(([path, text]) => {
      const organization = organizationPath.exec(path)?.[1]
      return organization === undefined
        ? { path: `${set}/${path}`, text, layer: 'tenant' as const }
        : { path: `${set}/${path}`, text, layer: 'organization' as const, organization }
    }),
  )

function versionOf(files: Files): string {
  const hash = createHash('sha256')
  for (const path of Object.keys(files).sort()) hash.update(JSON.stringify([path, files[path]])).update('\n')
  return hash.digest('hex')
}

function isAuthentic(expected: string, found: string): boolean {
  const [left, right] = [Buffer.from(expected), Buffer.from(found)]
  return left.length === right.length && timingSafeEqual(left, right)
}

function firstError({ diagnostics, sources }: Compiled): string {
  const error = diagnostics.find(({ severity }) => severity === 'error')
  if (!error) return 'no reason given'
  const path = sources.find(({ id }) => id === error.span.file)?.path ?? '?'
  return `${error.code} ${error.message} (${path})`
}

type VersionRow = {
  readonly set_name: string
  readonly version: string
  readonly files: Files
  readonly signature: string
}

const selectActive: Statement = {
  name: 'policy-active',
  text: `
select v.set_name, v.version, v.files, v.signature
from policy_set s join policy_version v on v.tenant_id = s.tenant_id and v.set_name = s.name and v.version = s.active_version
where s.tenant_id = $1 order by v.set_name`,
}
