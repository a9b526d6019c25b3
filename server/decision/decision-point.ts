import type { Decision, EntityData, EntityValue } from '../../policy-lang/index.ts'
import type { RequestScope } from '../http/request-scope.ts'

/** JSON as it arrives; typed against the action's declared arguments by the decision point. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

export type Question = {
  readonly action: string
  readonly resource: EntityValue
  /** Arguments of the action and context beyond the standard one (which comes from the scope). */
  readonly context?: { readonly [name: string]: JsonValue }
  /** Rows that the caller has already loaded, or that do not exist yet (a credential about to be issued): they win over stored ones. */
  readonly entities?: readonly EntityData[]
  /** Another subject than the scope's (the issuance gate, AuthZEN). */
  readonly subject?: EntityValue
}

/** The decision as enforcement points see it: what the engine said, which version said it, and an id for logs and audit. */
export type Judgement = Decision & { readonly id: string; readonly version: string; readonly position: string }

/** The one way to ask. Anything that goes wrong in here is a deny (`code: 'unavailable'`), never an allow. */
export type DecisionPoint = {
  decide(scope: RequestScope, question: Question): Promise<Judgement>
  /** Shares fact loading between the questions. */
  decideMany(scope: RequestScope, questions: readonly Question[]): Promise<Judgement[]>
  /**
   * `decide`, or the refusal that HTTP callers see: 403 `access_denied` with texts, advice and (in development) the deciding
   * rule ids; 401 with an RFC 9470 challenge for advice `stepUp`; 503 `decision_unavailable`.
   */
  authorize(scope: RequestScope, question: Question): Promise<Judgement>
}
