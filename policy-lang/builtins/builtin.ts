import type { Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'

/** Why a built-in could not answer: the E of SPEC 5, small enough to be shared. */
export type EvaluationFailure = {
  readonly kind: 'failure'
  readonly cause: { readonly code: 'overflow' | 'bad-zone' | 'wrong-type' }
}

export const overflow: EvaluationFailure = { kind: 'failure', cause: { code: 'overflow' } }
export const badZone: EvaluationFailure = { kind: 'failure', cause: { code: 'bad-zone' } }
/** A value of another type than the checker saw: data that the schema does not describe. */
export const wrongType: EvaluationFailure = { kind: 'failure', cause: { code: 'wrong-type' } }

export const isFailure = (result: Value | EvaluationFailure): result is EvaluationFailure =>
  typeof result === 'object' && result.kind === 'failure'

/** What a built-in is called on: the kind of the receiver, `operator` (`+`), or `name` (`ip("…")`). */
export type Receiver = Type['kind'] | 'operator' | 'name'

/**
 * One built-in with its facets side by side. A facet that is absent is unsupported in that backend and refused there.
 */
export type Builtin = {
  /** The name in IR, unique in the table. */
  readonly name: string
  /** The name in source, unique per receiver. */
  readonly method: string
  readonly receiver: Receiver
  /** How many arguments follow the receiver. None: written without parentheses. */
  readonly parameters: number
  /** The type each further argument is expected to have, which decides how a literal there is read. */
  readonly expects?: (receiver: Type) => Type
  /** The type of the result for these argument types (receiver first); undefined if they do not fit. */
  readonly signature: (types: readonly Type[]) => Type | undefined
  /** Arguments that must be literals, by index. */
  readonly literals?: readonly number[]
  /** `result` is the type of the node, which tells Time from Int. */
  readonly evaluate: (values: readonly Value[], result: Type) => Value | EvaluationFailure
  /** JavaScript for arguments that are already values of the right types. */
  readonly js?: (values: readonly string[]) => string
  /** One line for people. */
  readonly docs: string
}
