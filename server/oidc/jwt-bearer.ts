import { scopesOf } from '../identity/entities.ts'
import { accountOfAssertion } from './assertion-account.ts'
import { mintAccessToken } from './mint-access-token.ts'
import type { OwnGrant, OwnGrantKit } from './own-grants.ts'
import { proveBinding } from './prove-key.ts'
import { requestedScopes, requestedTarget } from './requested-target.ts'
import type { Assertion } from './trusted-issuers.ts'

/** A token for the person that an issuer, trusted by the tenant and named by the client, vouches for (RFC 7523 §2.1). */
export const jwtBearer = (kit: OwnGrantKit): OwnGrant<{ assertion: Assertion; accountId: string }> => ({
  parameters: ['assertion', 'audience', 'resource', 'scope'],

  async prepare(ctx, client) {
    const { assertion: text } = ctx.oidc.params ?? {}
    if (typeof text !== 'string') {
      throw new kit.library.errors.InvalidRequest('missing required parameter(s) (assertion)')
    }
    const assertion = await kit.readAssertion(kit.tenant, text, client.metadata.trustedIssuers ?? [])
    const accountId = assertion && (await accountOfAssertion(assertion, kit.accounts))
    // RFC 7521 §4.1.1: which check failed, and whether there is such a person, is nobody's business.
    if (!assertion || accountId === undefined || !isMeantFor(assertion, client.id))
      throw new kit.library.errors.InvalidGrant('the assertion is not good')
    return { assertion, accountId }
  },

  async give(ctx, client, { assertion, accountId }, exchange) {
    const now = kit.clock.now()
    const { resource, server } = requestedTarget(ctx, { ...kit, client })
    const available = scopesWithin(assertion)
    requireResource(kit, assertion, resource)
    const scopes = requestedScopes(ctx, { ...kit, client, available, server })
    const binding = await proveBinding(ctx, { ...kit, now })
    const use = { purpose: 'assertion', issuer: assertion.issuer.issuer, id: assertion.jti } as const
    if (!(await kit.claimOnce(use, assertion.exp)))
      throw new kit.library.errors.InvalidGrant('the assertion has been used')
    const notAfter = Math.floor(now / 1_000) + (server.accessTokenTTL ?? 0)
    const grant = await kit.openGrant(ctx, { accountId, notAfter })
    await mintAccessToken(
      ctx,
      { ...kit, exchange, now },
      {
        accountId,
        resource,
        resourceServer: server,
        scopes,
        notAfter,
        binding,
        derived: { grant, issuer: assertion.issuer.issuer },
      },
    )
  },
})

/** An identity assertion grant names its client: another one's, stolen or passed on, is nothing (ID-JAG §4.4.1). */
const isMeantFor = ({ isIdJag, claims }: Assertion, clientId: string): boolean =>
  !isIdJag || claims.client_id === clientId

/** What the issuer may give at all, and where it says so itself what it gave here. */
function scopesWithin({ issuer, isIdJag, claims }: Assertion): readonly string[] {
  const available = scopesOf(issuer.scope)
  if (!isIdJag || claims.scope === undefined) return available
  const given = new Set(typeof claims.scope === 'string' ? scopesOf(claims.scope) : [])
  return available.filter((scope) => given.has(scope))
}

function requireResource({ library }: OwnGrantKit, { isIdJag, claims }: Assertion, resource: string): void {
  if (!isIdJag || claims.resource === undefined) return
  if (![claims.resource].flat().includes(resource)) throw new library.errors.InvalidTarget()
}
