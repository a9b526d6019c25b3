import type { AdapterPayload, AuthorizationDetail } from 'oidc-provider'
import { z } from 'zod'
import { onTenant } from '../admin/request.ts'
import { errors } from '../http/errors.ts'
import type { RouteInput, RouteTable, Target } from '../http/route.ts'
import { entityOf } from '../identity/entities.ts'
import { issuanceErrors } from '../issuance/errors.ts'
import type { Kernel } from '../kernel.ts'
import { route } from '../module.ts'
import { identityScopes } from './client-metadata.ts'
import { oidcErrors } from './errors.ts'
import type { Exchanges } from './exchange.ts'
import { parse } from './families.ts'
import { pingTopic } from './ping-clients.ts'
import type { Providers } from './providers.ts'
import type { SecurityLog } from './security-log.ts'
import { createWaitingRows, handleOf, type WaitingRow } from './waiting-rows.ts'

type Kit = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly exchanges: Exchanges
  readonly securityLog: SecurityLog
}

const shape = z.object({
  id: z.string(),
  clientId: z.string(),
  userId: z.string(),
  bindingMessage: z.string().optional(),
  scopes: z.array(z.string()),
  acrValues: z.array(z.string()),
  authorizationDetails: z.array(z.record(z.string(), z.json())).optional(),
  expiresAt: z.string(),
})

/**
 * Where a person's word about a client's request arrives (CIBA Core §8), by whoever has asked the person: a push service, a help
 * desk. Until people are reached by a module of ours, this is the only way.
 */
export const backchannelRoutes = (kit: Kit): RouteTable => ({
  basePath: '/admin/v1',
  audiences: ['/admin'],
  routes: [
    route({
      method: 'GET',
      path: '/authentication-requests',
      summary: 'Requests of clients that wait for a person, oldest first',
      action: 'listBackchannelRequests',
      resourceType: 'Tenant',
      resource: onTenant,
      query: z.strictObject({ userId: z.string().max(100).optional() }),
      responds: z.object({ items: z.array(shape) }),
      async handle({ scope, query }) {
        const rows = await kit.kernel.database.query<Waiting>(listStatement, [
          scope.tenant.id,
          query.userId ?? null,
          new Date(scope.now),
        ])
        return { body: { items: rows.map(view) } }
      },
    }),
    ...(['approve', 'deny'] as const).map((verdict) =>
      route({
        method: 'POST',
        path: `/authentication-requests/:id/${verdict}`,
        summary: verdict === 'approve' ? 'The person has said yes' : 'The person has said no',
        action: verdict === 'approve' ? 'approve' : 'decline',
        resourceType: 'BackchannelRequest',
        resource: (input: RouteInput) => target(kit, input),
        successStatus: 204,
        refuses: ['backchannel_request_settled', 'credential_refused'],
        async handle(input) {
          await settle(kit, input, verdict)
          return {}
        },
      }),
    ),
  ],
})

const listStatement = {
  name: 'oidc_backchannel_request-list',
  text: `select public_id, client_id, account_id, payload, expires_at from oidc_backchannel_request
where tenant_id = $1 and state = 'waiting' and expires_at > $3 and ($2::text is null or account_id = $2)
order by created_at, public_id limit 200`,
}

type Waiting = {
  readonly public_id: string
  readonly client_id: string
  readonly account_id: string
  readonly payload: string
  readonly expires_at: Date
}

function view(row: Waiting) {
  const { scope = '', params = {} } = parse(row.payload)
  const details = askedDetails(params)
  const words = (text: unknown) => (typeof text === 'string' ? text.split(' ').filter((word) => word !== '') : [])
  return {
    id: row.public_id,
    clientId: row.client_id,
    userId: row.account_id,
    ...(typeof params.binding_message === 'string' ? { bindingMessage: params.binding_message } : {}),
    scopes: words(scope),
    acrValues: words(params.acr_values),
    ...(details ? { authorizationDetails: z.array(z.record(z.string(), z.json())).parse(details) } : {}),
    expiresAt: row.expires_at.toISOString(),
  }
}

/** As they were checked when the client asked. */
function askedDetails(params: AdapterPayload['params']): AuthorizationDetail[] | undefined {
  const text = params?.authorization_details
  return typeof text === 'string' ? (JSON.parse(text) as AuthorizationDetail[]) : undefined
}

type Input = Pick<RouteInput, 'scope' | 'params'>

const find = ({ kernel }: Kit, { scope, params }: Input): Promise<WaitingRow | undefined> =>
  createWaitingRows(kernel.database, scope.tenant.id, 'oidc_backchannel_request').findBy('public_id', params.id ?? '')

async function target(kit: Kit, input: Input): Promise<Target> {
  const row = await find(kit, input)
  const tenant = entityOf('Tenant', input.scope.tenant.id)
  if (!row) return { missing: true, decideOn: tenant, action: 'listBackchannelRequests' }
  const { accountId } = parse(row.payload)
  const resource = entityOf('BackchannelRequest', input.params.id ?? '')
  const attributes = new Map([
    ['tenant', tenant],
    ['client', entityOf('Client', row.clientId)],
    ...(accountId === undefined ? [] : ([['owner', entityOf('User', accountId)]] as const)),
  ])
  return { resource, entities: [{ uid: resource, attributes }] }
}

/** The grant, the request's new state, the note for the client and the audit row stand together. */
async function settle(kit: Kit, input: Input, verdict: 'approve' | 'deny'): Promise<void> {
  const { scope, params } = input
  const { provider, library } = await kit.providers.of(scope.tenant)
  await kit.exchanges.run({ scope, spends: false }, async (exchange) => {
    try {
      await kit.securityLog.within(exchange, async () => {
        const row = await find(kit, input)
        if (!row) throw errors.not_found()
        const asked = parse(row.payload)
        const { clientId = '', accountId = '' } = asked
        const request = handleOf(row)
        if (row.state !== 'waiting' || (asked.exp ?? 0) * 1_000 <= scope.now) {
          throw oidcErrors.backchannel_request_settled()
        }
        if (verdict === 'approve') {
          const grant = new provider.Grant({ accountId, clientId })
          const scopes = (asked.scope ?? '').split(' ')
          grant.addOIDCScope(scopes.filter((scope) => identityScopes.has(scope)).join(' '))
          for (const resource of [asked.resource ?? []].flat()) grant.addResourceScope(resource, scopes.join(' '))
          if (asked.claims) grant.addOIDCClaims(Object.values(asked.claims).flatMap((part) => Object.keys(part ?? {})))
          await grant.save()
          const rar = askedDetails(asked.params)
          const authTime = Math.floor(scope.now / 1_000)
          await provider.backchannelResult(request, grant, { authTime, ...(rar ? { rar } : {}) })
        } else {
          await provider.backchannelResult(request, new library.errors.AccessDenied('the person said no'))
        }
        exchange.events.push({
          name: pingTopic,
          resource: entityOf('Client', clientId),
          outcome: verdict === 'approve' ? 'success' : 'denied',
          detail: { request: params.id, clientId, userId: accountId, verdict },
          isSent: true,
        })
      })
    } catch (error) {
      if (!(error instanceof library.errors.OIDCProviderError) || error.statusCode >= 500) throw error
      if (error instanceof library.errors.InvalidGrant) throw issuanceErrors.credential_refused({ cause: error })
      throw oidcErrors.backchannel_request_settled({ cause: error })
    }
  })
}
