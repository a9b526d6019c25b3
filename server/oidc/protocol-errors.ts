import { DatabaseError } from '../../adapters/database/port.ts'
import { Refusal } from '../http/refusal.ts'
import { neededSignIn } from '../issuance/stronger-sign-in.ts'
import type { Library } from './library.ts'
import { strongerSignInError } from './step-up.ts'

/** Where a refusal of the gate surfaces decides which OAuth error it is (provider.md §4). */
export type RefusalStage = 'authorize' | 'token' | 'client'

/** Faults that a client may wait out; nothing of the try has been kept. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'timeout'])

/**
 * Turns what our code throws inside the library into what the library can answer: the gate's no becomes an OAuth error, a
 * database that is away becomes 503 `temporarily_unavailable`. Anything else stays what it is: a bug, answered 500.
 */
export function toProtocolError(library: Library, error: unknown, stage: RefusalStage): unknown {
  if (error instanceof Refusal) {
    if (error.kind.status >= 500) return unavailable(library, error)
    const needed = neededSignIn(error)
    if (needed) return strongerSignInError(library, needed, { stage, cause: error })
    const detail = error.options.detail ?? error.kind.title
    if (stage === 'authorize') return new library.errors.AccessDenied(detail, { cause: error })
    if (stage === 'client') return new library.errors.UnauthorizedClient(detail, { cause: error })
    return new library.errors.InvalidGrant({ cause: error })
  }
  if (error instanceof DatabaseError && passing.has(error.kind)) {
    return unavailable(library, error)
  }
  return error
}

function unavailable(library: Library, cause: Error): Error {
  const error = new library.errors.CustomOIDCProviderError('temporarily_unavailable', 'try again shortly')
  return Object.assign(error, { status: 503, statusCode: 503, expose: true, cause })
}

/** An answer of the protocol (4xx), not a fault: what it decided is kept. */
export const isProtocolRefusal = (library: Library, error: unknown): error is Error & { readonly statusCode: number } =>
  error instanceof library.errors.OIDCProviderError && error.statusCode < 500
