import { z } from 'zod'
import { pageOf, pageQuery } from '../../admin/list-page.ts'
import { actorOf, iso } from '../../admin/request.ts'
import type { Judgement } from '../../decision/decision-point.ts'
import { errors } from '../../http/errors.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import type { RouteInput, RouteTable, Target } from '../../http/route.ts'
import { createAccounts } from '../../identity/accounts.ts'
import { entityOf } from '../../identity/entities.ts'
import { route } from '../../module.ts'
import { answerRequest, findRequest, listWaiting, type RequestKit, waitingShape } from '../answer-request.ts'
import { createOwnApps, type OwnApp } from './own-apps.ts'
import { createOwnSessions, type OwnSession } from './own-sessions.ts'
import { listOwnTrail } from './own-trail.ts'

const appShape = z.object({
  clientId: z.string(),
  name: z.string(),
  since: z.string(),
  connections: z.array(
    z.object({
      id: z.string(),
      grant: z.string(),
      scopes: z.array(z.string()),
      since: z.string(),
      lastUsedAt: z.string(),
      expiresAt: z.string(),
    }),
  ),
})
const consentShape = z.object({
  clientId: z.string(),
  name: z.string(),
  scopes: z.array(z.string()),
  claims: z.array(z.string()),
  resources: z.record(z.string(), z.array(z.string())),
  updatedAt: z.string(),
})
const sessionShape = z.object({
  id: z.string(),
  isCurrent: z.boolean(),
  browser: z.string().optional(),
  system: z.string().optional(),
  ip: z.string().optional(),
  acr: z.string().optional(),
  createdAt: z.string(),
  authenticatedAt: z.string(),
  lastUsedAt: z.string(),
  expiresAt: z.string(),
  applications: z.array(z.object({ clientId: z.string(), name: z.string() })),
})
const trailShape = z.object({
  id: z.string(),
  at: z.string(),
  action: z.string(),
  outcome: z.string(),
  ip: z.string().optional(),
  clientId: z.string().optional(),
  clientName: z.string().optional(),
  scopes: z.array(z.string()).optional(),
  claims: z.array(z.string()).optional(),
})
const profileShape = z.object({
  email: z.string().optional(),
  emailVerified: z.boolean().optional(),
  phone: z.string().optional(),
  phoneVerified: z.boolean().optional(),
  username: z.string().optional(),
  locale: z.string().optional(),
  claims: z.record(z.string(), z.json()),
  createdAt: z.string(),
  updatedAt: z.string(),
  passwordChangedAt: z.string().optional(),
})
const items = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item) })

/** Whose account is the token's and nobody else's: no path, query or body says it (security.md row 10). */
const own = ({ scope }: Pick<RouteInput, 'scope'>): Target => ({ resource: ownerOf(scope) })
/** A client's own token, or none, has no account: the rules say no to it as to any stranger. */
const ownerOf = (scope: RequestScope) => (scope.subject.type === 'User' ? scope.subject : entityOf('User', ''))

type Change = (unit: Parameters<Parameters<RequestKit['kernel']['withTransaction']>[1]>[0]) => Promise<boolean>

/**
 * `/account/v1`: a person's own account as JSON (people.md §1). Only by bearer token of the audience `<issuer>/account`, never by
 * cookie, so no other site can make a browser do any of it.
 */
export const accountRoutes = (kit: RequestKit): RouteTable => ({
  basePath: '/account/v1',
  audiences: ['/account'],
  routes: [
    ...profileRoutes(kit),
    ...sessionRoutes(kit),
    ...appRoutes(kit),
    ...consentRoutes(kit),
    ...requestRoutes(kit),
  ],
})

const change = async (
  { kernel }: RequestKit,
  input: Pick<RouteInput, 'scope' | 'headers'>,
  judgement: Judgement,
  run: Change,
): Promise<object> => {
  const { value: isDone } = await kernel.withTransaction(actorOf(input, judgement), run)
  if (!isDone) throw errors.not_found()
  return {}
}

const profileRoutes = ({ kernel }: RequestKit) => [
  route({
    method: 'GET',
    path: '/me',
    summary: 'Who one is here',
    action: 'viewAccount',
    resourceType: 'User',
    resource: own,
    responds: profileShape,
    async handle({ scope }) {
      const account = await createAccounts(kernel.database, scope.tenant.id).get(scope.subject.id)
      const { email, phone, username, locale, passwordChangedAt } = account
      return {
        body: {
          ...(email ? { email: email.address, emailVerified: email.isVerified } : {}),
          ...(phone ? { phone: phone.number, phoneVerified: phone.isVerified } : {}),
          ...(username === undefined ? {} : { username }),
          ...(locale === undefined ? {} : { locale }),
          claims: z.record(z.string(), z.json()).parse(account.claims),
          createdAt: iso(account.createdAt),
          updatedAt: iso(account.updatedAt),
          ...(passwordChangedAt === undefined ? {} : { passwordChangedAt: iso(passwordChangedAt) }),
        },
      }
    },
  }),
  ...(['activity', 'consents/history'] as const).map((name) =>
    route({
      method: 'GET',
      path: `/${name}`,
      summary:
        name === 'activity'
          ? 'What happened to the account, newest first'
          : 'What was agreed to and taken back, newest first',
      action: 'viewActivity',
      resourceType: 'User',
      resource: own,
      query: z.strictObject(pageQuery),
      responds: pageOf(trailShape),
      refuses: ['invalid_cursor'],
      async handle({ scope, query }) {
        const body = await listOwnTrail(kernel, scope, { kind: name === 'activity' ? 'activity' : 'history', query })
        return { body }
      },
    }),
  ),
]

const sessionRoutes = (kit: RequestKit) => {
  const sessionsOf = ({ tenant, subject }: RequestScope) =>
    createOwnSessions(kit.kernel.database, tenant.id, subject.id)
  return [
    route({
      method: 'GET',
      path: '/sessions',
      summary: 'Browsers that are signed in, newest first',
      action: 'viewAccount',
      resourceType: 'User',
      resource: own,
      responds: items(sessionShape),
      async handle({ scope }) {
        const sessions = await sessionsOf(scope).list(scope.now)
        return { body: { items: sessions.map((session) => sessionView(session, isBehind(scope, session))) } }
      },
    }),
    route({
      method: 'DELETE',
      path: '/sessions/others',
      summary: 'Signs out everywhere but in the browser that the token came from',
      action: 'endAccountSessions',
      resourceType: 'User',
      resource: own,
      successStatus: 204,
      async handle(input, judgement) {
        const { scope } = input
        const kept = (await sessionsOf(scope).list(scope.now)).find((session) => isBehind(scope, session))
        return change(kit, input, judgement, async (unit) => {
          await sessionsOf(scope).endOthers(unit, kept?.uid, scope.now)
          return true
        })
      },
    }),
    route({
      method: 'DELETE',
      path: '/sessions/:id',
      summary: 'Signs one browser out',
      action: 'endAccountSessions',
      resourceType: 'User',
      resource: own,
      successStatus: 204,
      handle: (input, judgement) =>
        change(kit, input, judgement, (unit) =>
          sessionsOf(input.scope).end(unit, input.params.id ?? '', input.scope.now),
        ),
    }),
  ]
}

const appsOf = ({ kernel }: RequestKit, { tenant, subject }: RequestScope) =>
  createOwnApps(kernel.database, tenant.id, subject.id)

const appRoutes = (kit: RequestKit) => [
  route({
    method: 'GET',
    path: '/applications',
    summary: 'Apps that have something of the person, and where they stay signed in',
    action: 'viewAccount',
    resourceType: 'User',
    resource: own,
    responds: items(appShape),
    async handle({ scope }) {
      return { body: { items: (await appsOf(kit, scope).list(scope.now)).map(appView) } }
    },
  }),
  ...(['/applications/:clientId', '/applications/:clientId/connections/:id'] as const).map((path) =>
    route({
      method: 'DELETE',
      path,
      summary: path.endsWith(':id')
        ? 'Ends what one connection of an app has'
        : 'Ends every token of an app; what was agreed to stays',
      action: 'disconnectApps',
      resourceType: 'User',
      resource: own,
      successStatus: 204,
      handle: (input, judgement) =>
        change(kit, input, judgement, (unit) =>
          appsOf(kit, input.scope).disconnect(unit, input.params.clientId ?? '', input.params.id),
        ),
    }),
  ),
]

const consentRoutes = (kit: RequestKit) => [
  route({
    method: 'GET',
    path: '/consents',
    summary: 'What was agreed to, by app',
    action: 'viewAccount',
    resourceType: 'User',
    resource: own,
    responds: items(consentShape),
    async handle({ scope }) {
      const apps = await appsOf(kit, scope).list(scope.now)
      return { body: { items: apps.flatMap(consentView) } }
    },
  }),
  route({
    method: 'DELETE',
    path: '/consents/:clientId',
    summary: 'Takes back what was agreed to, all of it or one scope or claim; every token that holds it ends',
    action: 'withdrawConsents',
    resourceType: 'User',
    resource: own,
    query: z.strictObject({
      scope: z.string().min(1).max(200).optional(),
      claim: z.string().min(1).max(200).optional(),
    }),
    successStatus: 204,
    handle: (input, judgement) =>
      change(kit, input, judgement, (unit) =>
        appsOf(kit, input.scope).withdraw(unit, input.params.clientId ?? '', input.query),
      ),
  }),
]

const requestRoutes = (kit: RequestKit) => [
  route({
    method: 'GET',
    path: '/authentication-requests',
    summary: 'What apps wait for the person to answer, oldest first',
    action: 'viewAccount',
    resourceType: 'User',
    resource: own,
    responds: items(waitingShape.omit({ userId: true })),
    async handle({ scope }) {
      const waiting = await listWaiting(kit.kernel.database, scope, scope.subject.id)
      return { body: { items: waiting.map(({ userId: _, ...shown }) => shown) } }
    },
  }),
  ...(['approve', 'deny'] as const).map((verdict) =>
    route({
      method: 'POST',
      path: `/authentication-requests/:id/${verdict}`,
      summary: verdict === 'approve' ? 'Yes; a sign-in of the last five minutes is needed' : 'No',
      action: verdict === 'approve' ? 'approveOwn' : 'declineOwn',
      resourceType: 'BackchannelRequest',
      async resource({ scope, params }): Promise<Target> {
        const found = await findRequest(kit, { scope, id: params.id ?? '' })
        // Another person's is not there: its id shows nothing.
        if (found && found.accountId === scope.subject.id) return found
        return { missing: true, decideOn: ownerOf(scope), action: 'viewAccount' }
      },
      successStatus: 204,
      refuses: ['backchannel_request_settled', 'credential_refused', 'reauthentication_required'],
      async handle({ scope, params }) {
        const { session } = scope
        await answerRequest(kit, { scope, id: params.id ?? '', verdict, ...(session ? { by: session } : {}) })
        return {}
      },
    }),
  ),
]

/** The browser that the token was made in: one of its apps has the token's grant. */
const isBehind = ({ session }: RequestScope, { grants }: OwnSession): boolean =>
  session !== undefined && grants.includes(session.id)

const sessionView = (session: OwnSession, isCurrent: boolean) => ({
  id: session.uid,
  isCurrent,
  ...session.device,
  ...(session.ip === undefined ? {} : { ip: session.ip }),
  ...(session.acr === undefined ? {} : { acr: session.acr }),
  createdAt: iso(session.createdAt),
  authenticatedAt: iso(session.authenticatedAt),
  lastUsedAt: iso(session.lastUsedAt),
  expiresAt: iso(session.expiresAt),
  applications: session.apps,
})

const appView = ({ clientId, name, since, connections }: OwnApp) => ({
  clientId,
  name,
  since: iso(since),
  connections: connections.map((connection) => ({
    id: connection.id,
    grant: connection.grant,
    scopes: connection.scopes,
    since: iso(connection.since),
    lastUsedAt: iso(connection.lastUsedAt),
    expiresAt: iso(connection.expiresAt),
  })),
})

const consentView = ({ clientId, name, given, since }: OwnApp) =>
  given ? [{ clientId, name, ...given, updatedAt: iso(since) }] : []
