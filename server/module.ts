// The facade that platform modules import, and the only file of the server that they may.
// Deliberately absent: stores, the OpenID provider, the kernel's insides. A module asks `kernel.decisions`, changes state in
// `kernel.withTransaction`, and answers through route tables.
import type { Migration } from '../adapters/database/port.ts'
import type { Area, AreaParts } from './area.ts'
import type { EntityBinding } from './decision/entity-binding.ts'
import type { Route } from './http/route.ts'
import type { Kernel } from './kernel.ts'

export type { OutboxRow } from './area.ts'
export type { JsonValue, Judgement, Question } from './decision/decision-point.ts'
export type { AttributeSource, EntityBinding } from './decision/entity-binding.ts'
export type { Actor, UnitOfWork } from './events/unit-of-work.ts'
export { anonymous } from './http/authentication.ts'
export type { Mount, WebContext } from './http/mount.ts'
export { Refusal, refusals } from './http/refusal.ts'
export type { RequestScope } from './http/request-scope.ts'
export type { Reply, Route, RouteInput, Target } from './http/route.ts'
export type { Kernel } from './kernel.ts'
export { tenantWall } from './schema/0001-foundation.ts'

/** What every module is (`architecture.md`): resources and actions in FBAC, tables, bindings, rows of routes. */
export type Module = {
  readonly name: string
  /** `/storage/v1`. Tokens need the audience `<issuer>/api` or `<issuer><basePath>` (modules.md §0). */
  readonly basePath: string
  /** Folder of the module's `*.fbac`: `new URL('./policy/', import.meta.url)`. */
  readonly policies: URL
  readonly migrations: readonly Migration[]
  readonly bindings: readonly EntityBinding[]
  readonly build: (kernel: Kernel) => ModuleParts | Promise<ModuleParts>
}
export type ModuleParts = Omit<AreaParts, 'routes' | 'tokenVerifier' | 'clientAuthenticator'> & {
  readonly routes: readonly Route<never, never>[]
}

/** Makes the module an area of the server (`areas.ts`). */
export function defineModule(module: Module): Area {
  const { name, basePath, migrations, bindings } = module
  return {
    name,
    migrations,
    bindings,
    policies: { folder: module.policies, layer: 'module' },
    async build(kernel) {
      const { routes, ...parts } = await module.build(kernel)
      return { ...parts, routes: [{ basePath, audiences: ['/api', basePath], routes }] }
    },
  }
}
