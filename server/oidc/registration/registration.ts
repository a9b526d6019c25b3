import { createClientStore, type StoredClient, usesSecret } from '../../admin/client-store.ts'
import type { UnitOfWork } from '../../events/unit-of-work.ts'
import { bearerToken } from '../../http/authenticate.ts'
import type { TokenVerifier } from '../../http/authentication.ts'
import { errors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { entityOf } from '../../identity/entities.ts'
import type { Kernel } from '../../kernel.ts'
import { type ClientMetadata, matchesClientSecret } from '../client-metadata.ts'
import { type ClientInformation, informationOf, textOf } from './client-information.ts'
import { registrationErrors } from './errors.ts'
import { identifyRegistrant, termsOf } from './identify-registrant.ts'
import { createInitialTokens } from './initial-tokens.ts'
import { type Judged, type JudgeOptions, judgeRegistration } from './judge-registration.ts'
import { isOwnMember, type WireMetadata } from './read-metadata.ts'
import { createRegistrations, managementPrefix } from './registered-clients.ts'

export type RegistrationOptions = JudgeOptions & { readonly verifier: TokenVerifier }
export type ClientRegistration = ReturnType<typeof createRegistration>

/** Clients that register and manage themselves (RFC 7591, RFC 7592), each step judged by policy (provider.md §6). */
export const createRegistration = (options: RegistrationOptions) => ({
  register: (scope: RequestScope, authorization: string | undefined, wire: WireMetadata) =>
    register(options, scope, { authorization, wire }),
  async read(scope: RequestScope, id: string, authorization: string | undefined): Promise<ClientInformation> {
    const { registration, client, token } = await findManaged(options, scope, { id, authorization })
    return informationOf(scope, client, { managementToken: token, ...textOf(registration) })
  },
  update: (scope: RequestScope, id: string, asked: Sent) => update(options, scope, { id, ...asked }),
  remove: (scope: RequestScope, id: string, authorization: string | undefined) =>
    remove(options, scope, { id, authorization }),
})

/** What came with a request. */
type Sent = { readonly authorization: string | undefined; readonly wire: WireMetadata }
type Managing = { readonly id: string; readonly authorization: string | undefined }

async function register(
  options: RegistrationOptions,
  scope: RequestScope,
  { authorization, wire }: Sent,
): Promise<ClientInformation> {
  const { kernel } = options
  const { database, secrets, clock } = kernel
  const registrant = await identifyRegistrant(options, scope, authorization)
  const { way, terms, initialToken } = registrant
  const tenantId = scope.tenant.id
  const id = `c_${secrets.token(16)}`
  const asked = { scope, as: registrant.scope, way, terms, wire, clientId: id, isNew: true, kept: {} }
  const judged = await judgeRegistration(options, asked)
  const registrations = createRegistrations(database, tenantId)
  if (way === 'open' && (await registrations.isFull())) throw registrationErrors.too_many_clients()
  const secret = usesSecret(judged.metadata) ? secrets.token(32) : undefined
  const managementToken = managementPrefix + secrets.token(32)
  const { subject } = registrant.scope
  const store = createClientStore(database, tenantId)
  await kernel.withTransaction({ ...actorOf(scope, judged.decisionId), subject }, async (unit) => {
    const now = clock.now()
    const tokens = createInitialTokens(database, tenantId)
    // Of all who bring the token one has it; whatever fails from here on gives it back.
    if (initialToken !== undefined && !(await tokens.consume(initialToken, id, now))) throw errors.invalid_token()
    const { name, metadata } = judged
    await store.create(unit, { id, name, metadata, firstParty: false, origin: 'registration' }, secret)
    const by = { type: subject.type, id: subject.id }
    const registration = { clientId: id, way, registrant: by, terms, ...textOf(judged.statement) }
    await registrations.create(registration, managementToken, now)
    note(unit, 'registered', id, { way, ...detailOf(judged) })
  })
  const client = await store.find(id)
  if (!client) throw new Error('oidc: a client is there once it has registered')
  return informationOf(scope, client, { managementToken, secret, ...textOf(judged.statement) })
}

async function update(
  options: RegistrationOptions,
  scope: RequestScope,
  { id, authorization, wire }: Sent & Managing,
): Promise<ClientInformation> {
  const { kernel } = options
  const { secrets } = kernel
  const managed = await findManaged(options, scope, { id, authorization })
  const { registration, client } = managed
  requireOwnUpdate(wire, client)
  const { client_secret: _, ...rest } = wire
  const judged = await judgeRegistration(options, {
    scope,
    // As whoever registered it would be judged today.
    as: { ...scope, subject: entityOf(registration.registrant.type, registration.registrant.id) },
    way: registration.way,
    terms: await termsOf(kernel, scope.tenant.id, registration),
    wire: rest,
    clientId: id,
    isNew: false,
    kept: administratorsMembers(client),
  })
  const isNewSecret = usesSecret(judged.metadata) && client.secretHashes.length === 0
  const secret = isNewSecret ? secrets.token(32) : undefined
  const managementToken = managementPrefix + secrets.token(32)
  const actor = { ...actorOf(scope, judged.decisionId), subject: entityOf('Client', id) }
  await kernel.withTransaction(actor, (unit) => writeUpdate(kernel, unit, { managed, judged, managementToken, secret }))
  const after = await createClientStore(kernel.database, scope.tenant.id).find(id)
  if (!after) throw errors.invalid_token()
  return informationOf(scope, after, { managementToken, secret, ...textOf(judged.statement) })
}

/** ORDER: the client's row is locked first, as by whoever else changes a client. */
async function writeUpdate(
  { clock, database }: Kernel,
  unit: UnitOfWork,
  change: {
    readonly managed: Managed
    readonly judged: Judged
    readonly managementToken: string
    readonly secret: string | undefined
  },
): Promise<void> {
  const { managed, judged, managementToken, secret } = change
  const { registrations, client, token, tenantId } = managed
  const { id } = client
  const version = await registrations.lockClient(id)
  const rotation = { from: token, to: managementToken, softwareStatement: judged.statement?.text }
  if (!(await registrations.rotate(id, rotation, clock.now()))) throw errors.invalid_token()
  // What was judged is not what stands any more: an administrator was here.
  if (version !== client.version) throw errors.version_conflict({ detail: 'It was changed meanwhile. Ask again.' })
  const store = createClientStore(database, tenantId)
  await store.update(unit, id, { name: judged.name, metadata: judged.metadata })
  if (secret !== undefined) await store.replaceSecret(unit, id, secret)
  else if (!usesSecret(judged.metadata) && client.secretHashes.length > 0) await store.dropSecrets(unit, id)
  note(unit, 'updated', id, detailOf(judged))
}

async function remove({ kernel }: RegistrationOptions, scope: RequestScope, managing: Managing): Promise<void> {
  const { client, tenantId } = await findManaged({ kernel }, scope, managing)
  const actor = { ...actorOf(scope), subject: entityOf('Client', client.id) }
  await kernel.withTransaction(actor, async (unit) => {
    await createClientStore(kernel.database, tenantId).remove(unit, client.id)
    note(unit, 'removed', client.id, {})
  })
}

type Managed = Awaited<ReturnType<typeof findManaged>>

/** The client that the management token is for; 401 where it is for none, disabled ones included (RFC 7592 §2). */
async function findManaged(
  { kernel }: Pick<RegistrationOptions, 'kernel'>,
  scope: RequestScope,
  { id, authorization }: Managing,
) {
  const tenantId = scope.tenant.id
  const token = authorization === undefined ? undefined : bearerToken(authorization)
  const registrations = createRegistrations(kernel.database, tenantId)
  const registration = token?.startsWith(managementPrefix) ? await registrations.find(id, token) : undefined
  const client = registration && (await createClientStore(kernel.database, tenantId).find(id))
  if (!registration || !client || token === undefined) throw errors.invalid_token()
  return { registrations, registration, client, token, tenantId }
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
