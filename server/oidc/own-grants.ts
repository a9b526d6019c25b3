import type Provider from 'oidc-provider'
import type { KoaContextWithOIDC } from 'oidc-provider'
import type { Clock } from '../../adapters/clock/port.ts'
import type { Database } from '../../adapters/database/port.ts'
import type { DecisionPoint } from '../decision/decision-point.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { Issue } from '../issuance/issue.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { ApiResource } from './api-resources.ts'
import { grantNames } from './client-metadata.ts'
import type { ClientRecord } from './client-records.ts'
import type { Consents } from './consents.ts'
import type { DpopNonces } from './dpop-nonces.ts'
import type { Exchange, Exchanges } from './exchange.ts'
import type { SignAssertion } from './identity-assertion.ts'
import { jwtBearer } from './jwt-bearer.ts'
import type { Library } from './library.ts'
import { toProtocolError } from './protocol-errors.ts'
import type { ClaimOnce } from './replay-guard.ts'
import type { SecurityLog } from './security-log.ts'
import { spendOnce } from './spend-once.ts'
import { tokenExchange } from './token-exchange.ts'
import { digest } from './token-rows.ts'
import type { ReadAssertion } from './trusted-issuers.ts'

/** A grant that the library does not have: what it reads first, and what it gives inside of one transaction. */
export type OwnGrant<Read> = {
  readonly parameters: readonly string[]
  /** May take a while (keys of another issuer), and changes nothing. */
  readonly prepare: (ctx: KoaContextWithOIDC, client: ClientRecord) => Promise<Read>
  /** ORDER: what is used once is claimed here, after everything else was found good. */
  readonly give: (ctx: KoaContextWithOIDC, client: ClientRecord, read: Read, exchange: Exchange) => Promise<void>
}

export type OwnGrantParts = {
  readonly library: Library
  readonly tenant: Tenant
  readonly resources: readonly ApiResource[]
  readonly database: Database
  readonly clock: Clock
  readonly exchanges: Exchanges
  readonly securityLog: SecurityLog
  readonly decisions: DecisionPoint
  readonly accounts: Accounts
  readonly consents: Consents
  readonly accessTokens: AccessTokens
  readonly claimOnce: ClaimOnce
  readonly readAssertion: ReadAssertion
  readonly nonces: DpopNonces
  readonly issue: Issue
  readonly signAssertion: SignAssertion
  readonly verifyIdToken: (text: string, clientId: string) => Promise<boolean>
  readonly findClient: (id: string) => Promise<ClientRecord | undefined>
}
export type OwnGrantKit = OwnGrantParts & {
  /** A grant that ends with what hangs on it. Answers its digest. */
  readonly openGrant: (
    ctx: KoaContextWithOIDC,
    of: { readonly accountId: string; readonly notAfter: number },
  ) => Promise<string>
}

/** Adds ours to the grants of one provider, by its public seam. */
export function registerOwnGrants(provider: Provider, parts: OwnGrantParts): void {
  const { library, clock } = parts
  const kit: OwnGrantKit = {
    ...parts,
    async openGrant(ctx, { accountId, notAfter }) {
      const clientId = ctx.oidc.client?.clientId
      const grant = new provider.Grant({ accountId, ...(clientId === undefined ? {} : { clientId }) })
      // The library computes a lifetime unless it is told one; its types do not know the member.
      Object.assign(grant, { expiresIn: Math.max(1, notAfter - Math.floor(clock.now() / 1_000)) })
      return digest(await grant.save())
    },
  }
  const register = <Read>(name: string, { parameters, prepare, give }: OwnGrant<Read>): void => {
    const handle = async (ctx: KoaContextWithOIDC): Promise<void> => {
      const client = await parts.findClient(ctx.oidc.client?.clientId ?? '')
      if (!client) throw new library.errors.InvalidClient('client is invalid')
      const read = await prepare(ctx, client).catch((error: unknown) => {
        throw toProtocolError(library, error, 'token')
      })
      const once = spendOnce({ ...parts, tenantId: parts.tenant.id }, async (inside) => {
        try {
          await give(inside, client, read, parts.exchanges.current())
        } catch (error) {
          throw toProtocolError(library, error, 'token')
        }
      })
      await once(ctx as Parameters<typeof once>[0])
    }
    provider.registerGrantType(name, handle, parameters, ['resource', 'audience'])
  }
  register(grantNames.exchange, tokenExchange(kit))
  register(grantNames.assertion, jwtBearer(kit))
}

/** Grants that bring their own transaction (`spend-once.ts`). */
export const ownGrantNames: ReadonlySet<string> = new Set([grantNames.exchange, grantNames.assertion])
