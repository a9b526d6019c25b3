/**
 * Requests to addresses that somebody else chose (a client's logout address, a webhook). Never follows a redirect; rejects with
 * EgressError before anything is sent where the address is not public (security.md row 9).
 */
export type Egress = (url: string, init: EgressRequest) => Promise<Response>
export type EgressRequest = {
  readonly method?: string
  readonly headers?: ConstructorParameters<typeof Headers>[0]
  /** Read as text. */
  readonly body?: unknown
}

export class EgressError extends Error {
  readonly kind: 'refused' | 'unavailable' | 'timeout' | 'too_large'
  constructor(kind: EgressError['kind'], cause?: unknown) {
    super(`egress: ${kind}`, { cause })
    this.kind = kind
  }
}
