import type { Grant, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { DecisionPoint } from '../decision/decision-point.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { clientEntity, entityOf } from '../identity/entities.ts'
import type { ClientRecord } from './client-records.ts'
import { type Consent, type Consents, covers, isNothing } from './consents.ts'

/** What this authorization request asks beyond what `grant` has. Claims about the sign-in itself need nobody's consent. */
export function missingFrom(ctx: KoaContextWithOIDC, grant: Grant | undefined): Consent {
  const { oidc } = ctx
  const scopes = new Set((grant?.getOIDCScopeEncountered() ?? '').split(' '))
  const claims = new Set(grant?.getOIDCClaimsEncountered() ?? [])
  const missingResources = Object.entries(oidc.resourceServers ?? {}).flatMap(([audience, server]) => {
    const had = new Set((grant?.getResourceScopeEncountered(audience) ?? '').split(' '))
    const asked = [...oidc.requestParamScopes].filter((scope) => server.scopes.has(scope) && !had.has(scope))
    return asked.length > 0 ? [[audience, asked] as const] : []
  })
  return {
    scopes: [...oidc.requestParamOIDCScopes].filter((scope) => !scopes.has(scope)),
    claims: [...oidc.requestParamClaims].filter((claim) => !claims.has(claim) && !protocolClaims.has(claim)),
    resources: Object.fromEntries(missingResources),
  }
}

const protocolClaims = new Set(['sub', 'sid', 'auth_time', 'acr', 'amr', 'iss'])

export function extendGrant(grant: Grant, consent: Consent): void {
  if (consent.scopes.length > 0) grant.addOIDCScope(consent.scopes.join(' '))
  if (consent.claims.length > 0) grant.addOIDCClaims([...consent.claims])
  for (const [audience, scopes] of Object.entries(consent.resources)) grant.addResourceScope(audience, scopes.join(' '))
}

/**
 * The grant of this session and client. Where the person has agreed before, or policy lets the client go without asking
 * (`skipConsent on Client`), it is extended silently; `prompt=consent` always asks.
 */
export async function loadGrant(
  ctx: KoaContextWithOIDC,
  with_: {
    readonly provider: Provider
    readonly consents: Consents
    readonly decisions: DecisionPoint
    readonly scope: RequestScope
    readonly client: ClientRecord
  },
): Promise<Grant | undefined> {
  const { provider, client } = with_
  const { session, account, result } = ctx.oidc
  if (!session || !account) return undefined
  const grantId = result?.consent?.grantId ?? session.grantIdFor(client.id)
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant = existing?.accountId === account.accountId && existing.clientId === client.id ? existing : undefined
  if (ctx.oidc.prompts.has('consent') && !result?.consent) return grant
  const missing = missingFrom(ctx, grant)
  if (grant && isNothing(missing)) return grant
  const isAgreed =
    covers(await with_.consents.find(account.accountId, client.id), missing) ||
    (await maySkipConsent(with_, account.accountId))
  if (!isAgreed) return grant
  const extended = grant ?? new provider.Grant({ accountId: account.accountId, clientId: client.id })
  extendGrant(extended, missing)
  await extended.save()
  return extended
}

/** A first-party client need not ask, unless the tenant says otherwise. */
export async function maySkipConsent(
  {
    decisions,
    scope,
    client,
  }: { readonly decisions: DecisionPoint; readonly scope: RequestScope; readonly client: ClientRecord },
  accountId: string,
): Promise<boolean> {
  const { decision } = await decisions.decide(scope, {
    action: 'skipConsent',
    subject: entityOf('User', accountId),
    resource: entityOf('Client', client.id),
    entities: [clientEntity({ ...client, status: 'active' }, scope.tenant.id)],
  })
  return decision
}
