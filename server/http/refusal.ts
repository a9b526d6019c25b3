/**
 * A caller's mistake or a no: thrown anywhere, answered once at the HTTP edge as problem+json (RFC 9457) or in the form of the
 * route's own standard. Made only from an area's `errors.ts` catalogue, so that every code stands once.
 */
export class Refusal extends Error {
  readonly kind: RefusalKind
  readonly options: RefusalOptions
  constructor(kind: RefusalKind, options: RefusalOptions = {}) {
    super(`${kind.code}: ${options.privateDetail ?? options.detail ?? kind.title}`, { cause: options.cause })
    this.kind = kind
    this.options = options
  }
}

export type RefusalKind = {
  /** Stable, snake_case, unique in the program. */
  readonly code: string
  readonly status: number
  /** Public, static, one sentence. */
  readonly title: string
}

export type RefusalOptions = {
  /** Public; says what to do. Never whether an account exists, never a secret or rule source. */
  readonly detail?: string
  /** Extra public members of the problem document (`errors`, `advice`, `rules`). */
  readonly members?: { readonly [name: string]: unknown }
  readonly headers?: { readonly [name: string]: string }
  /** Logged, never sent. */
  readonly privateDetail?: string
  readonly cause?: unknown
}

type Catalogue = { readonly [code: string]: { readonly status: number; readonly title: string } }

/** An area's catalogue: `export const errors = refusals({ role_cycle: { status: 422, title: '…' } })`, then `throw errors.role_cycle({ … })`. */
export function refusals<C extends Catalogue>(
  catalogue: C,
): { readonly [K in keyof C]: (options?: RefusalOptions) => Refusal } {
  const makers = Object.entries(catalogue).map(([code, { status, title }]) => {
    const kind: RefusalKind = { code, status, title }
    return [code, (options?: RefusalOptions) => new Refusal(kind, options)] as const
  })
  return Object.fromEntries(makers) as { readonly [K in keyof C]: (options?: RefusalOptions) => Refusal }
}
