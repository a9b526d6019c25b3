import { decodeJwt } from 'jose'
import type {
  AccessToken,
  AdapterFactory,
  Client,
  ClientCredentials,
  Grant,
  KoaContextWithOIDC,
  Account as LibraryAccount,
  RefreshToken,
  ResourceServer,
} from 'oidc-provider'
import type { Secrets } from '../../adapters/secrets/port.ts'
import type { DecisionPoint } from '../decision/decision-point.ts'
import type { WebContext } from '../http/mount.ts'
import type { Accounts } from '../identity/accounts.ts'
import type { Issue } from '../issuance/issue.ts'
import { loggedOutPage, logoutPage } from '../pages/logout-page.ts'
import { sendPage, viewerOf } from '../pages/page.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import { type ApiResource, unknownScope } from './api-resources.ts'
import { detailHooks } from './authorization-details.ts'
import { cibaHooks, missingSignedClaim } from './ciba.ts'
import { claimsOf } from './claims.ts'
import type { ClientRecord } from './client-records.ts'
import type { ClientThrottle } from './client-throttle.ts'
import type { Consents } from './consents.ts'
import { deviceHooks } from './device-flow.ts'
import type { Exchanges } from './exchange.ts'
import { algorithmMistake, fapiProfile, isFapiClient, requestTimeMistake } from './fapi.ts'
import { grantSourceOf } from './grant-source.ts'
import { loadGrant } from './grants.ts'
import type { Library } from './library.ts'
import { type PairwiseSubjects, pairwiseIdentifier, type SectorClient, sealAccount, shownActors } from './pairwise.ts'
import { pkceRequired, requireNonce } from './pkce-policy.ts'
import { type RefusalStage, toProtocolError } from './protocol-errors.ts'
import { renderProtocolError } from './render-error.ts'
import { defaultAudience, resourceServerOf } from './resources.ts'
import { interactionPolicyOf } from './step-up.ts'
import { permitAccessToken } from './token-claims.ts'

export type HookOptions = {
  readonly library: Library
  readonly tenant: Tenant
  readonly adapter: AdapterFactory
  readonly accounts: Accounts
  readonly consents: Consents
  readonly decisions: DecisionPoint
  readonly issue: Issue
  readonly exchanges: Exchanges
  readonly findClient: (id: string) => Promise<ClientRecord | undefined>
  readonly throttle: ClientThrottle
  readonly detailTypes: readonly string[]
  readonly resources: readonly ApiResource[]
  readonly now: () => number
  readonly subjects: PairwiseSubjects
  readonly secrets: Secrets
}
export type Hooks = ReturnType<typeof createHooks>

/** The longest a client assertion may live (provider.md §10, §11.6). */
const longestAssertionSeconds = 300

const longestRequestObjectSeconds = 3_600

type TimedClaims = { readonly aud?: unknown; readonly exp?: unknown; readonly iat?: unknown; readonly nbf?: unknown }

/** Ends soon, and does not begin in the future: clocks differ by a minute at most (FAPI 2.0 §5.3.2.1). */
function requireNear(
  { exp, iat, nbf }: TimedClaims,
  { seconds, longest, refuse }: { seconds: number; longest: number; refuse: (why: string) => Error },
): void {
  if (typeof exp !== 'number' || exp > seconds + longest) throw refuse('exp is too far away')
  for (const at of [iat, nbf]) {
    if (at !== undefined && (typeof at !== 'number' || at > seconds + 60)) throw refuse('iat or nbf is in the future')
  }
}

/** Everything that the library asks us while it serves one tenant. */
export function createHooks(options: HookOptions) {
  const kit = kitOf(options)
  return {
    adapter: options.adapter,
    interactionPolicy: interactionPolicyOf(options.library),
    ...personHooks(kit),
    ...requestHooks(kit),
    ...tokenHooks(kit),
    ...clientHooks(kit),
    ...pageHooks,
    deviceFlow: deviceHooks(options.exchanges),
    ciba: cibaHooks(kit),
    fapiProfile,
    pairwiseIdentifier: pairwiseIdentifier(options.subjects),
    mustVerifySector: (client: Client): boolean => options.subjects.mustVerify(client as SectorClient),
    details: detailHooks({ ...kit, types: options.detailTypes }),
  }
}

export type Kit = HookOptions & {
  readonly recordOf: (clientId: string) => Promise<ClientRecord>
  /** Runs ours inside theirs: what it throws becomes an error of the protocol. */
  readonly answering: <T>(stage: RefusalStage, run: () => Promise<T>) => Promise<T>
}

function kitOf(options: HookOptions): Kit {
  const { library, findClient } = options
  return {
    ...options,
    async recordOf(clientId) {
      const record = await findClient(clientId)
      if (!record) throw new library.errors.InvalidClient('client is invalid')
      return record
    },
    async answering(stage, run) {
      try {
        return await run()
      } catch (error) {
        throw toProtocolError(library, error, stage)
      }
    },
  }
}

/** Whom credentials speak for, and what they were allowed. */
const personHooks = ({
  library,
  tenant,
  secrets,
  accounts,
  exchanges,
  issue,
  consents,
  decisions,
  answering,
  recordOf,
  subjects,
}: Kit) => ({
  /** Undefined is where a disabled account stops, whatever token speaks for it (provider.md §4). */
  findAccount: (ctx: KoaContextWithOIDC, sub: string, token?: unknown): Promise<LibraryAccount | undefined> =>
    answering(token === undefined ? 'authorize' : 'token', async () => {
      noteSignIn(ctx, exchanges)
      const account = await accounts.find(sub)
      if (account?.status !== 'active') {
        // Without a browser there is nobody to show a page to: the client is told that there is nobody (CIBA Core §13).
        if (token === undefined && ctx.oidc.route !== 'backchannel_authentication')
          throw new library.errors.AccessDenied('the account cannot be used')
        return undefined
      }
      return {
        accountId: sub,
        claims: async (use) => {
          if (use === 'id_token') await permitIdToken(ctx, sub, { issue, exchanges, answering })
          return claimsOf(account)
        },
      }
    }),

  extraTokenClaims: (ctx: KoaContextWithOIDC, token: AccessToken | ClientCredentials) =>
    answering(token.kind === 'ClientCredentials' ? 'client' : 'token', async () => {
      if (token.kind === 'ClientCredentials') requireAllowedScopes(library, ctx, await recordOf(token.clientId ?? ''))
      return permitAccessToken(ctx, token, {
        issue,
        exchange: exchanges.current(),
        sealAccount: (of) => sealAccount(secrets, tenant.id, of),
        shownActors: (act) => shownActors(subjects, ctx.oidc.client, act),
      })
    }),

  loadExistingGrant: (ctx: KoaContextWithOIDC): Promise<Grant | undefined> =>
    answering('authorize', async () => {
      const { provider, client } = ctx.oidc
      const record = await recordOf(client?.clientId ?? '')
      return loadGrant(ctx, { provider, consents, decisions, scope: exchanges.current().scope, client: record })
    }),
})

/** What a request may ask for. */
const requestHooks = ({ library, tenant, resources, answering, recordOf, now }: Kit) => ({
  checkRequestedScopes: async (ctx: KoaContextWithOIDC): Promise<void> =>
    answering('authorize', async () => {
      requireNonce(library, ctx)
      requireAllowedScopes(library, ctx, await recordOf(ctx.oidc.client?.clientId ?? ''))
    }),

  resourceServer: (ctx: KoaContextWithOIDC, of: Tenant, resource: string): Promise<ResourceServer> =>
    answering('token', async () => {
      const record = await recordOf(ctx.oidc.client?.clientId ?? '')
      const isForPerson = ctx.oidc.params?.grant_type !== 'client_credentials'
      const server = resourceServerOf({ tenant: of, resources }, resource, record, isForPerson)
      if (!server) throw new library.errors.InvalidTarget()
      const { scope, resource: all = resource } = ctx.oidc.params ?? {}
      const unknown = unknownScope(resources, { scope, resource: all })
      if (unknown !== undefined) throw new library.errors.InvalidScope('the resource has no such scope', unknown)
      return server
    }),

  defaultResource: (ctx: KoaContextWithOIDC, _client: Client, oneOf?: string[]) =>
    oneOf ?? (ctx.oidc.params?.grant_type === 'client_credentials' ? defaultAudience(tenant.issuer) : undefined),

  /** A request object of the client's own making: for now, and for this issuer alone (RFC 9101 §4, FAPI 2.0 Message Signing §5.3.1). */
  checkRequestObject: (
    ctx: KoaContextWithOIDC,
    claims: TimedClaims,
    header: { readonly typ?: unknown; readonly crit?: unknown; readonly alg?: unknown },
  ): void => {
    if (ctx.oidc.entities.PushedAuthorizationRequest) return
    const refuse = (why: string) => new library.errors.InvalidRequestObject(why)
    const types = new Set([undefined, 'JWT', 'jwt', 'oauth-authz-req+jwt'])
    if (header.crit !== undefined || !types.has(header.typ as string)) throw refuse('typ or crit is not understood')
    // The profile takes several, of which we are one (FAPI 2.0 Message Signing §5.3.1).
    const audiences = isFapiClient(ctx.oidc.client) ? [claims.aud].flat() : [claims.aud]
    if (!audiences.includes(tenant.issuer)) throw refuse('aud must be the issuer')
    const mistake = algorithmMistake(ctx.oidc.client, header) ?? requestTimeMistake(ctx.oidc.client, claims)
    if (mistake !== undefined) throw refuse(mistake)
    const missing = missingSignedClaim(ctx, { ...claims })
    if (missing !== undefined) throw refuse(`${missing} is missing`)
    requireNear(claims, { seconds: Math.floor(now() / 1_000), longest: longestRequestObjectSeconds, refuse })
  },

  pkceRequired,
})

/** Which tokens and clients are good, and for what. */
const tokenHooks = ({ library, exchanges }: Kit) => ({
  /**
   * Always, but for a client that lost the answer of a moment ago and is given the same successor, and for clients whose refresh
   * tokens are bound to a key anyway (FAPI 2.0 §5.3.2.1 item 9).
   */
  rotateRefreshToken: (ctx: KoaContextWithOIDC): boolean =>
    exchanges.current().refresh?.successor === undefined && !isFapiClient(ctx.oidc.client),

  /** RFC 7662 §4: a caller sees what is its own; whose audience it is will be a registered resource server. */
  mayIntrospect: (
    _ctx: KoaContextWithOIDC,
    client: Client,
    token: AccessToken | RefreshToken | ClientCredentials,
  ): boolean => token.clientId === client.clientId,

  /** RFC 7009 §2.1: another client's token is refused and stays as it is. */
  mayRevoke: (
    _ctx: KoaContextWithOIDC,
    client: Client,
    token: AccessToken | RefreshToken | ClientCredentials,
  ): boolean => {
    if (token.clientId === client.clientId) return true
    throw new library.errors.InvalidRequest('the token was issued to another client')
  },

  /** CORS at token and userinfo only for origins that the client registered; never a wildcard (security.md §2.10). */
  clientBasedCORS: (_ctx: KoaContextWithOIDC, _origin: string, client: Client): boolean => {
    const { corsOrigins } = client as { readonly corsOrigins?: readonly string[] }
    return corsOrigins?.includes(_origin) === true
  },
})

/** Who a client is. */
function clientHooks({ library, tenant, exchanges, throttle, now }: Kit) {
  /** Too many failures from this address: nothing is compared for a while, so the answer tells nothing. */
  const requireHearing = (clientId: string): void => {
    const { scope } = exchanges.current()
    if (throttle.waitSeconds(tenant.id, clientId, scope.ip, now()) === 0) return
    const error = new library.errors.InvalidClient('too many failed attempts', 'throttled')
    throw Object.assign(error, { status: 429, statusCode: 429, expose: true })
  }
  return {
    requireHearing,

    /** Short-lived and for this issuer alone: one `aud`, as one string (FAPI 2.0 §5.3.2.1, provider.md §11.6). */
    checkClientAssertion: (ctx: KoaContextWithOIDC, claims: TimedClaims, header: { readonly alg?: unknown }): void => {
      requireHearing(ctx.oidc.client?.clientId ?? '')
      const refuse = (why: string) => new library.errors.InvalidClientAuth(why)
      if (claims.aud !== tenant.issuer) throw refuse('aud must be one string, the issuer')
      const mistake = algorithmMistake(ctx.oidc.client, header)
      if (mistake !== undefined) throw refuse(mistake)
      requireNear(claims, { seconds: Math.floor(now() / 1_000), longest: longestAssertionSeconds, refuse })
    },
  }
}

/** What a browser is shown by the library's own endpoints. */
const pageHooks = {
  renderError: renderProtocolError,

  renderLogout: (ctx: KoaContextWithOIDC): void => {
    const context = webContext(ctx)
    const { client, session, params } = ctx.oidc
    const state = session?.state as { readonly secret?: string } | undefined
    const leadsTo = typeof params?.post_logout_redirect_uri === 'string' ? [params.post_logout_redirect_uri] : []
    sendPage(
      context,
      viewerOf(context, params?.ui_locales),
      logoutPage(viewerOf(context, params?.ui_locales), {
        action: ctx.oidc.urlFor('end_session_confirm'),
        xsrf: state?.secret ?? '',
        leadsTo,
        ...(client ? { clientName: client.clientName ?? client.clientId } : {}),
      }),
    )
  },

  renderLoggedOut: (ctx: KoaContextWithOIDC): void => {
    const context = webContext(ctx)
    const viewer = viewerOf(context)
    sendPage(context, viewer, loggedOutPage(viewer))
  },
}

/** The library runs on the very context that the pipeline made; its types do not know ours. */
export const webContext = (ctx: KoaContextWithOIDC): WebContext => ctx as unknown as WebContext

/** A sign-in result that this request carries on: its evidence stands behind the code and the session (`families.ts`). */
function noteSignIn(ctx: KoaContextWithOIDC, exchanges: Exchanges): void {
  const login = ctx.oidc.result?.login as SignInResult | undefined
  if (!login) return
  const { accountId, epoch, grant, deviceKnown } = login
  exchanges.current().signIn = { accountId, epoch, grant, deviceKnown }
}
/** `login` of an interaction result as `interactions.ts` writes it. */
export type SignInResult = {
  readonly accountId: string
  readonly epoch: number
  readonly grant: string
  readonly deviceKnown: boolean
  readonly acr: string
  readonly amr: string[]
}

async function permitIdToken(
  ctx: KoaContextWithOIDC,
  accountId: string,
  {
    issue,
    exchanges,
    answering,
  }: {
    readonly issue: Issue
    readonly exchanges: Exchanges
    readonly answering: <T>(stage: 'token', run: () => Promise<T>) => Promise<T>
  },
): Promise<void> {
  const { client, params } = ctx.oidc
  const source = grantSourceOf(ctx)
  const exchange = exchanges.current()
  const permit = await answering('token', () =>
    issue(exchange.scope, {
      kind: 'id',
      grant: String(params?.grant_type ?? 'authorization_code'),
      accountId,
      scopes: [...(source?.scopes ?? [])],
      ...(client ? { clientId: client.clientId } : {}),
      ...(source?.acr !== undefined ? { acr: source.acr } : {}),
      ...(source?.amr !== undefined ? { amr: source.amr } : {}),
      ...(exchange.source ? { epochs: exchange.source } : {}),
    }),
  )
  exchange.permits.set('id_token', permit)
}

/**
 * As the client sent it: the library passes over scopes that it does not know. Where a request object is read it stands for all
 * parameters, elsewhere it is passed over; a scope is refused wherever it stands, so nothing hinges on which of them counts.
 */
function requestedScopes(ctx: KoaContextWithOIDC): string[] {
  const sent = ctx.method === 'POST' ? ctx.oidc.body : ctx.query
  const texts = [sent?.scope, typeof sent?.request === 'string' ? scopeInside(sent.request) : undefined]
  return texts.flatMap((text) => (typeof text === 'string' ? text.split(' ') : []))
}

/** What the library reads has been checked by now; what is no JWT it does not read. */
function scopeInside(requestObject: string): unknown {
  try {
    return decodeJwt<{ readonly scope?: unknown }>(requestObject).scope
  } catch {
    return undefined
  }
}

/** RFC 6749 §3.3: a scope outside of the client's allow-list is refused, not passed over (security.md §2.14). */
function requireAllowedScopes(library: Library, ctx: KoaContextWithOIDC, client: ClientRecord): void {
  const allowed = new Set((client.metadata.scope ?? '').split(' '))
  const foreign = requestedScopes(ctx).filter((scope) => scope !== '' && !allowed.has(scope))
  const first = foreign[0]
  if (first !== undefined) throw new library.errors.InvalidScope('requested scope is not allowed', first)
}
