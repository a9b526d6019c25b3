import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import type { Secrets } from '../../adapters/secrets/port.ts'
import type { Issue } from '../issuance/issue.ts'
import { backchannelRequestFamily } from './backchannel-requests.ts'
import { deviceCodeFamily } from './device-codes.ts'
import type { Exchanges } from './exchange.ts'
import { grantFamily, interactionFamily, sessionFamily } from './families.ts'
import type { Library } from './library.ts'
import { type RefusalStage, toProtocolError } from './protocol-errors.ts'
import { pushedRequestFamily } from './pushed-requests.ts'
import type { SecurityLog } from './security-log.ts'
import { accessTokenFamily, codeFamily, refreshTokenFamily } from './token-families.ts'
import { createTokenRows, type TokenRows } from './token-rows.ts'

/** What every family of the adapter works with; opened for one tenant. */
export type FamilyContext = {
  readonly library: Library
  readonly database: Database
  readonly clock: Clock
  readonly tenantId: string
  readonly issue: Issue
  readonly exchanges: Exchanges
  readonly rows: TokenRows
  readonly securityLog: SecurityLog
  readonly secrets: Secrets
  /** Metadata of a client as the library wants it; undefined if unknown or disabled. */
  readonly findClient: (id: string) => Promise<AdapterPayload | undefined>
}

export type Family = Partial<Adapter> & { readonly stage?: RefusalStage }

/** THE TABLE of model families: each has its own table and its own rules; what is not listed cannot be stored. */
const families: { readonly [model: string]: (context: FamilyContext) => Family } = {
  Session: sessionFamily,
  Interaction: interactionFamily,
  Grant: grantFamily,
  AuthorizationCode: codeFamily,
  AccessToken: accessTokenFamily,
  RefreshToken: refreshTokenFamily,
  DeviceCode: deviceCodeFamily,
  BackchannelAuthenticationRequest: backchannelRequestFamily,
  PushedAuthorizationRequest: pushedRequestFamily,
  Client: ({ findClient }) => ({ find: findClient }),
}

/** The library's storage for one tenant on PostgreSQL (provider.md §3). */
export function createAdapter(context: Omit<FamilyContext, 'rows'>): AdapterFactory {
  const rows = createTokenRows(context.database, context.tenantId)
  return (model) => {
    const family = families[model]?.({ ...context, rows }) ?? {}
    const guard = guardWith(context.library, family.stage ?? 'token')
    return {
      find: guard(async (id: string) => family.find?.(id)),
      findByUid: guard(async (uid: string) => family.findByUid?.(uid)),
      findByUserCode: guard(async (code: string) => family.findByUserCode?.(code)),
      destroy: guard(async (id: string) => family.destroy?.(id)),
      revokeByGrantId: guard(async (grantId: string) => family.revokeByGrantId?.(grantId)),
      consume: guard(async (id: string) => {
        if (!family.consume) throw new Error(`oidc: ${model} cannot be consumed`)
        return family.consume(id)
      }),
      upsert: guard(async (id: string, payload: AdapterPayload, expiresIn?: number) => {
        if (!family.upsert) throw new Error(`oidc: ${model} has no table`)
        return family.upsert(id, payload, expiresIn)
      }),
    }
  }
}

const guardWith =
  (library: Library, stage: RefusalStage) =>
  <Args extends unknown[], T>(run: (...args: Args) => Promise<T>) =>
  async (...args: Args): Promise<T> => {
    try {
      return await run(...args)
    } catch (error) {
      throw toProtocolError(library, error, stage)
    }
  }
