import { z } from 'zod'
import { createClientStore } from '../../admin/client-store.ts'
import { actorOf, existing, iso, onTenant, withTenant } from '../../admin/request.ts'
import { errors } from '../../http/errors.ts'
import { entityOf } from '../../identity/entities.ts'
import type { Kernel } from '../../kernel.ts'
import { route } from '../../module.ts'
import { requireForeign } from '../api-resources.ts'
import { createInitialTokens, type InitialToken, initialTokenSpec } from './initial-tokens.ts'
import { createOpenidSettings, openidSettingsSchema } from './openid-settings.ts'
import { createRegistrations, managementPrefix } from './registered-clients.ts'

const tokenShape = z.object({
  id: z.string(),
  label: z.string(),
  scope: z.string(),
  resources: z.array(z.string()),
  grantTypes: z.array(z.string()),
  createdBy: z.string(),
  createdAt: z.string(),
  expiresAt: z.string(),
  usedAt: z.string().optional(),
  clientId: z.string().optional(),
})

/** What administrators settle about apps that register themselves: initial access tokens, and what holds without one. */
export const registrationRoutes = (kernel: Kernel) => [
  ...initialTokenRoutes(kernel),
  ...settingsRoutes(kernel),
  managementRoute(kernel),
]

const initialTokenRoutes = (kernel: Kernel) => [
  route({
    method: 'GET',
    path: '/initial-access-tokens',
    summary: 'Initial access tokens, used ones too; never their values',
    action: 'listInitialTokens',
    resourceType: 'Tenant',
    resource: onTenant,
    responds: z.object({ items: z.array(tokenShape) }),
    async handle({ scope }) {
      const items = await createInitialTokens(kernel.database, scope.tenant.id).list()
      return { body: { items: items.map(view) } }
    },
  }),
  route({
    method: 'POST',
    path: '/initial-access-tokens',
    summary: 'Let one app register itself; the token is shown here and never again',
    action: 'writeInitialTokens',
    resourceType: 'Tenant',
    resource: onTenant,
    body: initialTokenSpec,
    successStatus: 201,
    responds: tokenShape.extend({ token: z.string() }),
    async handle(input, judgement) {
      const { tenant, subject, now } = input.scope
      const { value } = await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const by = `${subject.type}:${subject.id}`
        const made = await createInitialTokens(kernel.database, tenant.id).create(kernel.secrets, input.body, {
          by,
          now,
        })
        const detail = { id: made.row.id, label: made.row.label, ...made.row.terms }
        unit.audit({ action: 'oidc.initial_token.created', resource: entityOf('Tenant', tenant.id), detail })
        unit.recordOnly()
        return made
      })
      return { body: { ...view(value.row), token: value.token } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/initial-access-tokens/:id',
    summary: 'Forget an initial access token; a client made with it stays',
    action: 'writeInitialTokens',
    resourceType: 'Tenant',
    resource: onTenant,
    successStatus: 204,
    async handle(input, judgement) {
      const { id = '' } = input.params
      const tenantId = input.scope.tenant.id
      await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        if (!(await createInitialTokens(kernel.database, tenantId).remove(id))) throw errors.not_found()
        const resource = entityOf('Tenant', tenantId)
        unit.audit({ action: 'oidc.initial_token.removed', resource, detail: { id } })
        unit.recordOnly()
      })
      return {}
    },
  }),
]

const managementRoute = (kernel: Kernel) =>
  route({
    method: 'POST',
    path: '/clients/:id/rotate-registration-token',
    summary: 'Another management token for a client that registered itself; the one before is dead',
    action: 'rotateSecret',
    resourceType: 'Client',
    async resource(input) {
      const { id = '' } = input.params
      const client = await createClientStore(kernel.database, input.scope.tenant.id).find(id)
      return existing(input, client?.origin === 'registration', entityOf('Client', id), 'listClients')
    },
    context: withTenant,
    responds: z.object({ registrationAccessToken: z.string(), registrationClientUri: z.string() }),
    async handle(input, judgement) {
      const { id = '' } = input.params
      const { tenant, now } = input.scope
      const token = managementPrefix + kernel.secrets.token(32)
      await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        if (!(await createRegistrations(kernel.database, tenant.id).reset(id, token, now))) throw errors.not_found()
        unit.audit({ action: 'oidc.registration_token.rotated', resource: entityOf('Client', id) })
        unit.recordOnly()
      })
      const registrationClientUri = `${tenant.issuer}/oauth2/register/${id}`
      return { body: { registrationAccessToken: token, registrationClientUri } }
    },
  })

const settingsRoutes = (kernel: Kernel) => [
  route({
    method: 'GET',
    path: '/openid-settings',
    summary: 'What the tenant settles about its OpenID provider',
    action: 'readOpenidSettings',
    resourceType: 'Tenant',
    resource: onTenant,
    responds: openidSettingsSchema,
    async handle({ scope }) {
      return { body: await createOpenidSettings(kernel.database, scope.tenant.id).read() }
    },
  }),
  route({
    method: 'PUT',
    path: '/openid-settings',
    summary: 'Settle it anew, as a whole',
    action: 'writeOpenidSettings',
    resourceType: 'Tenant',
    resource: onTenant,
    body: openidSettingsSchema,
    successStatus: 204,
    async handle(input, judgement) {
      const { tenant, now } = input.scope
      requireForeign(input.body.resources, tenant)
      await kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        await createOpenidSettings(kernel.database, tenant.id).put(input.body, now)
        const detail = { ...input.body }
        unit.audit({ action: 'oidc.settings.changed', resource: entityOf('Tenant', tenant.id), detail })
        // Providers are built of it.
        unit.changed({ kind: 'tenant' })
      })
      return {}
    },
  }),
]

const view = ({ terms, createdAt, expiresAt, usedAt, ...token }: InitialToken) => ({
  ...token,
  ...terms,
  createdAt: iso(createdAt),
  expiresAt: iso(expiresAt),
  ...(usedAt === undefined ? {} : { usedAt: iso(usedAt) }),
})
