import type Provider from 'oidc-provider'
import type { AdapterPayload, Configuration, KoaContextWithOIDC, TokenEndpointGrantContext } from 'oidc-provider'
import type { Egress } from '../../adapters/egress/port.ts'
import { type Accounts, createAccounts } from '../identity/accounts.ts'
import type { Issue } from '../issuance/issue.ts'
import type { Kernel } from '../kernel.ts'
import type { Tenant } from '../tenancy/tenant.ts'
import type { AccessTokens } from './access-tokens.ts'
import { createAdapter } from './adapter.ts'
import { algorithmsOf } from './algorithms.ts'
import { detailTypesOf } from './authorization-details.ts'
import { noteLogouts, type TellSignedOut } from './backchannel-logout.ts'
import { type ClientRecord, type ClientRecords, isSecretOf, toLibraryMetadata } from './client-records.ts'
import type { ClientThrottle } from './client-throttle.ts'
import { configurationOf } from './configuration.ts'
import { type Consents, createConsents } from './consents.ts'
import { createDpopNonces, dpopNonceSecret } from './dpop-nonces.ts'
import type { Exchanges } from './exchange.ts'
import { fapiMistake } from './fapi.ts'
import type { GrantTrail } from './grant-trail.ts'
import { createHooks } from './hooks.ts'
import { idTokenVerifier } from './id-tokens.ts'
import { ensureSigningKeys, type SigningKey } from './keys.ts'
import { type Library, loadLibrary } from './library.ts'
import { aliasBase, certificateMistake, needsCertificates } from './mutual-tls.ts'
import { noteEvents } from './note-events.ts'
import { ownGrantNames, registerOwnGrants } from './own-grants.ts'
import { createPairwiseSubjects, type PairwiseSubjects, type SectorClient } from './pairwise.ts'
import { leavePingsToOutbox } from './ping-clients.ts'
import { pkceMembers } from './pkce-policy.ts'
import { toProtocolError } from './protocol-errors.ts'
import { createProviderRegistry, type ProviderRegistry } from './provider-registry.ts'
import { documentHost } from './registration/client-document.ts'
import { type FindByDocument, mayTakeDocuments } from './registration/client-documents.ts'
import { createOpenidSettings, type OpenidSettings } from './registration/openid-settings.ts'
import { type ClaimOnce, createReplayGuard } from './replay-guard.ts'
import type { SecurityLog } from './security-log.ts'
import { assertionSigner } from './sign-assertion.ts'
import { spendOnce } from './spend-once.ts'
import type { ReadAssertion } from './trusted-issuers.ts'

/** Everything that serves one tenant; built at its first request and dropped when idle (provider.md §8). */
export type TenantProvider = {
  readonly tenant: Tenant
  readonly provider: Provider
  readonly library: Library
  readonly accounts: Accounts
  readonly consents: Consents
  readonly keys: readonly SigningKey[]
  readonly settings: OpenidSettings
  readonly isSecure: boolean
  readonly issuer: URL
  /** In the issuer's place for clients with certificates (`mutual-tls.ts`). */
  readonly mtlsBase: URL | undefined
  /** The library's whole handler, run on the pipeline's own context. */
  readonly serve: (ctx: KoaContextWithOIDC, next: () => Promise<void>) => Promise<void>
  readonly findClient: (id: string) => Promise<ClientRecord | undefined>
  /** Sends one signed logout token (`backchannel-logout.ts`). */
  readonly tellSignedOut: TellSignedOut
}

export type Providers = ProviderRegistry<TenantProvider>

export type ProvidersOptions = {
  readonly kernel: Kernel
  readonly issue: Issue
  readonly exchanges: Exchanges
  readonly clients: ClientRecords
  readonly securityLog: SecurityLog
  readonly throttle: ClientThrottle
  /** What reads the tokens that providers sign: built after them, asked when one is built. */
  readonly accessTokens: () => AccessTokens
  readonly readAssertion: ReadAssertion
  readonly trail: GrantTrail
  /** Clients that are known by a document; absent where nothing is fetched. */
  readonly documents?: FindByDocument | undefined
  /** Absent: no client is told when a person signs out. */
  readonly egress?: Egress | undefined
}

export function createProviders(options: ProvidersOptions): Providers {
  let library: Promise<Library> | undefined

  const build = async (tenant: Tenant): Promise<TenantProvider> => {
    library ??= loadLibrary(options.kernel.log)
    const { kernel } = options
    const settings = await createOpenidSettings(kernel.database, tenant.id).read()
    const [loaded, keys, { program }] = await Promise.all([
      library,
      ensureSigningKeys(kernel, tenant.id, algorithmsOf(settings)),
      kernel.policies.current(tenant.id),
    ])
    const takesDocuments = options.documents !== undefined && mayTakeDocuments(program, settings)
    return buildProvider(options, loaded, tenant, {
      keys,
      detailTypes: detailTypesOf(program),
      settings,
      takesDocuments,
    })
  }

  return createProviderRegistry({ build, now: () => options.kernel.clock.now() })
}

/** What is read before, anew whenever it changes. */
type BuiltOf = {
  readonly keys: readonly SigningKey[]
  readonly detailTypes: readonly string[]
  readonly settings: OpenidSettings
  readonly takesDocuments: boolean
}

function buildProvider(
  {
    kernel,
    issue,
    exchanges,
    clients,
    securityLog,
    throttle,
    egress,
    accessTokens,
    readAssertion,
    trail,
    documents,
  }: ProvidersOptions,
  library: Library,
  tenant: Tenant,
  { keys, detailTypes, settings, takesDocuments }: BuiltOf,
): TenantProvider {
  const { database, clock, decisions, secrets, log } = kernel
  const { mtlsUrl } = kernel.config
  const findClient = async (id: string): Promise<ClientRecord | undefined> => {
    if (documentHost(id) === undefined) return clients.find(tenant.id, id)
    // The row of a document is nothing without the rules that let it be read.
    if (!documents || !takesDocuments) return undefined
    const scope = exchanges.perhaps()?.scope
    return scope ? documents(scope, id, { provider, library, settings }) : clients.find(tenant.id, id)
  }
  const accounts = createAccounts(database, tenant.id)
  const consents = createConsents(database, tenant.id)
  const now = () => clock.now()
  const findMetadata = async (id: string): Promise<AdapterPayload | undefined> => {
    const record = await findClient(id)
    if (!record || (fapiMistake(record.metadata) ?? certificateMistake(record.metadata)) !== undefined) return undefined
    // A token that should be bound and is not would be worse than none.
    if (mtlsUrl === undefined && needsCertificates(record.metadata)) return undefined
    // The library finds a client invalid that names a type which the rules do not declare any more.
    const types = record.metadata.authorizationDetailsTypes?.filter((type) => detailTypes.includes(type))
    return {
      ...toLibraryMetadata(record),
      ...pkceMembers(settings.certification),
      authorization_details_types: types ?? [],
      // The library reads keys again only once one of them fails; a client of its own each minute knows none that was taken back.
      ...(record.metadata.jwksUri === undefined ? {} : { keysReadIn: Math.floor(now() / 60_000) }),
    }
  }
  const adapter = createAdapter({
    library,
    database,
    clock,
    tenantId: tenant.id,
    issue,
    exchanges,
    securityLog,
    secrets,
    findClient: findMetadata,
  })
  const subjects = createPairwiseSubjects(secrets, tenant.id, now)
  const nonceSecret = dpopNonceSecret(secrets, tenant.id)
  const hooks = createHooks({
    library,
    tenant,
    adapter,
    accounts,
    consents,
    decisions,
    issue,
    exchanges,
    findClient,
    throttle,
    detailTypes,
    resources: settings.resources,
    now,
    subjects,
    secrets,
  })
  const cookieKeys = [Buffer.from(secrets.deriveKey(`oidc-cookies:${tenant.id}`))]
  const provider = oneTransactionProvider(
    library,
    { database, clock, exchanges, securityLog, trail, tenantId: tenant.id },
    [
      tenant.issuer,
      configurationOf({
        library,
        tenant,
        hooks,
        keys,
        cookieKeys,
        nonceSecret,
        egress,
        settings,
        takesDocuments,
        mtlsUrl,
        now,
      }),
    ],
  )
  compareSecretsByHash(provider, { findClient, requireHearing: hooks.requireHearing })
  keepClients(provider, { library, findClient, subjects })
  noteEvents(provider, exchanges)
  const tellSignedOut = noteLogouts(provider, exchanges)
  leavePingsToOutbox(provider)
  const claimOnce = createReplayGuard(database, tenant.id)
  claimUses(provider, claimOnce)
  registerOwnGrants(provider, {
    library,
    tenant,
    resources: settings.resources,
    database,
    clock,
    exchanges,
    securityLog,
    decisions,
    accounts,
    consents,
    accessTokens: accessTokens(),
    claimOnce,
    readAssertion,
    nonces: createDpopNonces(nonceSecret),
    issue,
    signAssertion: assertionSigner(keys),
    verifyIdToken: idTokenVerifier({ tenant, keys, now }),
    findClient,
  })
  provider.on('server_error', (_ctx: KoaContextWithOIDC, error: Error) =>
    log.error({ err: error, tenant: tenant.id }, 'oidc: server error'),
  )

  const [serve] = provider.middleware
  if (!serve) throw new Error('oidc: the library has no handler')
  return {
    tenant,
    provider,
    library,
    accounts,
    consents,
    keys,
    settings,
    isSecure: tenant.issuer.startsWith('https:'),
    issuer: new URL(tenant.issuer),
    mtlsBase: mtlsUrl === undefined ? undefined : new URL(aliasBase(tenant, mtlsUrl) ?? tenant.issuer),
    // The library's handler is made for its own context type; it runs on ours (`mount.ts` prepares it).
    serve: serve as unknown as TenantProvider['serve'],
    findClient,
    tellSignedOut,
  }
}

/**
 * Codes and refresh tokens are spent inside one transaction: the seam is the public method that also registers the library's own
 * grants, which it calls on itself while it is constructed.
 */
function oneTransactionProvider(
  library: Library,
  kit: Omit<Parameters<typeof spendOnce>[0], 'library'> & { readonly trail: GrantTrail },
  [issuer, configuration]: [string, Configuration],
): Provider {
  class OneTransactionProvider extends library.default {
    override registerGrantType<Params extends object>(
      name: string,
      handler: (ctx: TokenEndpointGrantContext<Params>) => void | Promise<void>,
      ...rest: (string | readonly string[] | ReadonlySet<string>)[]
    ): void {
      const isBare = name === 'client_credentials' || ownGrantNames.has(name)
      const once = isBare ? handler : spendOnce({ library, ...kit }, handler)
      super.registerGrantType(
        name,
        name === 'client_credentials' ? writtenDown({ library, ...kit }, once) : once,
        ...rest,
      )
    }
  }
  // The subclass adds nothing to the type; exactOptionalPropertyTypes reads Koa's getters more strictly than Koa declares them.
  return new OneTransactionProvider(issuer, configuration) as unknown as Provider
}

/** Nothing is spent for a client's own credentials; that they were given is written down before they leave. */
function writtenDown<Params extends object>(
  { library, exchanges, trail }: { library: Library; exchanges: Exchanges; trail: GrantTrail },
  handler: (ctx: TokenEndpointGrantContext<Params>) => void | Promise<void>,
): typeof handler {
  return async (ctx) => {
    await handler(ctx)
    const { scope, permits } = exchanges.current()
    for (const permit of permits.values()) {
      await trail.note(scope, permit).catch((error: unknown) => {
        throw toProtocolError(library, error, 'client')
      })
    }
  }
}

/**
 * The library builds and hashes a client's metadata at every request; here a client lives as long as the record it was built of,
 * which the change notice ends (provider.md §3).
 */
function keepClients(
  { Client }: Provider,
  { library, findClient, subjects }: Pick<TenantProvider, 'library' | 'findClient'> & { subjects: PairwiseSubjects },
): void {
  const build = Client.find.bind(Client)
  // Outside of the adapter, which does the same: a database that is away is no fault of ours.
  const rethrow = (error: unknown): never => {
    throw toProtocolError(library, error, 'client')
  }
  const built = new WeakMap<ClientRecord, Awaited<ReturnType<typeof build>>>()
  Client.find = async (id) => {
    const record = typeof id === 'string' ? await findClient(id).catch(rethrow) : undefined
    if (!record) return undefined
    const known = built.get(record)
    if (known) return known
    const client = await build(id)
    if (client) subjects.noteVerified(client as SectorClient)
    built.set(record, client)
    return client
  }
}

/** The library asks whether a value was used, then saves it; here saving is the question (provider.md §3). */
function claimUses({ ReplayDetection }: Provider, claimOnce: ClaimOnce): void {
  ReplayDetection.unique = (issuer, id, expiresAtSeconds = 0) =>
    claimOnce({ purpose: 'client', issuer, id }, expiresAtSeconds)
}

/** The library knows no secret: its comparison, which it awaits, is replaced on the Client prototype (provider.md §3). */
function compareSecretsByHash(
  provider: Provider,
  { findClient, requireHearing }: Pick<TenantProvider, 'findClient'> & { requireHearing: (clientId: string) => void },
): void {
  const prototype = provider.Client.prototype as {
    compareClientSecret: (this: { clientId: string }, secret: string) => Promise<boolean>
  }
  prototype.compareClientSecret = async function compareClientSecret(secret) {
    requireHearing(this.clientId)
    return isSecretOf(await findClient(this.clientId), secret)
  }
}
