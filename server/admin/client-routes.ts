import { z } from 'zod'
import { errors } from '../http/errors.ts'
import { type RouteInput, route } from '../module.ts'
import { clientMetadataSchema } from '../oidc/client-metadata.ts'
import { createRegistrations } from '../oidc/registration/registered-clients.ts'
import { createClientStore, type StoredClient, usesSecret } from './client-store.ts'
import { etagOf, requireMatch } from './concurrency.ts'
import { adminErrors } from './errors.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { maskFields } from './mask-fields.ts'
import { type Admin, actorOf, entity, existing, iso, onTenant, withTenant } from './request.ts'

/** RFC 6749 appendix A.1, without the characters that a path or a form would spell otherwise. */
export const clientId = z.string().regex(/^[A-Za-z0-9._~-]{1,128}$/)
const name = z.string().min(1).max(200)
const origins = ['administrator', 'registration', 'document'] as const
const createBody = clientMetadataSchema.extend({
  clientId: clientId.optional(),
  name,
  firstParty: z.boolean().default(false),
  organization: z.string().max(128).optional(),
})
// A member with a default would come even where nobody sent it, and reset what is stored.
const changeBody = z.strictObject({
  ...withoutDefaults(clientMetadataSchema.shape),
  name: name.optional(),
  firstParty: z.boolean().optional(),
  status: z.enum(['active', 'disabled']).optional(),
})
const shape = clientMetadataSchema.partial().extend({
  id: z.string(),
  name: z.string(),
  status: z.enum(['active', 'disabled']),
  firstParty: z.boolean().optional(),
  origin: z.enum(origins).optional(),
  secrets: z.int(),
  createdAt: z.string(),
  lastUsedAt: z.string().optional(),
})
const secretShape = z.object({ clientSecret: z.string() })

export const clientRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/clients',
    summary: 'Clients that the caller may read',
    action: 'listClients',
    resourceType: 'Tenant',
    resource: onTenant,
    query: z.strictObject({ ...pageQuery, origin: z.enum(origins).optional() }),
    responds: pageOf(shape),
    refuses: ['invalid_cursor'],
    async handle(input) {
      const body = await listPage(admin.kernel, input.scope, input.query, {
        name: 'clients',
        filter: [input.query.origin],
        read: (after, count) => storeOf(admin, input).list(after?.[0], count, input.query.origin),
        keyOf: (client) => [client.id],
        question: (client) => ({ action: 'read', resource: entity('Client', client.id), context: withTenant(input) }),
        view: (client, judgement) => view(client, input, judgement?.fields),
      })
      return { body }
    },
  }),
  route({
    method: 'POST',
    path: '/clients',
    summary: 'Create a client; its secret is shown here and never again',
    action: 'createClient',
    resourceType: 'Tenant',
    resource: onTenant,
    body: createBody,
    successStatus: 201,
    responds: shape.extend(secretShape.partial().shape),
    refuses: ['client_exists', 'client_unusable'],
    async handle(input, judgement) {
      const { clientId: wanted, name: named, firstParty, organization, ...metadata } = input.body
      const id = wanted ?? `c_${admin.kernel.secrets.token(16)}`
      const secret = usesSecret(metadata) ? admin.kernel.secrets.token(32) : undefined
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const store = storeOf(admin, input)
        const client = { id, name: named, metadata, firstParty }
        await store.create(unit, organization === undefined ? client : { ...client, organization }, secret)
        return store.find(id)
      })
      if (!value) throw new Error('a client is there once it is created')
      const headers = { etag: etagOf(value.version), location: `${input.scope.tenant.issuer}/admin/v1/clients/${id}` }
      return { body: { ...view(value, input, undefined), ...(secret ? { clientSecret: secret } : {}) }, headers }
    },
  }),
  route({
    method: 'GET',
    path: '/clients/:id',
    summary: 'One client',
    action: 'read',
    resourceType: 'Client',
    resource: (input) => target(admin, input),
    context: withTenant,
    responds: shape,
    async handle(input, judgement) {
      const client = await get(admin, input)
      return { body: view(client, input, judgement.fields), headers: { etag: etagOf(client.version) } }
    },
  }),
  route({
    method: 'PATCH',
    path: '/clients/:id',
    summary: 'Change a client, disable or enable it',
    action: 'update',
    resourceType: 'Client',
    resource: (input) => target(admin, input),
    context: withTenant,
    body: changeBody,
    responds: shape,
    refuses: ['precondition_required', 'version_conflict', 'client_unusable', 'client_follows_document'],
    async handle(input, judgement) {
      const { name: named, firstParty, status, ...given } = input.body
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const before = await get(admin, input)
        requireMatch(input.headers, etagOf(before.version))
        const sent = Object.entries(given)
        // The next document would undo it; whether the client may be used, and is ours, is the administrator's to say.
        if (before.origin === 'document' && (sent.length > 0 || named !== undefined))
          throw adminErrors.client_follows_document()
        const metadata = clientMetadataSchema.parse({ ...before.metadata, ...Object.fromEntries(sent) })
        await storeOf(admin, input).update(unit, before.id, {
          ...(named === undefined ? {} : { name: named }),
          ...(firstParty === undefined ? {} : { firstParty }),
          ...(status === undefined ? {} : { status }),
          ...(sent.length === 0 ? {} : { metadata }),
        })
        if (before.origin === 'registration') await settleTerms(admin, input, given)
        return get(admin, input)
      })
      return { body: view(value, input, judgement.fields), headers: { etag: etagOf(value.version) } }
    },
  }),
  route({
    method: 'POST',
    path: '/clients/:id/rotate-secret',
    summary: 'Add a secret; the one before stays good until the next rotation',
    action: 'rotateSecret',
    resourceType: 'Client',
    resource: (input) => target(admin, input),
    context: withTenant,
    responds: secretShape,
    refuses: ['client_without_secret'],
    async handle(input, judgement) {
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const client = await get(admin, input)
        if (!usesSecret(client.metadata)) throw adminErrors.client_without_secret()
        return storeOf(admin, input).rotateSecret(unit, client, admin.kernel.secrets)
      })
      return { body: { clientSecret: value } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/clients/:id',
    summary: 'Remove a client with everything that was given to it',
    action: 'remove',
    resourceType: 'Client',
    resource: (input) => target(admin, input),
    context: withTenant,
    successStatus: 204,
    refuses: ['precondition_required', 'version_conflict'],
    async handle(input, judgement) {
      await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const client = await get(admin, input)
        requireMatch(input.headers, etagOf(client.version))
        await storeOf(admin, input).remove(unit, client.id)
      })
      return {}
    },
  }),
]

function withoutDefaults(shape: { readonly [name: string]: z.ZodType }): { [name: string]: z.ZodType } {
  const inner = (schema: z.ZodType) => (schema instanceof z.ZodDefault ? (schema.unwrap() as z.ZodType) : schema)
  return Object.fromEntries(Object.entries(shape).map(([member, schema]) => [member, inner(schema).optional()]))
}

type Input = Pick<RouteInput, 'scope' | 'params'>
const idOf = ({ params }: Input): string => params.id ?? ''
const storeOf = (admin: Admin, { scope }: Pick<RouteInput, 'scope'>) =>
  createClientStore(admin.kernel.database, scope.tenant.id)

/** What an administrator gives or takes is what the client may hold at most from now on, whatever it says of itself (RFC 7592). */
async function settleTerms(admin: Admin, input: Input, given: object): Promise<void> {
  const { scope, allowedResources: resources, grantTypes } = clientTerms.parse(given)
  const terms = {
    ...(scope === undefined ? {} : { scope }),
    ...(resources === undefined ? {} : { resources }),
    ...(grantTypes === undefined ? {} : { grantTypes }),
  }
  if (Object.keys(terms).length === 0) return
  await createRegistrations(admin.kernel.database, input.scope.tenant.id).settle(idOf(input), terms)
}
const clientTerms = z.object({
  scope: clientMetadataSchema.shape.scope.unwrap().optional(),
  allowedResources: clientMetadataSchema.shape.allowedResources,
  grantTypes: clientMetadataSchema.shape.grantTypes.unwrap().optional(),
})

async function get(admin: Admin, input: Input): Promise<StoredClient> {
  const client = await storeOf(admin, input).find(idOf(input))
  if (!client) throw errors.version_conflict({ detail: 'It was removed meanwhile.' })
  return client
}

async function target(admin: Admin, input: Input) {
  const client = await storeOf(admin, input).find(idOf(input))
  return existing(input, client !== undefined, entity('Client', idOf(input)), 'listClients')
}

function view(client: StoredClient, { scope }: Pick<RouteInput, 'scope'>, fields: readonly string[] | undefined) {
  const members = {
    id: client.id,
    name: client.name,
    status: client.status,
    firstParty: client.firstParty,
    origin: client.origin,
    secrets: client.secretHashes.length,
    ...z.record(z.string(), z.json()).parse(client.metadata),
    createdAt: iso(client.createdAt),
    ...(client.lastUsedAt === undefined ? {} : { lastUsedAt: iso(client.lastUsedAt) }),
  }
  return maskFields(members, { program: scope.policy.program, type: 'Client', fields })
}
