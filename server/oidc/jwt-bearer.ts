import { accountOfAssertion } from './assertion-account.ts'
import { mintAccessToken } from './mint-access-token.ts'
import type { OwnGrant, OwnGrantKit } from './own-grants.ts'
import { proveKey } from './prove-key.ts'
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
    if (!assertion || accountId === undefined) throw new kit.library.errors.InvalidGrant('the assertion is not good')
    return { assertion, accountId }
  },

  async give(ctx, client, { assertion, accountId }, exchange) {
    const now = kit.clock.now()
    const { resource, server } = requestedTarget(ctx, { ...kit, client })
    const available = assertion.issuer.scope.split(' ').filter((scope) => scope !== '')
    const scopes = requestedScopes(ctx, { ...kit, client, available, server })
    const thumbprint = await proveKey(ctx, { ...kit, now })
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
        thumbprint,
        derived: { grant, issuer: assertion.issuer.issuer },
      },
    )
  },
})
