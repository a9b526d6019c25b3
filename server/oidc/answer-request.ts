// Requests of clients that wait for a person's word given elsewhere (CIBA Core): what waits, and the word itself.
import type { AdapterPayload, AuthorizationDetail } from 'oidc-provider'
import { z } from 'zod'
import type { Database } from '../../adapters/database/port.ts'
import { errors } from '../http/errors.ts'
import type { RequestScope } from '../http/request-scope.ts'
import type { RouteInput, Target } from '../http/route.ts'
import { entityOf, scopesOf } from '../identity/entities.ts'
import { issuanceErrors } from '../issuance/errors.ts'
import type { Kernel } from '../kernel.ts'
import { identityScopes } from './client-metadata.ts'
import { oidcErrors } from './errors.ts'
import type { Exchanges } from './exchange.ts'
import { parse } from './families.ts'
import { pingTopic } from './ping-clients.ts'
import type { Providers } from './providers.ts'
import type { SecurityEvent, SecurityLog } from './security-log.ts'
import { createWaitingRows, handleOf, type WaitingRow } from './waiting-rows.ts'

export type RequestKit = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly exchanges: Exchanges
  readonly securityLog: SecurityLog
}

export const waitingShape = z.object({
  id: z.string(),
  clientId: z.string(),
  clientName: z.string(),
  userId: z.string(),
  bindingMessage: z.string().optional(),
  scopes: z.array(z.string()),
  acrValues: z.array(z.string()),
  authorizationDetails: z.array(z.record(z.string(), z.json())).optional(),
  createdAt: z.string(),
  expiresAt: z.string(),
})
export type WaitingRequest = ReturnType<typeof view>

/** Oldest first; of one person, or of all. */
export async function listWaiting(
  database: Database,
  { tenant, now }: Pick<RequestScope, 'tenant' | 'now'>,
  accountId?: string,
): Promise<WaitingRequest[]> {
  return (await database.query<Waiting>(listStatement, [tenant.id, accountId ?? null, new Date(now)])).map(view)
}

/** A request that is not there is decided by `missingAction` on the tenant, or by nobody's leave where that is not said. */
export async function requestTarget(
  kit: Pick<RequestKit, 'kernel'>,
  { scope, params }: Pick<RouteInput, 'scope' | 'params'>,
  missingAction: string,
): Promise<Target> {
  const tenant = entityOf('Tenant', scope.tenant.id)
  const found = await findRequest(kit, { scope, id: params.id ?? '' })
  return found ?? { missing: true, decideOn: tenant, action: missingAction }
}

/** The request as the rules see it. */
export async function findRequest(
  kit: Pick<RequestKit, 'kernel'>,
  of: { readonly scope: RequestScope; readonly id: string },
) {
  const row = await find(kit, of)
  if (!row) return undefined
  const { accountId } = parse(row.payload)
  const resource = entityOf('BackchannelRequest', of.id)
  const attributes = new Map([
    ['tenant', entityOf('Tenant', of.scope.tenant.id)],
    ['client', entityOf('Client', row.clientId)],
    ...(accountId === undefined ? [] : ([['owner', entityOf('User', accountId)]] as const)),
  ])
  return { resource, accountId, entities: [{ uid: resource, attributes }] }
}

export type Word = {
  readonly scope: RequestScope
  readonly id: string
  readonly verdict: 'approve' | 'deny'
  /** The person's own sign-in, where the person says it; else somebody else vouches for it now. */
  readonly by?: { readonly authenticatedAt: number; readonly acr: string; readonly amr: readonly string[] }
}

/** The grant, the request's new state, the note for the client and the audit row stand together. Allowed by the caller. */
export async function answerRequest(kit: RequestKit, word: Word): Promise<void> {
  const { scope, verdict } = word
  const { library, provider } = await kit.providers.of(scope.tenant)
  await kit.exchanges.run({ scope, spends: false }, async (exchange) => {
    try {
      await kit.securityLog.within(exchange, async () => {
        const row = await find(kit, word)
        if (!row) throw errors.not_found()
        const asked = parse(row.payload)
        if (row.state !== 'waiting' || (asked.exp ?? 0) * 1_000 <= scope.now) {
          throw oidcErrors.backchannel_request_settled()
        }
        if (verdict === 'approve') await approve(provider, { word, row, asked })
        else await provider.backchannelResult(handleOf(row), new library.errors.AccessDenied('the person said no'))
        exchange.events.push(...eventsOf(word, asked))
      })
    } catch (error) {
      if (!(error instanceof library.errors.OIDCProviderError) || error.statusCode >= 500) throw error
      if (error instanceof library.errors.InvalidGrant) throw issuanceErrors.credential_refused({ cause: error })
      throw oidcErrors.backchannel_request_settled({ cause: error })
    }
  })
}

type Provider = Awaited<ReturnType<Providers['of']>>['provider']

async function approve(
  provider: Provider,
  { word, row, asked }: { readonly word: Word; readonly row: WaitingRow; readonly asked: AdapterPayload },
): Promise<void> {
  const { accountId = '', clientId = '', scope = '' } = asked
  const grant = new provider.Grant({ accountId, clientId })
  const scopes = scope.split(' ')
  grant.addOIDCScope(scopes.filter((each) => identityScopes.has(each)).join(' '))
  for (const resource of [asked.resource ?? []].flat()) grant.addResourceScope(resource, scopes.join(' '))
  if (asked.claims) grant.addOIDCClaims(Object.values(asked.claims).flatMap((part) => Object.keys(part ?? {})))
  await grant.save()
  const rar = askedDetails(asked.params)
  const { authenticatedAt = word.scope.now, acr, amr } = word.by ?? {}
  await provider.backchannelResult(handleOf(row), grant, {
    authTime: Math.floor(authenticatedAt / 1_000),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr: [...amr] }),
    ...(rar ? { rar } : {}),
  })
}

function eventsOf({ id, verdict, by }: Word, { clientId = '', accountId = '' }: AdapterPayload): SecurityEvent[] {
  const outcome = verdict === 'approve' ? 'success' : 'denied'
  const detail = { request: id, clientId, userId: accountId, verdict }
  const ping: SecurityEvent = {
    name: pingTopic,
    resource: entityOf('Client', clientId),
    outcome,
    detail,
    isSent: true,
  }
  if (!by) return [ping]
  return [ping, { name: 'oidc.ciba.answered', resource: entityOf('User', accountId), outcome, detail }]
}

const find = (
  { kernel }: Pick<RequestKit, 'kernel'>,
  { scope, id }: { readonly scope: RequestScope; readonly id: string },
): Promise<WaitingRow | undefined> =>
  createWaitingRows(kernel.database, scope.tenant.id, 'oidc_backchannel_request').findBy('public_id', id)

const listStatement = {
  name: 'oidc_backchannel_request-list',
  text: `select r.public_id, r.client_id, c.name as client_name, r.account_id, r.payload, r.created_at, r.expires_at
from oidc_backchannel_request r join client c on c.tenant_id = r.tenant_id and c.id = r.client_id
where r.tenant_id = $1 and r.state = 'waiting' and r.expires_at > $3 and ($2::text is null or r.account_id = $2)
order by r.created_at, r.public_id limit 200`,
}

type Waiting = {
  readonly public_id: string
  readonly client_id: string
  readonly client_name: string
  readonly account_id: string
  readonly payload: string
  readonly created_at: Date
  readonly expires_at: Date
}

function view(row: Waiting) {
  const { scope, params = {} } = parse(row.payload)
  const details = askedDetails(params)
  return {
    id: row.public_id,
    clientId: row.client_id,
    clientName: row.client_name,
    userId: row.account_id,
    ...(typeof params.binding_message === 'string' ? { bindingMessage: params.binding_message } : {}),
    scopes: scopesOf(scope),
    acrValues: typeof params.acr_values === 'string' ? scopesOf(params.acr_values) : [],
    ...(details ? { authorizationDetails: z.array(z.record(z.string(), z.json())).parse(details) } : {}),
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
  }
}

/** As they were checked when the client asked. */
function askedDetails(params: AdapterPayload['params']): AuthorizationDetail[] | undefined {
  const text = params?.authorization_details
  return typeof text === 'string' ? (JSON.parse(text) as AuthorizationDetail[]) : undefined
}
