// What `explain` answers (SPEC 7.4): plain data, values already masked.
import type { Cause, Decision } from '../../runtime/decision.ts'
import type { Json } from '../../runtime/strict-json.ts'
import type { Span } from '../../source/span.ts'

/** `full` for those who may explain; `caller` tells nothing that the caller could not know. */
export type Explanation = FullExplanation | CallerExplanation

export type FullExplanation = {
  readonly audience: 'full'
  readonly decision: Decision
  /** Why no rule was asked, or why allows did not matter: `unknown-action`, `subject-not-accepted`. */
  readonly remarks: readonly string[]
  /** Every rule that could decide, sorted by id. */
  readonly rules: readonly ExplainedRule[]
  /** Absent where no set of conditions flips the answer, or none was found within the bound. */
  readonly nearMiss?: NearMiss
}

/** Nothing here depends on a resource that the caller cannot see, nor on relations of others (SPEC 7.4). */
export type CallerExplanation = {
  readonly audience: 'caller'
  readonly allowed: boolean
  readonly texts: readonly string[]
  readonly advice: Decision['advice']
  /** Over the subject, the context and arguments alone: what would be needed where all else holds. Empty for anonymous. */
  readonly nearMisses: readonly NearMiss[]
}

export type ExplainedRule = {
  readonly id: string
  readonly effect: 'allow' | 'deny'
  /** An allow or deny that is true, or a deny that fails, counts. */
  readonly counts: boolean
  readonly outcome: Truth
  readonly cause?: Cause
  /** Counts, but a deny or its lack of fields leaves it without effect; or is a deny that only masks. */
  readonly isMasking?: true
  /** The action through which it came by `implies`. */
  readonly through?: string
  readonly because?: string
  readonly builtIn: boolean
  readonly span: Span
  readonly conditions: readonly ExplainedCondition[]
}

export type Truth = 'true' | 'false' | 'error'

/** One atomic condition: without `and`, `or`, `not` in it. */
export type ExplainedCondition = {
  /** In the language, with `subject` and `resource` for the names of the author. */
  readonly text: string
  readonly outcome: Truth
  readonly cause?: Cause
  /** The rule's outcome rests on it; the others could be anything. */
  readonly isDecisive: boolean
  readonly about: About
  readonly values: readonly ShownValue[]
  readonly relation?: RelationTrace
  readonly span: Span
}

/** What would have to change, the easiest for a caller first. */
export type About = 'context' | 'subject' | 'resource' | 'relation'

export type ShownValue =
  | { readonly path: string; readonly kind: 'value'; readonly value: Json }
  /** `@personal` or `@secret`. */
  | { readonly path: string; readonly kind: 'masked' }
  | { readonly path: string; readonly kind: 'absent' }
  | { readonly path: string; readonly kind: 'error'; readonly cause: Cause }

/** How a relation is held, or what would have given it. */
export type RelationTrace = {
  /** Edge by edge, from the resource to the subject; empty where it is not held. */
  readonly path: readonly RelationEdge[]
  /** Tuples on the way that name the subject and do not count: ended, condition false or failing. */
  readonly lapsed: readonly RelationEdge[]
}
export type RelationEdge = {
  readonly resource: string
  readonly relation: string
  /** An entity, `User::*`, `anyone`, or holders of a relation: `Group::"g".member`. */
  readonly subject: string
  readonly kind: 'tuple' | 'attribute' | 'computed' | 'absent'
  readonly until?: string
  readonly condition?: string
}

export type NearMiss = {
  readonly changes: readonly NeededChange[]
  /** The decision that they would lead to. */
  readonly decision: boolean
  /** No smaller set flips the answer. False where looking for one would have taken too long. */
  readonly isSmallest: boolean
}
export type NeededChange = {
  readonly text: string
  readonly wanted: boolean
  readonly about: About
  readonly values: readonly ShownValue[]
}
