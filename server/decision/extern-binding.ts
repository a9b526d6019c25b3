import type { Json } from '../../policy-lang/index.ts'

/** What answers an `extern fn` of a policy (SPEC 3.16). Names are the program's; a binding serves every tenant that declares it. */
export type ExternBinding = {
  readonly name: string
  /**
   * The answer as JSON of the declared type. Throwing, answering late or answering something else are failures, which rules
   * see as SPEC 5.7 says. `signal` aborts at the deadline: whatever is answered after it is not heard.
   */
  readonly call: (
    args: readonly Json[],
    at: { readonly tenantId: string; readonly signal: AbortSignal },
  ) => Promise<Json> | Json
}
