import type { Database } from '../../adapters/database/port.ts'
import type { EntityValue } from '../../policy-lang/index.ts'
import type { DecisionPoint, JsonValue, Judgement } from '../decision/decision-point.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { clientEntity, entityOf, tenantEntity, userEntity } from '../identity/entities.ts'
import { issuanceErrors } from './errors.ts'
import type { Issue, IssueRequest, Permit } from './issue.ts'
import { createReadSoon } from './read-soon.ts'
import type { Standing } from './standing.ts'
import { strongerSignIn } from './stronger-sign-in.ts'

const levels = new Set(['pwd', 'mfa', 'phr', 'phrh'])

/**
 * The one place that permits a credential (security.md row 1). Within one request the standing of the same client and account
 * is read once, so a token response of three credentials costs one query.
 */
export function createGate(kernel: { readonly database: Database; readonly decisions: DecisionPoint }): Issue {
  const readSoon = createReadSoon(kernel.database)
  const readings = new WeakMap<RequestScope, Map<string, Promise<Standing | undefined>>>()

  const standingFor = (scope: RequestScope, request: IssueRequest): Promise<Standing | undefined> => {
    const known = readings.get(scope) ?? new Map<string, Promise<Standing | undefined>>()
    readings.set(scope, known)
    const key = JSON.stringify([request.clientId, request.accountId])
    const found = known.get(key)
    if (found) return found
    const { clientId, accountId } = request
    const reading = readSoon({ tenantId: scope.tenant.id, clientId, accountId }, scope.now)
    known.set(key, reading)
    return reading
  }

  return async (scope, request) => {
    const standing = await standingFor(scope, request)
    if (!standing) throw refuse(request, 'the tenant is gone')
    if (request.accountId !== undefined && !standing.account) throw refuse(request, 'the account is gone')
    if (request.clientId !== undefined && !standing.client) throw refuse(request, 'the client is gone')
    const judgement = await kernel.decisions.decide(scope, question(scope, request, standing))
    if (!judgement.decision) {
      throw refuse(
        request,
        `decision ${judgement.id} by ${judgement.reasons.join(', ') || (judgement.code ?? 'no rule')}`,
        judgement,
      )
    }
    await requireExchange(kernel.decisions, scope, request, standing)
    await requireDetails(kernel.decisions, scope, request, standing)
    return permitOf(judgement.id, request, standing)
  }
}

/** Whoever acts for a person is judged beside the credential itself, by what it will be used for (RFC 8693 §1.1). */
async function requireExchange(
  decisions: DecisionPoint,
  scope: RequestScope,
  request: IssueRequest,
  { account, client, tenant }: Standing,
): Promise<void> {
  const { exchange } = request
  if (!exchange) return
  if (!account || !client) throw refuse(request, 'an exchange without a person or a client')
  const { mode, actor, mayAct, sourceClientId } = exchange
  const judgement = await decisions.decide(scope, {
    action: mode,
    subject: entityOf(actor.type, actor.id),
    resource: entityOf('User', account.id),
    context: {
      tenant: { type: 'Tenant', id: tenant.id },
      through: { type: 'Client', id: client.id },
      requestedScopes: [...new Set(request.scopes)],
      mayAct,
      ...(request.audience !== undefined ? { audience: request.audience } : {}),
      ...(sourceClientId !== undefined ? { sourceClient: { type: 'Client', id: sourceClientId } } : {}),
    },
    entities: [tenantEntity(tenant), userEntity(account, tenant.id), clientEntity(client, tenant.id)],
  })
  if (judgement.decision) return
  const why = judgement.reasons.join(', ') || (judgement.code ?? 'no rule')
  throw refuse(request, `${mode}: decision ${judgement.id} by ${why}`, judgement)
}

/** Whoever holds the credential may do just this: each detail is asked as if it were done now (RFC 9396 §7.1). */
async function requireDetails(
  decisions: DecisionPoint,
  scope: RequestScope,
  request: IssueRequest,
  { account, client, tenant }: Standing,
): Promise<void> {
  const { details = [] } = request
  if (details.length === 0) return
  const subject = account ? entityOf('User', account.id) : entityOf('Client', client?.id ?? '')
  const entities = [
    ...(account ? [userEntity(account, tenant.id)] : []),
    ...(client ? [clientEntity(client, tenant.id)] : []),
  ]
  const questions = details.map(({ action, resource, context }) => {
    return { action, resource: entityOf(resource.type, resource.id), context, subject, entities }
  })
  const judgements = await decisions.decideMany(scope, questions)
  const denied = judgements.find(({ decision }) => !decision)
  if (judgements.length === details.length && !denied) return
  throw refuse(request, `detail: decision ${denied?.id} by ${denied?.reasons.join(', ')}`, denied)
}

const permitOf = (decisionId: string, request: IssueRequest, { tenant, account, client }: Standing): Permit =>
  // The only cast to the brand: test/tidy keeps it so.
  ({
    decisionId,
    request,
    epochs: {
      tenant: tenant.epoch,
      ...(account ? { account: account.epoch } : {}),
      ...(client ? { client: client.epoch } : {}),
    },
  }) as Permit

function question(scope: RequestScope, request: IssueRequest, standing: Standing) {
  const { tenant, client, account } = standing
  const credential = entityOf('Credential', `${request.kind}:${scope.requestId}`)
  const owner = account ? entityOf('User', account.id) : undefined
  const holder = client ? entityOf('Client', client.id) : undefined
  const entities = [
    tenantEntity(tenant),
    ...(account ? [userEntity(account, tenant.id)] : []),
    ...(client ? [clientEntity(client, tenant.id)] : []),
    {
      uid: credential,
      attributes: new Map<string, string | EntityValue>([
        ['tenant', entityOf('Tenant', tenant.id)],
        ['kind', request.kind],
        ...(holder ? [['client', holder] as const] : []),
        ...(owner ? [['owner', owner] as const] : []),
      ]),
    },
  ]
  return {
    action: 'issue',
    resource: credential,
    subject: owner ?? holder ?? entityOf('Anonymous', ''),
    context: contextOf(request, standing),
    entities,
  }
}

function contextOf(request: IssueRequest, standing: Standing): { readonly [name: string]: JsonValue } {
  const signsIn = request.kind === 'session' && request.grant === 'password_sign_in'
  return {
    grant: request.grant,
    requestedScopes: [...new Set(request.scopes)],
    // A lock made of guesses stops guessing only: what the person already holds goes on (people.md §4).
    locked: signsIn && standing.isGuessed && request.deviceKnown !== true,
    stale: isStale(request, standing),
    ...(request.audience !== undefined ? { audience: request.audience } : {}),
    ...(request.acr !== undefined && levels.has(request.acr) ? { acr: request.acr } : {}),
  }
}

/** Whatever the credential was derived from is older than the last security-relevant change (security.md row 16). */
function isStale({ epochs }: IssueRequest, { tenant, account, client }: Standing): boolean {
  if (!epochs) return false
  return (
    (epochs.tenant !== undefined && epochs.tenant < tenant.epoch) ||
    (epochs.account !== undefined && epochs.account < (account?.epoch ?? 0)) ||
    (epochs.client !== undefined && epochs.client < (client?.epoch ?? 0))
  )
}

function refuse(
  request: IssueRequest,
  privateDetail: string,
  { texts, advice }: Pick<Judgement, 'texts' | 'advice'> = { texts: [], advice: [] },
): Error {
  const stronger = strongerSignIn(advice)
  const options = {
    privateDetail: `${request.kind} by ${request.grant}: ${privateDetail}`,
    ...(texts[0] !== undefined ? { detail: texts[0] } : {}),
  }
  return stronger
    ? issuanceErrors.stronger_sign_in_needed({ ...options, members: stronger })
    : issuanceErrors.credential_refused(options)
}
