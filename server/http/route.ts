import type { Readable } from 'node:stream'
import type { ZodType } from 'zod'
import type { EntityData, EntityValue } from '../../policy-lang/index.ts'
import type { JsonValue, Judgement } from '../decision/decision-point.ts'
import type { RequestScope } from './request-scope.ts'

/**
 * One row of a route table (`server/admin/routes.ts`, a module's `routes.ts`). The order is fixed for all of them:
 * authenticate → tenant → validate input → find the resource → authorize → handle. A row without an action, or whose action
 * and resource type the program does not declare, stops the server at start.
 */
export type Route<Body = unknown, Query = unknown> = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below the table's base path; `:name` is one segment, `*name` the rest (path-to-regexp 8). */
  readonly path: string
  readonly summary: string
  /** The FBAC action that is asked. */
  readonly action: string
  readonly resourceType: string
  /**
   * Which resource is asked about. `entities`: rows already loaded, so that the decision does not load them again.
   * A missing child is decided on its parent (modules.md §0): answer `missing` with the parent's action.
   */
  readonly resource: (input: RouteInput<Body, Query>) => Target | Promise<Target>
  /** Arguments of the action. */
  readonly context?: (input: RouteInput<Body, Query>) => { readonly [name: string]: JsonValue }
  /** JSON body; unknown members are refused. Absent: a body is refused unless `stream`. */
  readonly body?: ZodType<Body>
  readonly query?: ZodType<Query>
  /** The body is a stream that the handler reads; nothing is parsed or buffered. */
  readonly stream?: boolean
  /** Shape of the 2xx body, for OpenAPI; absent: none, or bytes. */
  readonly responds?: ZodType
  readonly successStatus?: number
  /** Refusal codes this row may answer with, for OpenAPI. */
  readonly refuses?: readonly string[]
  readonly handle: (input: RouteInput<Body, Query>, judgement: Judgement) => Promise<Reply>
}

export type Target =
  | { readonly resource: EntityValue; readonly entities?: readonly EntityData[] }
  | {
      readonly missing: true
      readonly decideOn: EntityValue
      readonly action: string
      readonly entities?: readonly EntityData[]
    }

export type RouteInput<Body = unknown, Query = unknown> = {
  readonly scope: RequestScope
  readonly params: { readonly [name: string]: string }
  readonly query: Query
  readonly body: Body
  readonly headers: { readonly [name: string]: string | undefined }
  /** The raw request body, for `stream` rows. */
  readonly stream: Readable
  /** Aborts when the client goes away or the server drains. */
  readonly signal: AbortSignal
}

export type Reply = {
  readonly status?: number
  readonly headers?: { readonly [name: string]: string }
  /** JSON, bytes or a stream; absent = empty. */
  readonly body?: JsonValue | Uint8Array | Readable
}

/** A table with its base path and the audience a bearer token must have (`modules.md` §0). */
export type RouteTable = {
  readonly basePath: string
  /** Path of the token audience under the issuer, e.g. `/api`, `/admin`. */
  readonly audiences: readonly string[]
  readonly routes: readonly Route<never, never>[]
}
