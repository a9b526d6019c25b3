// What the store knows of an account, as its pages say it: times in words, names for ids.
import type { AccountPage, ShownApp, ShownSession } from '../../pages/account-page.ts'
import type { ShownRequest } from '../../pages/account-requests-page.ts'
import type { TrailPage } from '../../pages/account-trail-page.ts'
import type { Viewer } from '../../pages/page.ts'
import { listWaiting, type RequestKit, type WaitingRequest } from '../answer-request.ts'
import { accountClientId, type OwnVisit } from './account-sign-in.ts'
import { createOwnApps, type OwnApp } from './own-apps.ts'
import { createOwnSessions, type OwnSession } from './own-sessions.ts'
import type { OwnEvent } from './own-trail.ts'

/** The overview: everything but its frame. */
export async function shownAccount(
  { kernel, providers }: RequestKit,
  { scope, accountId, uid }: OwnVisit,
  viewer: Viewer,
): Promise<Omit<AccountPage, 'frame'>> {
  const { tenant, now } = scope
  const say = timeIn(viewer)
  const { accounts } = await providers.of(tenant)
  const account = await accounts.find(accountId)
  const sessions = await createOwnSessions(kernel.database, tenant.id, accountId).list(now)
  const apps = await createOwnApps(kernel.database, tenant.id, accountId).list(now)
  const { email, phone, username, passwordChangedAt } = account ?? {}
  return {
    name: email?.address ?? username ?? accountId,
    waiting: (await listWaiting(kernel.database, scope, accountId)).length,
    profile: {
      ...(email ? { email } : {}),
      ...(phone ? { phone } : {}),
      ...(username === undefined ? {} : { username }),
      created: say(account?.createdAt ?? now),
      ...(passwordChangedAt === undefined ? {} : { passwordChanged: say(passwordChangedAt) }),
    },
    sessions: sessions.map((session) => shownSession(session, { say, isThis: session.uid === uid })),
    apps: apps.filter(({ clientId }) => clientId !== accountClientId).map((app) => shownApp(app, say)),
  }
}

/** In the reader's language, and in UTC: the pages run no script that would know the reader's zone. */
function timeIn({ language }: Viewer): (at: number) => string {
  const time = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
  return (at) => `${time.format(at)} UTC`
}

function shownSession(
  { uid, device, ip, createdAt, lastUsedAt, apps }: OwnSession,
  { say, isThis }: { readonly say: (at: number) => string; readonly isThis: boolean },
): ShownSession {
  const name = [device.browser, device.system].filter((part) => part !== undefined).join(' · ')
  return {
    uid,
    isThis,
    ...(name === '' ? {} : { device: name }),
    ...(ip === undefined ? {} : { place: ip }),
    since: say(createdAt),
    lastUsed: say(lastUsedAt),
    apps: apps.filter(({ clientId }) => clientId !== accountClientId).map(({ name: app }) => app),
  }
}

const shownApp = ({ clientId, name, given, since, connections }: OwnApp, say: (at: number) => string): ShownApp => ({
  clientId,
  name,
  since: say(since),
  scopes: given ? [...new Set([...given.scopes, ...Object.values(given.resources).flat()])] : [],
  claims: given?.claims ?? [],
  connections: connections.map((connection) => ({
    id: connection.id,
    isDevice: connection.grant.endsWith('device_code'),
    since: say(connection.since),
    lastUsed: say(connection.lastUsedAt),
  })),
})

export function shownRequest(request: WaitingRequest, viewer: Viewer): ShownRequest {
  const { id, clientName, bindingMessage, scopes, authorizationDetails = [], createdAt } = request
  return {
    id,
    clientName,
    ...(bindingMessage === undefined ? {} : { message: bindingMessage }),
    scopes,
    details: authorizationDetails.map(({ type, identifier, ...members }) => ({
      type: String(type),
      identifier: String(identifier ?? ''),
      members: Object.entries(members).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    })),
    at: timeIn(viewer)(Date.parse(createdAt)),
  }
}

export const shownEvent = (event: OwnEvent, viewer: Viewer): TrailPage['events'][number] => ({
  at: timeIn(viewer)(Date.parse(event.at)),
  action: event.action,
  isRefused: event.outcome !== 'success',
  ...(event.clientName === undefined && event.clientId === undefined
    ? {}
    : { app: event.clientName ?? event.clientId ?? '' }),
  ...(event.ip === undefined ? {} : { place: event.ip }),
  scopes: event.scopes ?? [],
  claims: event.claims ?? [],
})
