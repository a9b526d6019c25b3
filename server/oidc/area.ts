import type { Egress } from '../../adapters/egress/port.ts'
import type { Area } from '../area.ts'
import { createAttempts } from '../identity/attempts.ts'
import { identityBindings } from '../identity/bindings.ts'
import type { FirstAdminHook } from '../identity/first-admin.ts'
import { createPasswordSignIn, type PasswordSignIn } from '../identity/password-sign-in.ts'
import { createPasswords } from '../identity/passwords.ts'
import { createSetupLinks } from '../identity/setup-links.ts'
import { createGate } from '../issuance/gate.ts'
import type { Kernel } from '../kernel.ts'
import { oidcTables } from '../schema/0010-oidc.ts'
import { oidcRequestTables } from '../schema/0011-oidc-requests.ts'
import { oidcGrantTables } from '../schema/0012-oidc-grants.ts'
import { oidcRegistrationTables } from '../schema/0015-oidc-registration.ts'
import { accountTables } from '../schema/0019-account.ts'
import { type AccessTokens, createAccessTokens } from './access-tokens.ts'
import { createAccountMount } from './account/account-mount.ts'
import { accountRoutes } from './account/account-routes.ts'
import { createLogoutDelivery, logoutTopic } from './backchannel-logout.ts'
import { backchannelRoutes } from './backchannel-routes.ts'
import { createClientAuthenticator } from './client-authentication.ts'
import { createNoteClientFailure } from './client-failures.ts'
import { createClientRecords } from './client-records.ts'
import { createClientThrottle } from './client-throttle.ts'
import { dpopNoncesOf } from './dpop-nonces.ts'
import { createExchanges } from './exchange.ts'
import { createGrantTrail } from './grant-trail.ts'
import { createInteractionMount } from './interactions.ts'
import { keyRoutes } from './key-routes.ts'
import { createOidcMount } from './mount.ts'
import { createPingDelivery, pingTopic } from './ping-clients.ts'
import { createProviders, type TenantProvider } from './providers.ts'
import { createClientDocuments } from './registration/client-documents.ts'
import { expireUnusedClients, noteUse } from './registration/expire-clients.ts'
import { createLogoMount } from './registration/logo-mount.ts'
import { createRegistration } from './registration/registration.ts'
import { createRegistrationMount } from './registration/registration-mount.ts'
import { rememberingFetch } from './registration/remembering-fetch.ts'
import { createRequestUris } from './registration/request-uris.ts'
import { createStatementReader } from './registration/software-statements.ts'
import { createResourceMetadataMount } from './resource-metadata.ts'
import { isAudience } from './resources.ts'
import { rotateDueKeys } from './rotate-keys.ts'
import { createSecurityLog } from './security-log.ts'
import { createSetupMount } from './setup-mount.ts'
import { sweepExpired } from './sweep.ts'
import { trustedIssuerRoutes } from './trusted-issuer-routes.ts'
import { createAssertionReader, createKeyReader } from './trusted-issuers.ts'

/** Two hashes at a time leave threads of the pool for files and signatures; each takes 19 MiB. */
const hashConcurrency = 2
const sweepMilliseconds = 60_000
/** Changes of what a provider is built of; types of `authorization_details` come from the rules. */
const rebuilding: ReadonlySet<string> = new Set(['keys', 'tenant', 'policySet', 'everything'])

export type OidcAreaOptions = {
  /** What else the first administrator is given; runs in the transaction of the setup. */
  readonly onFirstAdmin?: FirstAdminHook
  /** How clients are reached that want to be told of a sign-out; absent: none is. */
  readonly egress?: Egress
  /** Told the address of the setup page while there is no administrator; it is printed, never logged. */
  readonly announceSetup?: (kernel: Kernel, address: string) => Promise<void> | void
}

/** People and tokens: the OpenID provider, the sign-in, consent and setup pages, and the judges of bearer tokens and clients. */
export function oidcArea(options: OidcAreaOptions = {}): Area {
  return {
    name: 'oidc',
    migrations: [oidcTables, oidcRequestTables, oidcGrantTables, oidcRegistrationTables, accountTables],
    bindings: identityBindings,
    build: (kernel) => buildParts(kernel, options),
  }
}

function buildParts(kernel: Kernel, options: OidcAreaOptions) {
  const { database, clock, secrets, log } = kernel
  const issue = createGate(kernel)
  const exchanges = createExchanges()
  const clients = createClientRecords(database, clock)
  const securityLog = createSecurityLog(kernel.withTransaction)
  const throttle = createClientThrottle()
  const readKeys = createKeyReader({ clock, egress: options.egress })
  const providers = createProviders({
    kernel,
    issue,
    exchanges,
    clients,
    securityLog,
    throttle,
    egress: options.egress && rememberingFetch(options.egress, () => clock.now()),
    documents: options.egress && createClientDocuments({ kernel, clients, egress: options.egress }),
    accessTokens: () => accessTokens,
    trail: createGrantTrail({ database, clock }),
    readAssertion: createAssertionReader({ database, clock, readKeys }),
  })
  const passwords = createPasswords({ concurrency: hashConcurrency })
  const accessTokens: AccessTokens = createAccessTokens({
    database,
    clock,
    secrets,
    keysOf: async (tenant) => (await providers.of(tenant)).keys,
    isAudience: async (tenant, audience) => isAudience({ tenant, ...(await providers.of(tenant)).settings }, audience),
    noncesOf: dpopNoncesOf(secrets),
  })
  const budgetKey = secrets.deriveKey('sign-in-budgets')
  const signInOf = ({ tenant, accounts }: TenantProvider): PasswordSignIn =>
    createPasswordSignIn({
      accounts,
      attempts: createAttempts(database, tenant.id),
      passwords,
      decisions: kernel.decisions,
      budgetKey,
    })
  const requestKit = { kernel, providers, exchanges, securityLog }
  const { onFirstAdmin } = options
  let isKeyed = false
  let sweeping: NodeJS.Timeout | undefined
  let stopListening = () => {}

  return {
    routes: [keyRoutes(kernel), trustedIssuerRoutes(kernel), backchannelRoutes(requestKit), accountRoutes(requestKit)],
    topics: {
      [logoutTopic]: createLogoutDelivery(kernel, providers),
      [pingTopic]: createPingDelivery(kernel, { clients, egress: options.egress }),
    },
    mounts: [
      // ORDER: before the provider, whose paths hold these.
      createRegistrationMount(
        createRegistration({
          kernel,
          providers,
          verifier: accessTokens,
          readStatement: createStatementReader({ database, readKeys }),
          egress: options.egress,
        }),
      ),
      createLogoMount({ clients, egress: options.egress, now: () => clock.now() }),
      createOidcMount({
        tenants: kernel.tenants,
        providers,
        exchanges,
        accessTokens,
        securityLog,
        decisions: kernel.decisions,
        noteClientFailure: createNoteClientFailure(database, throttle),
        readRequestUri: createRequestUris(options.egress, () => clock.now()),
        noteUse: (tenantId, client) => noteUse(database, tenantId, client, clock.now()),
      }),
      createResourceMetadataMount(kernel.tenants),
      createInteractionMount({ kernel, providers, exchanges, securityLog, signInOf }),
      createAccountMount(requestKit),
      createSetupMount({ kernel, providers, exchanges, passwords, onFirstAdmin }),
    ],
    tokenVerifier: accessTokens,
    clientAuthenticator: createClientAuthenticator(clients, clock),
    ready: async () => ({ keys: isKeyed }),
    start: async () => {
      stopListening = kernel.changes.onChange(({ tenantId, changes }) => {
        for (const change of changes) {
          if (change.kind === 'client') clients.forget(tenantId, change.id)
          if (change.kind === 'epoch' && change.of.type === 'Client') clients.forget(tenantId, change.of.id)
          if (change.kind === 'everything') clients.forgetTenant(tenantId)
          if (rebuilding.has(change.kind)) providers.forget(tenantId)
        }
      })
      // Keys take a while to make at the first start; the server listens meanwhile and is ready when they are there.
      providers.of(kernel.tenants.default()).then(
        () => {
          isKeyed = true
        },
        (error: unknown) => log.error({ err: error }, 'oidc: no signing keys'),
      )
      sweeping = setInterval(() => {
        for (const tenantId of providers.dropIdle()) clients.forgetTenant(tenantId)
        Promise.all([sweepExpired(database, clock.now()), rotateDueKeys(kernel), expireUnusedClients(kernel)]).catch(
          (error: unknown) => log.warn({ err: error }, 'oidc: sweep failed'),
        )
      }, sweepMilliseconds).unref()
      await announceSetup(kernel, options)
    },
    stop: async () => {
      stopListening()
      clearInterval(sweeping)
    },
  }
}

async function announceSetup(kernel: Kernel, options: OidcAreaOptions): Promise<void> {
  if (!options.announceSetup) return
  const tenant = kernel.tenants.default()
  const links = createSetupLinks(kernel.database, kernel.secrets, tenant.id)
  if (await links.hasAdmin()) return
  const token = await links.create(kernel.clock.now())
  await options.announceSetup(kernel, `${tenant.issuer}/setup/${token}`)
}
