import { z } from 'zod'
import type { Database } from '../../adapters/database/port.ts'
import { type Account, createAccounts } from '../identity/accounts.ts'
import { checkNewPassword } from '../identity/password-rules.ts'
import { type RouteInput, route } from '../module.ts'
import { etagOf, requireMatch } from './concurrency.ts'
import { listPage, pageOf, pageQuery } from './list-page.ts'
import { maskFields, refuseMaskedWrites } from './mask-fields.ts'
import { type Admin, actorOf, entity, existing, iso, onTenant, withTenant } from './request.ts'

const claims = z.record(z.string().min(1).max(100), z.json())
const email = z.string().min(3).max(254)
const locale = z.string().regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/)
const createBody = z.strictObject({
  email,
  emailVerified: z.boolean().default(false),
  password: z.string().max(1_000).optional(),
  claims: claims.optional(),
  locale: locale.optional(),
})
const changeBody = z.strictObject({
  email: email.optional(),
  emailVerified: z.boolean().optional(),
  claims: claims.optional(),
  locale: locale.optional(),
})
const listQuery = z.strictObject({ ...pageQuery, email: email.optional() })
export const userShape = z.object({
  id: z.string(),
  status: z.string().optional(),
  email: z.string().optional(),
  emailVerified: z.boolean().optional(),
  claims: claims.optional(),
  locale: z.string().optional(),
  createdAt: z.string().optional(),
  updatedAt: z.string(),
  passwordChangedAt: z.string().optional(),
})

export const userRoutes = (admin: Admin) => [
  route({
    method: 'GET',
    path: '/users',
    summary: 'Users that the caller may read',
    action: 'listUsers',
    resourceType: 'Tenant',
    resource: onTenant,
    query: listQuery,
    responds: pageOf(userShape),
    refuses: ['invalid_cursor'],
    async handle({ scope, query }) {
      const accounts = createAccounts(admin.kernel.database, scope.tenant.id)
      const body = await listPage(admin.kernel, scope, query, {
        name: 'users',
        filter: [query.email],
        async read(after, count) {
          const ids = await listIds(admin.kernel.database, scope.tenant.id, { after, count, email: query.email })
          const found = await Promise.all(ids.map(accounts.find))
          return found.filter((account) => account !== undefined)
        },
        keyOf: (account) => [account.id],
        question: (account) => ({
          action: 'read',
          resource: entity('User', account.id),
          context: withTenant({ scope }),
        }),
        view: (account, judgement) => view(account, { scope }, judgement?.fields),
      })
      return { body }
    },
  }),
  route({
    method: 'POST',
    path: '/users',
    summary: 'Create a user',
    action: 'createUser',
    resourceType: 'Tenant',
    resource: onTenant,
    body: createBody,
    successStatus: 201,
    responds: userShape,
    refuses: ['identifier_invalid', 'identifier_taken', 'password_too_short', 'password_too_common'],
    async handle(input, judgement) {
      const { scope, body } = input
      const { password, ...given } = body
      if (password !== undefined) checkNewPassword(password, [given.email])
      const hash = password === undefined ? undefined : await admin.passwords.hash(password)
      const accounts = createAccounts(admin.kernel.database, scope.tenant.id)
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        const { id } = await accounts.create(unit, defined(given), scope.now)
        if (hash) await accounts.setPassword(unit, id, hash, scope.now)
        return accounts.get(id)
      })
      const headers = { etag: etagOf(value.version), location: `${scope.tenant.issuer}/admin/v1/users/${value.id}` }
      return { body: view(value, input, undefined), headers }
    },
  }),
  route({
    method: 'GET',
    path: '/users/:id',
    summary: 'One user',
    action: 'read',
    resourceType: 'User',
    resource: (input) => target(admin, input),
    context: withTenant,
    responds: userShape,
    async handle(input, judgement) {
      const account = await accountsOf(admin, input).get(idOf(input))
      return { body: view(account, input, judgement.fields), headers: { etag: etagOf(account.version) } }
    },
  }),
  route({
    method: 'PATCH',
    path: '/users/:id',
    summary: 'Change a user',
    action: 'update',
    resourceType: 'User',
    resource: (input) => target(admin, input),
    context: withTenant,
    body: changeBody,
    responds: userShape,
    refuses: ['precondition_required', 'version_conflict', 'identifier_taken', 'field_not_allowed'],
    async handle(input, judgement) {
      const { scope, body } = input
      refuseMaskedWrites(Object.keys(body), { program: scope.policy.program, type: 'User', fields: judgement.fields })
      const accounts = accountsOf(admin, input)
      const before = await accounts.get(idOf(input))
      requireMatch(input.headers, etagOf(before.version))
      const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), (unit) =>
        accounts.update(unit, before.id, { ...defined(body), ifVersion: before.version }, scope.now),
      )
      return { body: view(value, input, judgement.fields), headers: { etag: etagOf(value.version) } }
    },
  }),
  ...(['disable', 'enable'] as const).map((action) =>
    route({
      method: 'POST',
      path: `/users/:id/${action}`,
      summary: action === 'disable' ? 'Disable a user and end everything that it was given' : 'Enable a user again',
      action,
      resourceType: 'User',
      resource: (input: RouteInput) => target(admin, input),
      context: withTenant,
      responds: userShape,
      refuses: ['account_status_conflict'],
      async handle(input, judgement) {
        const status = action === 'disable' ? 'disabled' : 'active'
        const { value } = await admin.kernel.withTransaction(actorOf(input, judgement), (unit) =>
          accountsOf(admin, input).setStatus(unit, idOf(input), status, input.scope.now),
        )
        return { body: view(value, input, judgement.fields), headers: { etag: etagOf(value.version) } }
      },
    }),
  ),
  route({
    method: 'POST',
    path: '/users/:id/end-sessions',
    summary: 'End every session and grant of a user',
    action: 'endSessions',
    resourceType: 'User',
    resource: (input) => target(admin, input),
    context: withTenant,
    successStatus: 204,
    async handle(input, judgement) {
      await admin.kernel.withTransaction(actorOf(input, judgement), (unit) =>
        accountsOf(admin, input).endSessions(unit, idOf(input)),
      )
      return {}
    },
  }),
  route({
    method: 'DELETE',
    path: '/users/:id',
    summary: 'Delete a user (kept for restoring; sessions and grants end)',
    action: 'remove',
    resourceType: 'User',
    resource: (input) => target(admin, input),
    context: withTenant,
    successStatus: 204,
    refuses: ['precondition_required', 'version_conflict'],
    async handle(input, judgement) {
      const accounts = accountsOf(admin, input)
      await admin.kernel.withTransaction(actorOf(input, judgement), async (unit) => {
        requireMatch(input.headers, etagOf((await accounts.get(idOf(input))).version))
        await accounts.setStatus(unit, idOf(input), 'deleted', input.scope.now)
      })
      return {}
    },
  }),
]

type Input = Pick<RouteInput, 'scope' | 'params'>
const idOf = ({ params }: Input): string => params.id ?? ''
const accountsOf = (admin: Admin, { scope }: Input) => createAccounts(admin.kernel.database, scope.tenant.id)

async function target(admin: Admin, input: Input) {
  const account = await accountsOf(admin, input).find(idOf(input))
  return existing(input, account !== undefined, entity('User', idOf(input)), 'listUsers')
}

function view(account: Account, { scope }: Pick<RouteInput, 'scope'>, fields: readonly string[] | undefined) {
  const { email: address, passwordChangedAt } = account
  const members = {
    id: account.id,
    status: account.status,
    ...(address ? { email: address.address, emailVerified: address.isVerified } : {}),
    claims: z.record(z.string(), z.json()).parse(account.claims),
    ...(account.locale === undefined ? {} : { locale: account.locale }),
    createdAt: iso(account.createdAt),
    updatedAt: iso(account.updatedAt),
    ...(passwordChangedAt === undefined ? {} : { passwordChangedAt: iso(passwordChangedAt) }),
  }
  return maskFields(members, { program: scope.policy.program, type: 'User', fields })
}

async function listIds(
  database: Database,
  tenantId: string,
  from: { readonly after: readonly string[] | undefined; readonly count: number; readonly email: string | undefined },
): Promise<string[]> {
  const query = database.table('account').select('id').where('tenant_id', tenantId).orderBy('id').limit(from.count)
  query.whereNot('status', 'deleted')
  if (from.after) query.where('id', '>', from.after[0] ?? '')
  const { email: address } = from
  if (address !== undefined) {
    const matching = database.table('identifier').select('account_id').where({ tenant_id: tenantId, kind: 'email' })
    query.whereIn('id', matching.whereRaw('lower(normalized) = lower(?)', [address]))
  }
  const rows: { readonly id: string }[] = await query
  return rows.map(({ id }) => id)
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> }
/** Optional members that came without a value are absent. */
function defined<T extends object>(given: T): Defined<T> {
  // Only members without a value are dropped, which is what the type says.
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Defined<T>
}
