import type { Diagnostic, Layer, SourceFile } from '../../policy-lang/index.ts'
import type { ActivePolicy } from './active-policy.ts'

/** A policy file with the layer that the server knows it to be of. */
export type PolicySource = {
  readonly path: string
  readonly text: string
  readonly layer: Layer
  readonly organization?: string
}

/** The active program of each tenant: composed, compiled off the hot path, swapped whole, followed by the change feed. */
export type Policies = {
  /** Compiles at first use. Throws 503 `policy_unavailable` where nothing that compiles is known. */
  current(tenantId: string): Promise<ActivePolicy>
  /** `current` after every activation that this node has committed or heard of: what the next request will see. */
  settled(tenantId: string): Promise<ActivePolicy>
  /** Already compiled, and not known to be old; or undefined. For code that cannot wait. */
  peek(tenantId: string): ActivePolicy | undefined
  /**
   * What would be active if `files` replaced the tenant's set `set` (absent `files`: if the set were gone): all diagnostics;
   * `policy` only without errors. Changes nothing.
   */
  compose(tenantId: string, set: string, files: { readonly [path: string]: string } | undefined): Promise<Composed>
  /** Text to sign for one version of a set, and the check that nodes make before they use it. */
  sign(tenantId: string, set: string, version: string): string
  /** Content address of a set's files: sha-256 hex over sorted paths and texts. */
  versionOf(files: { readonly [path: string]: string }): string
}
export type Composed = {
  readonly policy?: ActivePolicy
  readonly diagnostics: readonly Diagnostic[]
  readonly sources: readonly SourceFile[]
}
