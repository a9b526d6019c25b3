import type { EntityValue, Value } from '../ir/nodes.ts'

/** One question. Values are already typed; `runtime/read-request.ts` makes them from JSON against the program. */
export type Request = {
  readonly subject: EntityValue
  readonly action: string
  readonly resource: EntityValue
  /** Standard context and arguments; `now` is taken from `EvaluateOptions.now`. */
  readonly context: ReadonlyMap<string, Value>
}

/** Why an error-valued rule failed. */
export type Cause =
  | { readonly code: 'missing'; readonly path: string }
  | { readonly code: 'overflow' | 'bad-zone' | 'limit' | 'wrong-type'; readonly path?: string }
  | { readonly code: 'extern-failed'; readonly path: string }
  | { readonly code: 'missing-context'; readonly path: string }

/** SPEC: decision. Every list sorted by id. */
export type Decision = {
  readonly decision: boolean
  /** Counting allows if allowed, counting denies if denied by one, else empty. */
  readonly reasons: readonly string[]
  readonly errors: readonly { readonly rule: string; readonly cause: Cause }[]
  readonly degraded: readonly string[]
  /** Positive list of permitted fields, sorted, for types with attributes; absent when denied. */
  readonly fields?: readonly string[]
  readonly advice: readonly { readonly name: string; readonly args: { readonly [name: string]: Value } }[]
  /** `because` texts of the counting denies, in order of rule id. */
  readonly texts: readonly string[]
  /** A whole-decision reason: `unknown-action`, `limit`, `no-fields`, `unavailable`, `no-policy`. */
  readonly code?: string
}

/** The world around one decision. One `now` for a decision, a batch, a list page. */
export type EvaluateOptions = {
  /** ms since 1970 */
  readonly now: number
  /** Absent: every extern fails. */
  readonly externs?: Externs
}

/** The value that was fetched for this call before evaluation; undefined = late, thrown, never fetched (SPEC 5). */
export type Externs = (name: string, args: readonly Value[]) => Value | undefined
