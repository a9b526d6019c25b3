import type { Program } from '../../policy-lang/index.ts'

/** The composed rules of one tenant: platform ∪ modules ∪ the tenant's active sets, compiled. Immutable; swapped whole. */
export type ActivePolicy = {
  readonly tenantId: string
  /** Identity of the composed sources; stands in every decision. */
  readonly version: string
  readonly program: Program
  /** What it was composed of, to say where a rule stands. */
  readonly texts?: readonly { readonly path: string; readonly text: string }[]
}
