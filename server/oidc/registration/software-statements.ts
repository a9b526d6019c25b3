import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import type { Database } from '../../../adapters/database/port.ts'
import type { JsonValue } from '../../decision/decision-point.ts'
import { createTrustedIssuerStore, foreignTypes, type ReadKeys } from '../trusted-issuers.ts'
import { registrationErrors } from './errors.ts'

const longestStatement = 16_384
/** Claims of the statement itself; every other one is metadata (RFC 7591 §2.3). */
const ownClaims: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])

/** Metadata that somebody trusted vouches for. */
export type Statement = {
  readonly text: string
  readonly claims: { readonly [name: string]: JsonValue }
  /** What the rules are told of it. */
  readonly said: { readonly issuer: string; readonly softwareId?: string }
}
export type ReadStatement = (
  tenant: { readonly id: string; readonly issuer: string },
  text: JsonValue | undefined,
  now: number,
) => Promise<Statement | undefined>

/** Reads a software statement (RFC 7591 §2.3): signed by an issuer that the tenant trusts for this, for whatever time it says. */
export function createStatementReader(kit: {
  readonly database: Database
  readonly readKeys: ReadKeys
}): ReadStatement {
  return async (tenant, text, now) => {
    if (text === undefined || text === null) return undefined
    const refuse = (cause?: unknown) => registrationErrors.invalid_software_statement({ cause })
    if (typeof text !== 'string' || text.length > longestStatement) throw refuse()
    const { iss, typ, kid } = headOf(text, refuse)
    if (typeof iss !== 'string' || foreignTypes.test(typ ?? '')) throw refuse()
    const issuer = await createTrustedIssuerStore(kit.database, tenant.id).find(iss)
    if (!issuer?.softwareStatements) throw registrationErrors.unapproved_software_statement()
    try {
      const set = await kit.readKeys(tenant.id, issuer, kid)
      const { payload } = await jwtVerify(text, createLocalJWKSet(set), {
        issuer: iss,
        algorithms: issuer.algorithms,
        currentDate: new Date(now),
        clockTolerance: 10,
        // Meant for whoever takes it, or for this issuer.
        ...(decodeJwt(text).aud === undefined ? {} : { audience: tenant.issuer }),
      })
      const claims = Object.entries(payload).filter(([name]) => !ownClaims.has(name))
      const { software_id: softwareId } = payload
      return {
        text,
        // The payload was JSON.
        claims: Object.fromEntries(claims) as { [name: string]: JsonValue },
        said: { issuer: iss, ...(typeof softwareId === 'string' ? { softwareId } : {}) },
      }
    } catch (error) {
      throw refuse(error)
    }
  }
}

function headOf(text: string, refuse: (cause?: unknown) => Error) {
  try {
    const { typ, kid } = decodeProtectedHeader(text)
    return { iss: decodeJwt(text).iss, typ, kid }
  } catch (error) {
    throw refuse(error)
  }
}
