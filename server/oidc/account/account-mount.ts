import { pageQuery } from '../../admin/list-page.ts'
import { type Form, readForm } from '../../http/body.ts'
import { errors } from '../../http/errors.ts'
import type { Mount, WebContext } from '../../http/mount.ts'
import { Refusal } from '../../http/refusal.ts'
import { type AccountFrame, type AccountPlace, placePath } from '../../pages/account-frame.ts'
import { accountPage } from '../../pages/account-page.ts'
import { accountRequestsPage, type RequestsPage } from '../../pages/account-requests-page.ts'
import { accountTrailPage } from '../../pages/account-trail-page.ts'
import { formToken, requireOwnForm } from '../../pages/form-guard.ts'
import { sendPage, type Viewer } from '../../pages/page.ts'
import { answerRequest, findRequest, listWaiting, type RequestKit } from '../answer-request.ts'
import { showRefusal } from '../interactions.ts'
import {
  accountPath,
  accountViewer,
  askToSignIn,
  comeBack,
  goTo,
  type OwnVisit,
  returnPath,
  visitOf,
} from './account-sign-in.ts'
import { createOwnApps } from './own-apps.ts'
import { createOwnSessions } from './own-sessions.ts'
import { listOwnTrail } from './own-trail.ts'
import { shownAccount, shownEvent, shownRequest } from './shown-account.ts'

type Visit = OwnVisit & {
  readonly context: WebContext
  readonly viewer: Viewer
  readonly frame: AccountFrame
}

/** THE TABLE of pages, by path. */
const pages: { readonly [path: string]: AccountPlace } = {
  [accountPath]: 'overview',
  '/account/requests': 'requests',
  '/account/history': 'history',
  '/account/activity': 'activity',
}
const answered: ReadonlySet<AccountPlace> = new Set(['overview', 'requests'])

/**
 * `/account`: a person's sessions, the apps that it let in, what waits for it and what happened; the same as `/account/v1`, by the
 * same rules, for a browser (people.md §5).
 */
export function createAccountMount(kit: RequestKit): Mount {
  const csrfKey = kit.kernel.secrets.deriveKey('account-forms')
  return {
    name: 'account',
    paths: [...Object.keys(pages), returnPath],
    async handle(context) {
      const { scope, path } = context.state
      const place = pages[path] ?? 'overview'
      const takes = path !== returnPath && answered.has(place) ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD']
      if (!takes.includes(context.method)) throw errors.method_not_allowed({ headers: { allow: takes.join(', ') } })
      try {
        await kit.exchanges.run({ scope, spends: false }, async () => {
          const visit = await visitOf(context, kit.providers)
          if (path === returnPath) return comeBack(context, visit)
          const { asked, ...viewer } = accountViewer(context)
          if (!visit)
            return askToSignIn(context, kit.kernel, { place, ...(asked === undefined ? {} : { language: asked }) })
          const { pathPrefix } = scope.tenant
          const csrf = formToken(csrfKey, visit.uid)
          const frame = { base: pathPrefix + accountPath, place, csrf, signOut: `${pathPrefix}/oauth2/end_session` }
          await serve(kit, { ...visit, context, viewer, frame })
        })
      } catch (error) {
        showRefusal(context, error)
      }
    },
  }
}

async function serve(kit: RequestKit, visit: Visit): Promise<void> {
  const { context, frame } = visit
  if (context.method === 'POST') {
    const form = await readForm(context.req)
    requireOwnForm(context, { given: form.get('csrf'), expected: frame.csrf })
    return frame.place === 'requests' ? answer(kit, visit, form) : change(kit, visit, form)
  }
  if (frame.place === 'overview') return showAccount(kit, visit)
  if (frame.place === 'requests') return showRequests(kit, visit)
  return showTrail(kit, visit, frame.place)
}

const mayLook = ({ kernel }: RequestKit, { scope }: Visit, action: 'viewAccount' | 'viewActivity') =>
  kernel.decisions.authorize(scope, { action, resource: scope.subject })

async function showAccount(kit: RequestKit, visit: Visit, isGone = false): Promise<void> {
  await mayLook(kit, visit, 'viewAccount')
  const { context, viewer } = visit
  sendPage(
    context,
    viewer,
    accountPage(viewer, { ...(await shownAccount(kit, visit, viewer)), frame: visit.frame, isGone }),
  )
}

/** One of the buttons of the overview. */
async function change(kit: RequestKit, visit: Visit, form: Form): Promise<void> {
  const { kernel } = kit
  const { scope, uid, accountId, context } = visit
  const { tenant, now, requestId, ip, subject } = scope
  const asked = changeOf(form)
  if (!asked) return showAccount(kit, visit, true)
  const { id: decisionId } = await kernel.decisions.authorize(scope, { action: asked.action, resource: subject })
  const sessions = createOwnSessions(kernel.database, tenant.id, accountId)
  const apps = createOwnApps(kernel.database, tenant.id, accountId)
  const actor = { tenantId: tenant.id, subject, requestId, ip, decisionId }
  const { value: isDone } = await kernel.withTransaction(actor, async (unit) => {
    if (asked.action === 'withdrawConsents') return apps.withdraw(unit, asked.clientId, asked.part)
    if (asked.action === 'disconnectApps') return apps.disconnect(unit, asked.clientId, asked.connection)
    if (asked.session !== 'others') return sessions.end(unit, asked.session, now)
    await sessions.endOthers(unit, uid, now)
    return true
  })
  if (isDone) goTo(context, placePath(visit.frame, 'overview'))
  else await showAccount(kit, visit, true)
}

function changeOf(form: Form) {
  const [session, withdrawn, from, disconnected] = ['end', 'withdraw', 'from', 'disconnect'].map((name) =>
    form.get(name),
  )
  if (session !== undefined) return { action: 'endAccountSessions', session } as const
  if (withdrawn !== undefined) return { action: 'withdrawConsents', clientId: withdrawn, part: {} } as const
  const [scope, claim] = [form.get('scope'), form.get('claim')]
  // Of a part: nothing said is not everything.
  if (from !== undefined && (scope !== undefined || claim !== undefined)) {
    return { action: 'withdrawConsents', clientId: from, part: { scope, claim } } as const
  }
  if (disconnected === undefined) return undefined
  return { action: 'disconnectApps', clientId: disconnected, connection: form.get('connection') } as const
}

async function showRequests(
  kit: RequestKit,
  visit: Visit,
  problem?: NonNullable<RequestsPage['problem']>,
): Promise<void> {
  await mayLook(kit, visit, 'viewAccount')
  const { context, viewer, frame, scope, accountId } = visit
  const requests = (await listWaiting(kit.kernel.database, scope, accountId)).map((request) =>
    shownRequest(request, viewer),
  )
  sendPage(context, viewer, accountRequestsPage(viewer, { frame, requests, ...(problem ? { problem } : {}) }))
}

/** The person's word. Only a plain yes is one, as on the consent page (security.md §2.24). */
async function answer(kit: RequestKit, visit: Visit, form: Form): Promise<void> {
  const { context, scope, accountId, frame } = visit
  const id = form.get('request') ?? ''
  const verdict = form.has('approve') && !form.has('decline') ? 'approve' : 'deny'
  const found = await findRequest(kit, { scope, id })
  if (!found || found.accountId !== accountId) return showRequests(kit, visit, { kind: 'settled', status: 404 })
  const { resource, entities } = found
  try {
    const action = verdict === 'approve' ? 'approveOwn' : 'declineOwn'
    await kit.kernel.decisions.authorize(scope, { action, resource, entities })
    await answerRequest(kit, { scope, id, verdict, ...(scope.session ? { by: scope.session } : {}) })
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind.status >= 500) throw error
    const { code, status } = error.kind
    if (code === 'reauthentication_required')
      return askToSignIn(context, kit.kernel, { place: 'requests', isAgain: true })
    return showRequests(kit, visit, { kind: code === 'backchannel_request_settled' ? 'settled' : 'refused', status })
  }
  goTo(context, placePath(frame, 'requests'))
}

async function showTrail(kit: RequestKit, visit: Visit, kind: 'history' | 'activity'): Promise<void> {
  await mayLook(kit, visit, 'viewActivity')
  const { context, viewer, frame, scope } = visit
  const cursor = new URLSearchParams(context.querystring).get('cursor')
  const query = { limit: pageQuery.limit.parse(undefined), ...(cursor === null ? {} : { cursor }) }
  const { items, nextCursor } = await listOwnTrail(kit.kernel, scope, { kind, query })
  const events = items.map((event) => shownEvent(event, viewer))
  sendPage(
    context,
    viewer,
    accountTrailPage(viewer, { frame, events, ...(nextCursor === undefined ? {} : { cursor: nextCursor }) }),
  )
}
