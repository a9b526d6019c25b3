// The one gate (architecture.md): nothing else constructs a credential. This file is the contract; `gate.ts` implements it.
import type { JsonValue } from '../decision/decision-point.ts'
import type { RequestScope } from '../http/request-scope.ts'

export type CredentialKind =
  | 'code'
  | 'access'
  | 'refresh'
  | 'id'
  | 'session'
  | 'device'
  | 'ciba'
  | 'assertion'
  | 'apiKey'
  | 'setup'

/** What is about to be made, for whom, on what evidence. */
export type IssueRequest = {
  readonly kind: CredentialKind
  /** OAuth grant or flow: `authorization_code`, `refresh_token`, `client_credentials`, `password_sign_in`, `setup`, or a URN. */
  readonly grant: string
  readonly clientId?: string
  readonly accountId?: string
  readonly scopes: readonly string[]
  readonly audience?: string
  readonly acr?: string
  readonly amr?: readonly string[]
  /** Epochs seen when the source credential was made (code, refresh, session): an older one than now refuses. */
  readonly epochs?: SeenEpochs
  /** One party acts for another (RFC 8693). */
  readonly exchange?: ExchangeEvidence
  /** Whose assertion stands behind it (RFC 7523). */
  readonly issuer?: string
  /** What exactly it will be used for (RFC 9396): each is asked of the rules that declare it. */
  readonly details?: readonly DetailRequest[]
  /** The person has signed in from this browser before: a stranger's failures do not lock it (people.md §4). */
  readonly deviceKnown?: boolean
}

/** One of the `authorization_details`, as the question that it is. */
export type DetailRequest = {
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
  readonly context: { readonly [name: string]: JsonValue }
}

export type ExchangeEvidence = {
  /** With the actor's own name in the token, or as the person itself. */
  readonly mode: 'delegate' | 'impersonate'
  readonly actor: { readonly type: 'User' | 'Client'; readonly id: string }
  /** The person's token names the actor as one that may (RFC 8693 §4.4). */
  readonly mayAct: boolean
  /** The client that the person's token was given to. */
  readonly sourceClientId?: string
}

export type SeenEpochs = { readonly account?: number; readonly client?: number; readonly tenant?: number }

declare const permitBrand: unique symbol

/** Proof that the gate was asked; minting code takes it as an argument, so a path around the gate does not type-check. */
export type Permit = {
  readonly [permitBrand]: true
  readonly decisionId: string
  readonly request: IssueRequest
  readonly epochs: { readonly account?: number; readonly client?: number; readonly tenant: number }
}

/** Reads fresh state of tenant, client, account, lock; asks `issue on Credential`; throws the refusal if the answer is no. */
export type Issue = (scope: RequestScope, request: IssueRequest) => Promise<Permit>
