import { createHash, randomBytes } from 'node:crypto'
import { createClientStore } from '../admin/client-store.ts'
import type { Actor } from '../events/unit-of-work.ts'
import { readForm } from '../http/body.ts'
import { errors } from '../http/errors.ts'
import type { Mount, WebContext } from '../http/mount.ts'
import { Refusal } from '../http/refusal.ts'
import { entityOf } from '../identity/entities.ts'
import type { Kernel } from '../kernel.ts'
import { type AccountPage, accountPage } from '../pages/account-page.ts'
import { errorPage } from '../pages/error-page.ts'
import { formToken, requireOwnForm } from '../pages/form-guard.ts'
import { sendPage, viewerOf } from '../pages/page.ts'
import { clientMetadataSchema } from './client-metadata.ts'
import type { Exchanges } from './exchange.ts'
import { showRefusal } from './interactions.ts'
import { createOwnAccount } from './own-account.ts'
import type { Providers } from './providers.ts'

export type AccountMountOptions = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly exchanges: Exchanges
}

const accountPath = '/account'
const returnPath = '/account/signed-in'
/** The client by which these pages ask for a sign-in, as any app would. */
export const accountClientId = 'writ-account'

/** `/account`: a person's sessions, and the apps that it let in; each can be ended there (people.md §5). */
export function createAccountMount(options: AccountMountOptions): Mount {
  const csrfKey = options.kernel.secrets.deriveKey('account-forms')
  return {
    name: 'account',
    paths: [accountPath, returnPath],
    async handle(context) {
      const { scope, path } = context.state
      const takes = path === accountPath ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD']
      if (!takes.includes(context.method)) throw errors.method_not_allowed({ headers: { allow: takes.join(', ') } })
      try {
        await options.exchanges.run({ scope, spends: false }, async () => {
          const session = await sessionOf(context, options)
          if (path === returnPath) comeBack(context, session)
          else if (!session) await askToSignIn(context, options)
          else await serve(context, options, { ...session, csrf: formToken(csrfKey, session.uid) })
        })
      } catch (error) {
        showRefusal(context, error)
      }
    },
  }
}

type Session = { readonly uid: string; readonly accountId: string }

/** Only one that is good now: the row is read with the account's and the tenant's epochs. */
async function sessionOf(context: WebContext, { providers }: AccountMountOptions): Promise<Session | undefined> {
  const { provider } = await providers.of(context.state.scope.tenant)
  // The library wants a context of koa, and reads no more of it than the cookies.
  const session = await provider.Session.get(context as unknown as Parameters<typeof provider.Session.get>[0])
  return session.accountId === undefined ? undefined : { uid: session.uid, accountId: session.accountId }
}

/** The answer of the authorization endpoint: the session is there now, and the code, which nobody redeems, ends by itself. */
function comeBack(context: WebContext, session: Session | undefined): void {
  const { scope } = context.state
  if (session) {
    context.status = 303
    context.redirect(`${scope.tenant.pathPrefix}${accountPath}`)
    return
  }
  const viewer = viewerOf(context)
  sendPage(context, viewer, errorPage(viewer, { code: 'not_signed_in', status: 401, requestId: scope.requestId }))
}

async function askToSignIn(context: WebContext, { kernel }: AccountMountOptions): Promise<void> {
  const { tenant } = context.state.scope
  if (context.method === 'POST') throw errors.authentication_required()
  await registerClient(kernel, tenant.id, tenant.issuer + returnPath)
  const query = new URLSearchParams({
    client_id: accountClientId,
    response_type: 'code',
    redirect_uri: tenant.issuer + returnPath,
    scope: 'openid',
    code_challenge: createHash('sha256').update(randomBytes(32)).digest('base64url'),
    code_challenge_method: 'S256',
  })
  context.status = 303
  context.redirect(`${tenant.pathPrefix}/oauth2/authorize?${query}`)
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

async function serve(
  context: WebContext,
  { kernel, providers }: AccountMountOptions,
  session: Session & { readonly csrf: string },
): Promise<void> {
  const { scope } = context.state
  const { tenant, now } = scope
  const { accounts } = await providers.of(tenant)
  const own = createOwnAccount(kernel.database, tenant.id, session.accountId)
  let isGone = false
  if (context.method === 'POST') {
    const form = await readForm(context.req)
    requireOwnForm(context, { given: form.get('csrf'), expected: session.csrf })
    const { requestId, ip } = scope
    const actor: Actor = { tenantId: tenant.id, subject: entityOf('User', session.accountId), requestId, ip }
    const { value: isDone } = await kernel.withTransaction(actor, async (unit) => {
      const [ended, client] = [form.get('end'), form.get('withdraw')]
      if (client !== undefined) return own.withdraw(unit, client)
      if (ended === 'others') return own.endOtherSessions(unit, session.uid, now).then(() => true)
      return ended !== undefined && own.endSession(unit, ended, now)
    })
    if (isDone) {
      context.status = 303
      context.redirect(`${tenant.pathPrefix}${accountPath}`)
      return
    }
    isGone = true
  }
  const viewer = viewerOf(context)
  const account = await accounts.find(session.accountId)
  const time = new Intl.DateTimeFormat(viewer.language, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' })
  const since = (at: number): string => `${time.format(at)} UTC`
  const page: AccountPage = {
    action: `${tenant.pathPrefix}${accountPath}`,
    csrf: session.csrf,
    name: account?.email?.address ?? account?.username ?? session.accountId,
    signOut: `${tenant.pathPrefix}/oauth2/end_session`,
    isGone,
    sessions: (await own.sessions(now)).map(({ uid, createdAt, apps }) => ({
      uid,
      isThis: uid === session.uid,
      since: since(createdAt),
      apps,
    })),
    apps: (await own.apps())
      .filter(({ clientId }) => clientId !== accountClientId)
      .map(({ clientId, name, given, since: at }) => ({
        clientId,
        name,
        since: since(at),
        scopes: [...given.scopes, ...Object.values(given.resources).flat()],
        claims: given.claims,
      })),
  }
  sendPage(context, viewer, accountPage(viewer, page))
}
