import type { KoaContextWithOIDC } from 'oidc-provider'
import type { EntityValue } from '../../policy-lang/index.ts'
import { entityOf } from '../identity/entities.ts'
import { accountOfAssertion } from './assertion-account.ts'
import type { ClientRecord } from './client-records.ts'
import { covers } from './consents.ts'
import { type Subject, subjectOfAccessToken, subjectOfIdToken, tokenTypes } from './exchange-subject.ts'
import { maySkipConsent } from './grants.ts'
import { giveIdentityAssertion } from './identity-assertion.ts'
import { type Actor, mintAccessToken } from './mint-access-token.ts'
import type { OwnGrant, OwnGrantKit } from './own-grants.ts'
import { isBinding, proveBinding } from './prove-key.ts'
import { requestedScopes, requestedTarget, type Target } from './requested-target.ts'
import type { Assertion } from './trusted-issuers.ts'

/** Who acted for whom stays readable: no longer chain is made (provider.md §2). */
const longestChain = 3

type Presented = {
  readonly subject: Subject
  /** An assertion for another server is wanted, not an access token of ours. */
  readonly isIdJag?: boolean
  readonly actor?: { readonly entity: EntityValue; readonly sub: string; readonly issuer: string }
  /** An assertion of another issuer, still to be claimed. */
  readonly assertion?: Assertion
}

/** OAuth 2.0 Token Exchange (RFC 8693): one access token for another, by the rules of `delegate` and `impersonate`. */
export const tokenExchange = (kit: OwnGrantKit): OwnGrant<Presented> => ({
  parameters: [
    'subject_token',
    'subject_token_type',
    'actor_token',
    'actor_token_type',
    'requested_token_type',
    'audience',
    'resource',
    'scope',
  ],

  /** Outside of the transaction: keys of other issuers may have to be fetched. */
  async prepare(ctx, client) {
    const { params = {} } = ctx.oidc
    const refuse = (why: string) => new kit.library.errors.InvalidRequest(why)
    const wanted = params.requested_token_type ?? tokenTypes.access
    const isIdJag = wanted === tokenTypes.idJag
    if (wanted !== tokenTypes.access && wanted !== tokenTypes.jwt && !isIdJag)
      throw refuse('nothing of this type is given')
    if (typeof params.subject_token !== 'string' || typeof params.subject_token_type !== 'string') {
      throw refuse('missing required parameter(s) (subject_token, subject_token_type)')
    }
    const found = await readSubject(kit, client, params.subject_token, params.subject_token_type)
    if (isIdJag && (params.subject_token_type !== tokenTypes.id || params.actor_token !== undefined)) {
      throw refuse('an identity assertion is given for an ID token, and to nobody else')
    }
    // RFC 8693 §2.2.2: which check failed is nobody's business.
    if (!found) throw refuse('the subject token is not good')
    const hasActor = params.actor_token !== undefined
    if (hasActor !== (params.actor_token_type !== undefined))
      throw refuse('actor_token and actor_token_type go together')
    const actor = hasActor ? await readActor(kit, params.actor_token, params.actor_token_type) : undefined
    if (hasActor && !actor) throw refuse('the actor token is not good')
    return { ...found, isIdJag, ...(actor ? { actor } : {}) }
  },

  async give(ctx, client, { subject, actor, assertion, isIdJag }, exchange) {
    const now = kit.clock.now()
    if (isIdJag) {
      const { issuer } = kit.tenant
      return giveIdentityAssertion(ctx, { ...kit, issuer, exchange, now }, { client, subject })
    }
    const target = requestedTarget(ctx, { ...kit, client })
    const mayAct = requireNamedActor(kit, subject, actor)
    const act = actor ? chain(kit, actor, subject) : subject.act
    const available = subject.scopes ?? (await agreedScopes(kit, ctx, { client, target, subject, assertion }))
    const scopes = requestedScopes(ctx, { ...kit, client, available, server: target.server })
    const binding = await proveBinding(ctx, { ...kit, now })
    if (subject.isBound && !isBinding(binding)) {
      throw new kit.library.errors.InvalidRequest('a bound token is exchanged for a bound one')
    }
    if (assertion && !(await kit.claimOnce(useOf(assertion), assertion.exp))) {
      throw new kit.library.errors.InvalidRequest('the subject token has been used')
    }
    exchange.source = subject.epochs
    const { accountId, via, acr, amr, authTime } = subject
    const grant = subject.grant ?? (await kit.openGrant(ctx, { accountId, notAfter: subject.notAfter }))
    await mintAccessToken(
      ctx,
      { ...kit, exchange, now },
      {
        accountId,
        resource: target.resource,
        resourceServer: target.server,
        scopes,
        notAfter: subject.notAfter,
        binding,
        more: { issued_token_type: tokenTypes.access },
        derived: {
          grant,
          ...(via ? { via } : {}),
          ...(act ? { act } : {}),
          ...(acr !== undefined ? { acr } : {}),
          ...(amr ? { amr } : {}),
          ...(authTime !== undefined ? { authTime } : {}),
          ...(assertion ? { issuer: assertion.issuer.issuer } : {}),
          exchange: {
            mode: actor ? 'delegate' : 'impersonate',
            actor:
              actor?.entity.type === 'User'
                ? { type: 'User', id: actor.sub }
                : { type: 'Client', id: actor?.sub ?? client.id },
            mayAct,
            ...(subject.clientId !== undefined ? { sourceClientId: subject.clientId } : {}),
          },
        },
      },
    )
  },
})

const useOf = ({ issuer, jti }: Assertion) => ({ purpose: 'assertion', issuer: issuer.issuer, id: jti }) as const

async function readSubject(
  kit: OwnGrantKit,
  client: ClientRecord,
  text: string,
  type: string,
): Promise<Presented | undefined> {
  const { tenant, accessTokens, database } = kit
  if (type === tokenTypes.access) return present(await subjectOfAccessToken(accessTokens, tenant, text))
  if (type === tokenTypes.id) {
    const of = { tenantId: tenant.id, clientId: client.id, text }
    return present(await subjectOfIdToken({ database, now: kit.clock.now(), verify: kit.verifyIdToken }, of))
  }
  if (type !== tokenTypes.jwt) return undefined
  const own = await subjectOfAccessToken(accessTokens, tenant, text)
  if (own) return { subject: own }
  const assertion = await kit.readAssertion(tenant, text, client.metadata.trustedIssuers ?? [])
  const accountId = assertion && (await accountOfAssertion(assertion, kit.accounts))
  // An identity assertion grant is for the grant of its own (ID-JAG §4.4), and names no subject token.
  if (!assertion || assertion.isIdJag || accountId === undefined) return undefined
  const { exp, claims } = assertion
  const mayAct = claims.may_act
  return { assertion, subject: { accountId, notAfter: exp, epochs: {}, ...(mayAct === undefined ? {} : { mayAct }) } }
}

const present = (subject: Subject | undefined): Presented | undefined => subject && { subject }

/** Whoever acts shows a token of ours of its own: a client's, or a person's. */
async function readActor(kit: OwnGrantKit, text: unknown, type: unknown): Promise<Presented['actor']> {
  if (typeof text !== 'string' || (type !== tokenTypes.access && type !== tokenTypes.jwt)) return undefined
  const token = await kit.accessTokens.read(kit.tenant, text)
  // Somebody who acts for another is not an actor in its own right.
  if (!token || token.act) return undefined
  const entity = entityOf(token.sub === token.client_id ? 'Client' : 'User', token.sub)
  return { entity, sub: token.sub, issuer: kit.tenant.issuer }
}

/** RFC 8693 §4.4: where the person's token names who may act, nobody else may, whatever the rules say. */
function requireNamedActor({ library, tenant }: OwnGrantKit, { mayAct }: Subject, actor: Presented['actor']): boolean {
  if (mayAct === undefined) return false
  const { sub, iss = tenant.issuer } = (typeof mayAct === 'object' && mayAct !== null ? mayAct : {}) as {
    readonly sub?: unknown
    readonly iss?: unknown
  }
  if (actor && sub === actor.sub && iss === actor.issuer) return true
  throw new library.errors.InvalidRequest('the subject token names another actor')
}

/** RFC 8693 §4.1: the newest actor outermost. */
function chain({ library }: OwnGrantKit, actor: NonNullable<Presented['actor']>, { act }: Subject): Actor {
  let length = 1
  for (let earlier = act; earlier; earlier = earlier.act) length += 1
  if (length > longestChain) throw new library.errors.InvalidRequest('too many have acted already')
  const { sub, entity } = actor
  return { sub, ...(entity.type === 'Client' ? { client_id: sub } : {}), ...(act ? { act } : {}) }
}

/**
 * A token that has no scopes of its own is worth what its issuer may give, or what the person has agreed to before: nobody is asked
 * here.
 */
async function agreedScopes(
  kit: OwnGrantKit,
  ctx: KoaContextWithOIDC,
  of: {
    readonly client: ClientRecord
    readonly target: Target
    readonly subject: Subject
    readonly assertion: Assertion | undefined
  },
): Promise<readonly string[]> {
  const { client, target, subject, assertion } = of
  if (assertion) return assertion.issuer.scope.split(' ')
  const { scope } = ctx.oidc.params ?? {}
  const asked = typeof scope === 'string' ? scope.split(' ') : []
  const consent = { scopes: [], claims: [], resources: { [target.resource]: asked } }
  const isAgreed =
    covers(await kit.consents.find(subject.accountId, client.id), consent) ||
    (await maySkipConsent(
      { decisions: kit.decisions, scope: kit.exchanges.current().scope, client },
      subject.accountId,
    ))
  return isAgreed ? asked : []
}
