import { DatabaseError } from '../../adapters/database/port.ts'
import type { JsonValue } from '../decision/decision-point.ts'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import { Refusal } from './refusal.ts'

/** What a thrown value means to the caller. Everything that is not a refusal or a known fault of the database is a bug: 500. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown
  if (thrown instanceof DatabaseError) return databaseRefusal(thrown)
  return errors.internal_error({ cause: thrown })
}

function databaseRefusal(error: DatabaseError): Refusal {
  switch (error.kind) {
    case 'unavailable':
    case 'timeout':
    case 'serialization':
      return errors.database_unavailable({
        headers: { 'retry-after': String(limits.databaseRetryAfterSeconds) },
        cause: error,
      })
    case 'invalidText':
      return errors.invalid_text({ cause: error })
    // Stores answer their own codes for constraints that they know; this is for one that slipped through.
    case 'unique':
    case 'foreignKey':
    case 'check':
      return errors.conflict({ cause: error })
  }
}

/** RFC 9457. `type` names the code; what it means stands in the documentation. */
export function problemDocument(refusal: Refusal, requestId: string): { readonly [member: string]: JsonValue } {
  const { code, status, title } = refusal.kind
  return {
    type: `urn:writ:problem:${code}`,
    title,
    status,
    ...(refusal.options.detail === undefined ? {} : { detail: refusal.options.detail }),
    // Members are made of JSON by whoever refuses.
    ...(refusal.options.members as { readonly [member: string]: JsonValue } | undefined),
    code,
    requestId,
  }
}
