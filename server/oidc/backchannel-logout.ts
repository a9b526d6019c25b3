import type Provider from 'oidc-provider'
import type { AreaParts } from '../area.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { entityOf } from '../identity/entities.ts'
import { signedOutTopic } from '../identity/tell-sign-outs.ts'
import type { Kernel } from '../kernel.ts'
import type { Exchanges } from './exchange.ts'
import type { Providers } from './providers.ts'

/** One row per client that is to be told (provider.md §7), when a person signs out or somebody ends the sessions. */
export const logoutTopic = signedOutTopic

export type SignedOut = { readonly clientId: string; readonly userId: string; readonly sid: string }
export type TellSignedOut = (whom: SignedOut) => Promise<void>

type Teller = (this: { readonly clientId: string }, sub: string, sid: string) => Promise<void>

/**
 * The library tells clients inside of the request, once. Here the request notes whom to tell, in the transaction that ends the
 * session, and the outbox tells them; what is answered sends one, signed when it is sent.
 */
export function noteLogouts(provider: Provider, exchanges: Exchanges): TellSignedOut {
  const prototype = provider.Client.prototype as unknown as { backchannelLogout: Teller }
  const tell = prototype.backchannelLogout
  prototype.backchannelLogout = async function backchannelLogout(userId, sid) {
    const { clientId } = this
    exchanges.current().events.push({
      name: logoutTopic,
      resource: entityOf('Client', clientId),
      detail: { clientId, userId, sid },
      isSent: true,
      isUnaudited: true,
    })
  }
  return async ({ clientId, userId, sid }) => {
    const client = await provider.Client.find(clientId)
    // Meanwhile removed, disabled, or no longer to be told.
    if (client?.backchannelLogoutUri !== undefined) await tell.call(client, userId, sid)
  }
}

/** 2xx is done, 400 is final (OIDC Back-Channel Logout §2.8), anything else is tried again by the outbox. */
export function createLogoutDelivery(kernel: Kernel, providers: Providers): NonNullable<AreaParts['topics']>[string] {
  return async ({ tenantId, payload }) => {
    const tenant = await kernel.tenants.find(tenantId)
    if (!tenant) return
    const whom: SignedOut = {
      clientId: String(payload.clientId),
      userId: String(payload.userId),
      sid: String(payload.sid),
    }
    const { tellSignedOut } = await providers.of(tenant)
    let outcome: 'delivered' | 'dead' = 'delivered'
    try {
      await tellSignedOut(whom)
    } catch (error) {
      const { response } = error as { readonly response?: Response }
      if (response?.status !== 400) throw error
      outcome = 'dead'
    }
    await record(kernel, tenant.id, whom, outcome)
  }
}

async function record(
  kernel: Kernel,
  tenantId: RequestScope['tenant']['id'],
  { clientId, userId }: SignedOut,
  outcome: 'delivered' | 'dead',
): Promise<void> {
  const resource = entityOf('Client', clientId)
  await kernel.withTransaction({ tenantId, subject: entityOf('Tenant', tenantId) }, async (unit) => {
    unit.recordOnly()
    const detail = { clientId, userId }
    unit.audit({
      action: `oidc.logout.${outcome}`,
      resource,
      outcome: outcome === 'dead' ? 'failure' : 'success',
      detail,
    })
    unit.emit(`oidc.logout.${outcome}`, detail)
  })
}
