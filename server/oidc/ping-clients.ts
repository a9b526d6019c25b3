import type Provider from 'oidc-provider'
import type { Egress } from '../../adapters/egress/port.ts'
import type { AreaParts } from '../area.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'
import { pingPurpose } from './backchannel-requests.ts'
import type { ClientRecords } from './client-records.ts'
import { createWaitingRows } from './waiting-rows.ts'

/** One row per client that is to be told that a person has decided (CIBA Core §10.2). */
export const pingTopic = 'oidc.ciba.decided'

/** The library pings inside of the request, once; the outbox does it instead, after the decision stands. */
export function leavePingsToOutbox(provider: Provider): void {
  const prototype = provider.Client.prototype as unknown as { backchannelPing: () => Promise<void> }
  prototype.backchannelPing = async () => {}
}

type Outcome = 'delivered' | 'dead'

/**
 * 2xx is done. A client that says no, or sends us elsewhere, is neither followed nor told again (CIBA Core §10.2); one that is away
 * is told later, by the outbox.
 */
export function createPingDelivery(
  kernel: Kernel,
  { clients, egress }: { readonly clients: ClientRecords; readonly egress: Egress | undefined },
): NonNullable<AreaParts['topics']>[string] {
  return async ({ tenantId, payload }) => {
    const request = String(payload.request)
    const row = await createWaitingRows(kernel.database, tenantId, 'oidc_backchannel_request').findBy(
      'public_id',
      request,
    )
    const record = row && (await clients.find(tenantId, row.clientId))
    const { backchannelTokenDeliveryMode: mode, backchannelClientNotificationEndpoint: endpoint } =
      record?.metadata ?? {}
    // Meanwhile swept, removed, or a client that asks by itself.
    if (row?.sealed === undefined || mode !== 'ping' || endpoint === undefined) return
    const { id, token } = JSON.parse(
      Buffer.from(kernel.secrets.open(pingPurpose(tenantId, request), row.sealed)).toString('utf8'),
    ) as { readonly id: string; readonly token?: string }
    if (token === undefined || !egress) return
    const response = await egress(endpoint, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ auth_req_id: id }),
    })
    const isFinal = response.ok || (response.status >= 300 && response.status < 500)
    if (!isFinal) throw new Error(`the client answered ${response.status}`)
    await note(kernel, tenantId, { clientId: row.clientId, request, outcome: response.ok ? 'delivered' : 'dead' })
  }
}

async function note(
  { withTransaction }: Kernel,
  tenantId: string,
  { clientId, request, outcome }: { readonly clientId: string; readonly request: string; readonly outcome: Outcome },
): Promise<void> {
  await withTransaction({ tenantId, subject: entityOf('Tenant', tenantId) }, async (unit) => {
    unit.recordOnly()
    unit.audit({
      action: `oidc.ciba.ping.${outcome}`,
      resource: entityOf('Client', clientId),
      outcome: outcome === 'dead' ? 'failure' : 'success',
      detail: { clientId, request },
    })
  })
}
