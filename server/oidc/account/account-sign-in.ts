import { createHash, randomBytes } from 'node:crypto'
import { createClientStore } from '../../admin/client-store.ts'
import type { Actor } from '../../events/unit-of-work.ts'
import { errors } from '../../http/errors.ts'
import type { WebContext } from '../../http/mount.ts'
import { Refusal } from '../../http/refusal.ts'
import type { RequestScope } from '../../http/request-scope.ts'
import { entityOf } from '../../identity/entities.ts'
import type { Kernel } from '../../kernel.ts'
import type { AccountPlace } from '../../pages/account-frame.ts'
import { errorPage } from '../../pages/error-page.ts'
import { languageCookie } from '../../pages/language.ts'
import { sendPage, type Viewer, viewerOf } from '../../pages/page.ts'
import { clientMetadataSchema } from '../client-metadata.ts'
import type { Providers } from '../providers.ts'

/** The client by which these pages ask for a sign-in, as any app would. */
export const accountClientId = 'writ-account'
export const accountPath = '/account'
export const returnPath = '/account/signed-in'

/** A browser that is signed in, and the request as its person makes it: what the rules are asked with. */
export type OwnVisit = { readonly uid: string; readonly accountId: string; readonly scope: RequestScope }

/** Only a session that is good now: its row is read with the account's and the tenant's epochs. */
export async function visitOf(context: WebContext, providers: Providers): Promise<OwnVisit | undefined> {
  const { scope } = context.state
  const { provider } = await providers.of(scope.tenant)
  // The library wants a context of koa, and reads no more of it than the cookies.
  const session = await provider.Session.get(context as unknown as Parameters<typeof provider.Session.get>[0])
  const { accountId, uid, acr = 'pwd', amr = [], loginTs = 0 } = session
  if (accountId === undefined) return undefined
  const subject = entityOf('User', accountId)
  return {
    uid,
    accountId,
    scope: { ...scope, subject, session: { id: uid, acr, amr, authenticatedAt: loginTs * 1_000 } },
  }
}

/** The answer of the authorization endpoint: the session is there now, and the code, which nobody redeems, ends by itself. */
export function comeBack(context: WebContext, visit: OwnVisit | undefined): void {
  const { scope } = context.state
  if (visit) {
    const state = new URLSearchParams(context.querystring).get('state')
    const place = places.find((each) => each === state)
    goTo(context, `${scope.tenant.pathPrefix}${accountPath}${place === undefined ? '' : `/${place}`}`)
    return
  }
  const viewer = viewerOf(context)
  sendPage(context, viewer, errorPage(viewer, { code: 'not_signed_in', status: 401, requestId: scope.requestId }))
}

const places: readonly AccountPlace[] = ['requests', 'history', 'activity']

/** Leads to the sign-in, and back to where the person was; `isAgain`: also where there is a session. */
export async function askToSignIn(
  context: WebContext,
  kernel: Kernel,
  ask: { readonly place: AccountPlace; readonly isAgain?: boolean; readonly language?: string },
): Promise<void> {
  const { tenant } = context.state.scope
  if (context.method === 'POST' && !ask.isAgain) throw errors.authentication_required()
  await registerClient(kernel, tenant.id, tenant.issuer + returnPath)
  const query = new URLSearchParams({
    client_id: accountClientId,
    response_type: 'code',
    redirect_uri: tenant.issuer + returnPath,
    scope: 'openid',
    state: ask.place,
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
    ...(ask.isAgain ? { prompt: 'login' } : {}),
    ...(ask.language === undefined ? {} : { ui_locales: ask.language }),
  })
  goTo(context, `${tenant.pathPrefix}/oauth2/authorize?${query}`)
}

export function goTo(context: WebContext, address: string): void {
  context.status = 303
  context.redirect(address)
}

/** Who looks; a language that was asked for by `ui_locales` stays chosen in this browser. */
export function accountViewer(context: WebContext): Viewer & { readonly asked?: string } {
  const asked = new URLSearchParams(context.querystring).get('ui_locales')?.slice(0, 100)
  const viewer = viewerOf(context, asked)
  if (asked === undefined) return viewer
  const secure = context.state.scope.tenant.issuer.startsWith('https:')
  context.cookies.secure = secure
  context.cookies.set(languageCookie, viewer.language, {
    httpOnly: true,
    sameSite: 'lax',
    secure,
    path: '/',
    signed: false,
    overwrite: true,
    maxAge: 365 * 24 * 60 * 60 * 1_000,
  })
  return { ...viewer, asked }
}

/** Once per tenant, and again where its address has changed. */
async function registerClient(
  { database, withTransaction }: Kernel,
  tenantId: string,
  redirectUri: string,
): Promise<void> {
  const store = createClientStore(database, tenantId)
  const existing = await store.find(accountClientId)
  if (existing?.metadata.redirectUris?.includes(redirectUri)) return
  const metadata = clientMetadataSchema.parse({
    redirectUris: [redirectUri],
    grantTypes: ['authorization_code'],
    tokenEndpointAuthMethod: 'none',
    scope: 'openid',
  })
  const actor: Actor = { tenantId, subject: entityOf('Client', accountClientId), reason: 'account pages' }
  await withTransaction(actor, async (unit) => {
    if (existing) await store.update(unit, accountClientId, { metadata })
    else await store.create(unit, { id: accountClientId, name: 'Writ', metadata, firstParty: true }, undefined)
  }).catch((error: unknown) => {
    // Two first visits at once: the other one has made it.
    if (!(error instanceof Refusal && error.kind.code === 'client_exists')) throw error
  })
}
