import type { Egress } from '../../../adapters/egress/port.ts'
import { createClientStore, type StoredClient, usesSecret } from '../../admin/client-store.ts'
import type { UnitOfWork } from '../../events/unit-of-work.ts'
import { bearerToken } from '../../http/authenticate.ts'
import type { TokenVerifier } from '../../http/authentication.ts'
import { errors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { entityOf } from '../../identity/entities.ts'
import type { Kernel } from '../../kernel.ts'
import { detailTypesOf } from '../authorization-details.ts'
import { type ClientMetadata, matchesClientSecret } from '../client-metadata.ts'
import type { Providers } from '../providers.ts'
import { registrationErrors } from './errors.ts'
import { createInitialTokens, type InitialToken, isInitialToken } from './initial-tokens.ts'
import { requireRegistrable, requireServable, requireUpdatable } from './judge-client.ts'
import { createOpenidSettings } from './openid-settings.ts'
import { type Candidate, isOwnMember, readMetadata, type WireMetadata, writeMetadata } from './read-metadata.ts'
import { createRegistrations, managementPrefix, type Registration, type Way } from './registered-clients.ts'
import { requireUsable } from './require-usable.ts'
import type { ReadStatement, Statement } from './software-statements.ts'
import { meet, type Terms, within } from './terms.ts'

export type RegistrationOptions = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly verifier: TokenVerifier
  readonly readStatement: ReadStatement
  readonly egress: Egress | undefined
}
/** What the client is told, in the words of RFC 7591 §3.2.1. */
export type ClientInformation = { readonly [name: string]: unknown }
export type ClientRegistration = ReturnType<typeof createRegistration>

/** Clients that register and manage themselves (RFC 7591, RFC 7592), each step judged by policy (provider.md §6). */
export function createRegistration(options: RegistrationOptions) {
  const { kernel } = options
  const { database, secrets, clock } = kernel
  const storeOf = (tenantId: string) => createClientStore(database, tenantId)

  /** Everything that a registration, and every change as if it were one, has to stand up to. */
  const judge = async (asked: Asked): Promise<Judged> => {
    const { scope, way, clientId } = asked
    const statement = await options.readStatement(scope.tenant, asked.wire.software_statement, clock.now())
    const wire = { ...asked.wire, ...statement?.claims }
    const read = readMetadata(wire, asked.terms)
    const candidate = { name: read.name, metadata: { ...within(asked.terms, read.metadata), ...asked.kept } }
    requireServable(candidate)
    const application = {
      scope: asked.as,
      way,
      candidate,
      ...(asked.isNew ? {} : { clientId }),
      ...(statement ? { statement: statement.said } : {}),
    }
    const decisionId = await requireRegistrable(kernel.decisions, application)
    if (!asked.isNew) await requireUpdatable(kernel.decisions, application)
    const detailTypes = detailTypesOf(scope.policy.program)
    const tenantProvider = await options.providers.of(scope.tenant)
    await requireUsable(tenantProvider, { ...candidate, clientId, detailTypes }, options.egress)
    return { ...candidate, decisionId, ...(statement ? { statement } : {}) }
  }

  const managed = async (scope: RequestScope, clientId: string, authorization: string | undefined) => {
    const token = authorization === undefined ? undefined : bearerToken(authorization)
    const registrations = createRegistrations(database, scope.tenant.id)
    const registration = token?.startsWith(managementPrefix) ? await registrations.find(clientId, token) : undefined
    const client = registration && (await storeOf(scope.tenant.id).find(clientId))
    if (!registration || !client || token === undefined) throw errors.invalid_token()
    return { registrations, registration, client, token }
  }

  return {
    async register(
      scope: RequestScope,
      authorization: string | undefined,
      wire: WireMetadata,
    ): Promise<ClientInformation> {
      const caller = await identify(options, scope, authorization)
      const tenantId = scope.tenant.id
      const clientId = `c_${secrets.token(16)}`
      const { way, terms } = caller
      const judged = await judge({ scope, as: caller.scope, way, terms, wire, clientId, isNew: true, kept: {} })
      const registrations = createRegistrations(database, tenantId)
      if (way === 'open' && (await registrations.isFull())) throw registrationErrors.too_many_clients()
      const secret = usesSecret(judged.metadata) ? secrets.token(32) : undefined
      const managementToken = managementPrefix + secrets.token(32)
      const { subject } = caller.scope
      const actor = { ...actorOf(scope, judged.decisionId), subject }
      await kernel.withTransaction(actor, async (unit) => {
        const now = clock.now()
        const isTaken =
          caller.initialToken !== undefined &&
          !(await createInitialTokens(database, tenantId).consume(caller.initialToken, clientId, now))
        if (isTaken) throw errors.invalid_token()
        const { name, metadata } = judged
        await storeOf(tenantId).create(
          unit,
          { id: clientId, name, metadata, firstParty: false, origin: 'registration' },
          secret,
        )
        const registrant = { type: subject.type, id: subject.id }
        const registration = { clientId, way, registrant, terms, ...textOf(judged.statement) }
        await registrations.create(registration, managementToken, now)
        note(unit, 'registered', clientId, { way, ...detailOf(judged) })
      })
      const client = await storeOf(tenantId).find(clientId)
      if (!client) throw new Error('oidc: a client is there once it has registered')
      return informationOf(scope, client, { managementToken, secret, ...textOf(judged.statement) })
    },

    async read(scope: RequestScope, clientId: string, authorization: string | undefined): Promise<ClientInformation> {
      const { registration, client, token } = await managed(scope, clientId, authorization)
      return informationOf(scope, client, { managementToken: token, ...textOf(registration) })
    },

    async update(
      scope: RequestScope,
      clientId: string,
      { authorization, wire }: { readonly authorization: string | undefined; readonly wire: WireMetadata },
    ): Promise<ClientInformation> {
      const { registrations, registration, client, token } = await managed(scope, clientId, authorization)
      requireOwnUpdate(wire, client)
      const tenantId = scope.tenant.id
      const { client_secret: _, ...rest } = wire
      const judged = await judge({
        scope,
        // As whoever registered it would be judged today.
        as: { ...scope, subject: entityOf(registration.registrant.type, registration.registrant.id) },
        way: registration.way,
        terms: await termsOf(options, tenantId, registration),
        wire: rest,
        clientId,
        isNew: false,
        kept: administratorsMembers(client),
      })
      const isNewSecret = usesSecret(judged.metadata) && client.secretHashes.length === 0
      const secret = isNewSecret ? secrets.token(32) : undefined
      const managementToken = managementPrefix + secrets.token(32)
      const actor = { ...actorOf(scope, judged.decisionId), subject: entityOf('Client', clientId) }
      await kernel.withTransaction(actor, async (unit) => {
        const softwareStatement = judged.statement?.text
        const rotation = { from: token, to: managementToken, softwareStatement }
        if (!(await registrations.rotate(clientId, rotation, clock.now()))) throw errors.invalid_token()
        const store = storeOf(tenantId)
        await store.update(unit, clientId, { name: judged.name, metadata: judged.metadata })
        if (secret !== undefined) await store.replaceSecret(unit, clientId, secret)
        else if (!usesSecret(judged.metadata) && client.secretHashes.length > 0) await store.dropSecrets(unit, clientId)
        note(unit, 'updated', clientId, detailOf(judged))
      })
      const after = await storeOf(tenantId).find(clientId)
      if (!after) throw errors.invalid_token()
      return informationOf(scope, after, { managementToken, secret, ...textOf(judged.statement) })
    },

    async remove(scope: RequestScope, clientId: string, authorization: string | undefined): Promise<void> {
      await managed(scope, clientId, authorization)
      await kernel.withTransaction(
        { ...actorOf(scope), subject: entityOf('Client', clientId) },
        async (unit: UnitOfWork) => {
          await storeOf(scope.tenant.id).remove(unit, clientId)
          note(unit, 'removed', clientId, {})
        },
      )
    },
  }
}

type Asked = {
  readonly scope: RequestScope
  /** Who asks, as the rules see it. */
  readonly as: RequestScope
  readonly way: Way
  readonly terms: Terms
  readonly wire: WireMetadata
  readonly clientId: string
  readonly isNew: boolean
  /** What an administrator has said of the client; nothing that it says itself changes that. */
  readonly kept: Partial<ClientMetadata>
}
type Judged = Candidate & { readonly decisionId: string; readonly statement?: Statement }

type Caller = { readonly scope: RequestScope; readonly way: Way; readonly terms: Terms; readonly initialToken?: string }

/** Who registers: whoever holds an initial access token, a person or client with a token of ours, or nobody known. */
async function identify(
  { kernel, verifier }: RegistrationOptions,
  scope: RequestScope,
  authorization: string | undefined,
): Promise<Caller> {
  const tenantId = scope.tenant.id
  const open = async () => {
    const { registration } = await createOpenidSettings(kernel.database, tenantId).read()
    return { way: 'open', terms: registration } as const
  }
  if (authorization === undefined) return { scope, ...(await open()) }
  const token = bearerToken(authorization)
  if (token === undefined) throw errors.invalid_token()
  if (isInitialToken(token)) {
    const found: InitialToken | undefined = await createInitialTokens(kernel.database, tenantId).peek(token, scope.now)
    if (!found) throw errors.invalid_token()
    return { scope, way: 'initialToken', terms: found.terms, initialToken: token }
  }
  const audiences = ['/api', '/admin'].map((path) => scope.tenant.issuer + path)
  const who = await verifier.verify(scope.tenant, token, audiences)
  if (!who) throw errors.invalid_token()
  const { expiresAt: _, ...identity } = who
  return { scope: { ...scope, ...identity }, ...(await open()) }
}

/** What it may hold at most by now: without an initial access token, the tenant's present word counts too. */
async function termsOf(
  { kernel }: RegistrationOptions,
  tenantId: string,
  { way, terms }: Registration,
): Promise<Terms> {
  if (way === 'initialToken') return terms
  const { registration } = await createOpenidSettings(kernel.database, tenantId).read()
  return meet(terms, registration)
}

const serverMembers = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
] as const

/** RFC 7592 §2.2: an update names its client and its present secret, and says nothing that is the server's to say. */
function requireOwnUpdate(wire: WireMetadata, client: StoredClient): void {
  const refuse = (detail: string) => registrationErrors.invalid_client_metadata({ detail })
  const given = serverMembers.find((name) => wire[name] !== undefined)
  if (given !== undefined) throw refuse(`${given} is not for the client to say`)
  if (wire.client_id !== client.id) throw refuse('client_id must be the id of this client')
  const { client_secret: secret } = wire
  if (secret === undefined) return
  if (typeof secret !== 'string' || !matchesClientSecret(secret, client.secretHashes))
    throw refuse('client_secret must be the present one')
}

const administratorsMembers = ({ metadata }: StoredClient): Partial<ClientMetadata> =>
  // Some members of what they are taken from.
  Object.fromEntries(
    Object.entries(metadata).filter(([name]) => !isOwnMember(name) && !settledElsewhere.has(name)),
  ) as Partial<ClientMetadata>
/** By the terms, and by the redirects. */
const settledElsewhere: ReadonlySet<string> = new Set(['allowedResources', 'corsOrigins'])

function informationOf(
  { tenant }: RequestScope,
  client: StoredClient,
  more: {
    readonly managementToken: string
    readonly secret?: string | undefined
    readonly softwareStatement?: string
  },
): ClientInformation {
  return {
    ...writeMetadata(client),
    ...(more.secret === undefined ? {} : { client_secret: more.secret, client_secret_expires_at: 0 }),
    ...(more.softwareStatement === undefined ? {} : { software_statement: more.softwareStatement }),
    registration_access_token: more.managementToken,
    registration_client_uri: `${tenant.issuer}/oauth2/register/${client.id}`,
  }
}

const textOf = (
  statement: Statement | Registration | undefined,
): { readonly softwareStatement: string } | Record<never, never> => {
  const text = statement && ('text' in statement ? statement.text : statement.softwareStatement)
  return text === undefined ? {} : { softwareStatement: text }
}

const detailOf = ({ metadata, statement }: Judged): object => ({
  application: metadata.applicationType,
  authentication: metadata.tokenEndpointAuthMethod,
  redirectUris: metadata.redirectUris,
  scope: metadata.scope,
  ...(metadata.softwareId === undefined ? {} : { softwareId: metadata.softwareId }),
  ...(statement ? { statementIssuer: statement.said.issuer } : {}),
})

const actorOf = ({ tenant, requestId, ip, subject }: RequestScope, decisionId?: string) => ({
  tenantId: tenant.id,
  subject,
  requestId,
  ip,
  ...(decisionId === undefined ? {} : { decisionId }),
})

function note(unit: UnitOfWork, what: 'registered' | 'updated' | 'removed', clientId: string, detail: object): void {
  unit.audit({ action: `oidc.client.${what}`, resource: entityOf('Client', clientId), detail })
  unit.emit(`oidc.client.${what}`, { clientId, ...detail })
}
