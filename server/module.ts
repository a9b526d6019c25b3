// The facade: everything that a platform module may use of the server. What is not exported here is none of a module's business.
import type { Migration } from '../adapters/database/port.ts'
import { actionKey } from '../policy-lang/index.ts'
import type { Area, AreaParts } from './area.ts'
import type { ActivePolicy } from './decision/active-policy.ts'
import type { EntityBinding } from './decision/entity-binding.ts'
import type { ListedAction } from './decision/oracle/check-lists.ts'
import type { Route, RouteTable } from './http/route.ts'
import type { Kernel } from './kernel.ts'

export type { Database, Migration } from '../adapters/database/port.ts'
export { DatabaseError } from '../adapters/database/port.ts'
export type { EntityData, EntityValue, Value } from '../policy-lang/index.ts'
export { activatePolicyFiles } from './admin/activate-files.ts'
export { createClientStore } from './admin/client-store.ts'
export type { Area, OutboxRow } from './area.ts'
export type { JsonValue, Judgement } from './decision/decision-point.ts'
export type { EntityBinding } from './decision/entity-binding.ts'
export type { ListedAction } from './decision/oracle/check-lists.ts'
export type { ListedRow, RowFilter, RowListing, RowLists, RowPage } from './decision/row-listing.ts'
export type { Actor, UnitOfWork } from './events/unit-of-work.ts'
export { type Form, readForm } from './http/body.ts'
export { errors as edgeErrors } from './http/errors.ts'
export type { Mount, WebContext } from './http/mount.ts'
export { readMultipart } from './http/multipart.ts'
export { Refusal, refusals } from './http/refusal.ts'
export type { RequestScope } from './http/request-scope.ts'
export type { Reply, Route, RouteInput, Target } from './http/route.ts'
export type { FirstAdminHook } from './identity/first-admin.ts'
export type { Kernel } from './kernel.ts'
export { clientMetadataSchema } from './oidc/client-metadata.ts'
export { type Html, html } from './pages/html.ts'
export { type PageContent, sendPage, viewerOf } from './pages/page.ts'
export { createTupleStore } from './relations/tuple-store.ts'
export { tenantWall } from './schema/0001-foundation.ts'
export { defaultOrganizationId, defaultTenantId } from './tenancy/tenants.ts'

/** A module of the platform, all facets in one value; `defineModule` makes the server's `Area` of it. */
export type ModuleDefinition = {
  /** Folder name under `platform/`. */
  readonly name: string
  /** Where its routes live, and its own token audience under the issuer: `/storage/v1`. */
  readonly basePath: string
  /** Folder of its `.fbac` files. */
  readonly policies: URL
  readonly migrations: readonly Migration[]
  /** FBAC type → table, so that decisions about stored rows can be made without the module. */
  readonly bindings: readonly EntityBinding[]
  /** What its routes list of bound types by `kernel.lists`: new rules that no filter agrees with are refused (SPEC 7.7). */
  readonly lists?: readonly ListedAction[]
  readonly build: (kernel: Kernel) => ModuleParts | Promise<ModuleParts>
}

export type ModuleParts = {
  /** Every row names an action that the module's own policies declare; else the server does not start. */
  readonly routes: RouteTable['routes']
  readonly jobs?: readonly ModuleJob[]
  readonly externs?: NonNullable<AreaParts['externs']>
  readonly topics?: NonNullable<AreaParts['topics']>
  readonly start?: () => Promise<void>
  readonly stop?: () => Promise<void>
}

/** Runs at each `cron` minute on one node. */
export type ModuleJob = { readonly name: string; readonly cron: string; readonly run: () => Promise<void> }

/**
 * A row for `ModuleParts.routes`. Rows have bodies and queries of their own types; the table forgets them, because the server
 * parses each by the row's own schema before it calls the row's own handler.
 */
export const route = <Body, Query>(row: Route<Body, Query>): Route<never, never> =>
  row as unknown as Route<never, never>

/** All modules have the tokens of `<issuer>/api` in common, and each its own audience (modules.md §0). */
export function defineModule(definition: ModuleDefinition): Area {
  const { name, basePath, migrations, bindings, lists = [] } = definition
  return {
    name,
    migrations,
    policies: { folder: definition.policies, layer: 'module' },
    bindings,
    lists,
    async build(kernel) {
      const { routes, jobs = [], externs, topics, start, stop } = await definition.build(kernel)
      return {
        routes: [{ basePath, audiences: ['/api', basePath], routes }],
        ...(externs ? { externs } : {}),
        ...(topics ? { topics } : {}),
        ...(stop ? { stop } : {}),
        async start() {
          const policy = await kernel.policies.current(kernel.tenants.default().id)
          const mistakes = undeclaredActions(routes, policy)
          if (mistakes.length > 0) throw new ModuleMistake(name, mistakes)
          await start?.()
          // ORDER: not awaited. Jobs run only after the first requests can be served, and this stands before them.
          for (const job of jobs) scheduleJob(kernel, job)
        },
      }
    },
  }
}

function scheduleJob({ jobs, log }: Kernel, { name, cron, run }: ModuleJob): void {
  const scheduled = Promise.all([jobs.handle(name, run), jobs.schedule(name, cron)])
  scheduled.catch((error) => log.error({ err: error, job: name }, 'a job could not be scheduled'))
}

/** A module that must not serve: its author's mistake, found at start. */
export class ModuleMistake extends Error {
  constructor(name: string, mistakes: readonly string[]) {
    super(`module ${name} cannot start: ${mistakes.join('; ')}`)
  }
}

/** Rows without an action, or whose action no module declares for the row's resource type. */
export function undeclaredActions(routes: RouteTable['routes'], policy: Pick<ActivePolicy, 'program'>): string[] {
  return routes.flatMap((row) => {
    const where = `${row.method} ${row.path}`
    if (!row.action || !row.resourceType) return [`${where} names no action`]
    const declared = policy.program.actions.get(actionKey(row.action, row.resourceType))
    return declared?.layer === 'module'
      ? []
      : [`${where}: no module declares action ${row.action} on ${row.resourceType}`]
  })
}
