import type { AuthorizationDetail, Interaction, InteractionResults } from 'oidc-provider'
import { type Form, readForm } from '../http/body.ts'
import type { Mount, WebContext } from '../http/mount.ts'
import { Refusal } from '../http/refusal.ts'
import type { RequestScope } from '../http/request-scope.ts'
import { createKnownDevices } from '../identity/known-devices.ts'
import type { PasswordSignIn } from '../identity/password-sign-in.ts'
import type { Kernel } from '../kernel.ts'
import { type AskedDetail, type ConsentPage, consentPage } from '../pages/consent-page.ts'
import { errorPage } from '../pages/error-page.ts'
import { pageErrors } from '../pages/errors.ts'
import { formToken, requireOwnForm } from '../pages/form-guard.ts'
import { sendPage, type Viewer, viewerOf } from '../pages/page.ts'
import { signInPage } from '../pages/sign-in-page.ts'
import { scopeDescriptions } from './api-resources.ts'
import type { ClientRecord } from './client-records.ts'
import { type Consent, emptyConsent } from './consents.ts'
import type { Exchanges } from './exchange.ts'
import { extendGrant } from './grants.ts'
import type { SignInResult } from './hooks.ts'
import type { Providers, TenantProvider } from './providers.ts'
import { documentHost } from './registration/client-document.ts'
import { logoPath } from './registration/logo-mount.ts'
import type { SecurityLog } from './security-log.ts'
import { recordRefusedSignIn, recordSignIn } from './sign-in-record.ts'
import { levelOf } from './step-up.ts'
import { consentGranted } from './token-events.ts'

export type InteractionOptions = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly exchanges: Exchanges
  readonly securityLog: SecurityLog
  readonly signInOf: (tenantProvider: TenantProvider) => PasswordSignIn
}

type Step = {
  readonly context: WebContext
  readonly scope: RequestScope
  readonly tenantProvider: TenantProvider
  readonly interaction: Interaction
  readonly viewer: Viewer
  readonly csrf: string
  readonly action: string
}

/** `/signin/:uid`: what a person is asked between an authorization request and its answer. */
export function createInteractionMount(options: InteractionOptions): Mount {
  const csrfKey = options.kernel.secrets.deriveKey('interaction-forms')
  return {
    name: 'sign-in',
    paths: ['/signin/*'],
    async handle(context) {
      const { scope } = context.state
      const tenantProvider = await options.providers.of(scope.tenant)
      context.cookies.secure = tenantProvider.isSecure
      try {
        await options.exchanges.run({ scope, spends: false }, async () => {
          const interaction = await findInteraction(context, tenantProvider)
          const csrf = formToken(csrfKey, JSON.stringify([scope.tenant.id, interaction.uid, interaction.prompt.name]))
          const viewer = viewerOf(context, interaction.params.ui_locales)
          const action = `${scope.tenant.pathPrefix}/signin/${interaction.uid}`
          const step: Step = { context, scope, tenantProvider, interaction, viewer, csrf, action }
          if (context.method === 'POST') await answer(step, options)
          else if (context.method === 'GET' || context.method === 'HEAD') await ask(step)
          else throw pageErrors.interaction_not_found()
        })
      } catch (error) {
        showRefusal(context, error)
      }
    },
  }
}

/** A refusal on the way is a page; a fault goes on to the edge. */
export function showRefusal(context: WebContext, error: unknown): void {
  if (!(error instanceof Refusal) || error.kind.status >= 500) throw error
  const viewer = viewerOf(context)
  for (const [name, value] of Object.entries(error.options.headers ?? {})) context.set(name, value)
  const { requestId } = context.state.scope
  sendPage(context, viewer, errorPage(viewer, { code: error.kind.code, status: error.kind.status, requestId }))
}

/** Bound to this browser by its cookie, and to the address by the id in it (security.md row 5). */
async function findInteraction(context: WebContext, { provider, library }: TenantProvider): Promise<Interaction> {
  const uid = context.state.path.slice('/signin/'.length)
  try {
    const interaction = await provider.interactionDetails(context.req, context.res)
    if (interaction.uid === uid) return interaction
  } catch (error) {
    if (!(error instanceof library.errors.SessionNotFound)) throw error
  }
  throw pageErrors.interaction_not_found()
}

async function ask(step: Step): Promise<void> {
  if (step.interaction.prompt.name === 'consent') return askConsent(step)
  const hint = step.interaction.params.login_hint
  return askSignIn(step, typeof hint === 'string' ? { identifier: hint.slice(0, 254) } : {})
}

async function answer(step: Step, options: InteractionOptions): Promise<void> {
  const form = await readForm(step.context.req)
  requireOwnForm(step.context, { given: form.get('csrf'), expected: step.csrf })
  if (step.interaction.prompt.name === 'consent') return answerConsent(step, form, options)
  if (form.has('cancel')) return finish(step, { error: 'access_denied', error_description: 'the person cancelled' })
  return answerSignIn(step, form, options)
}

async function answerSignIn(step: Step, form: Form, { kernel, signInOf }: InteractionOptions): Promise<void> {
  const { context, scope, tenantProvider, viewer } = step
  const identifier = form.get('identifier') ?? ''
  const password = form.get('password') ?? ''
  if (identifier === '' || password === '') {
    return askSignIn(step, { identifier, problem: viewer.texts.fieldMissing, status: 422 })
  }
  const devices = createKnownDevices(
    kernel.secrets.deriveKey('known-devices'),
    scope.tenant.id,
    tenantProvider.isSecure,
  )
  const isKnownDevice = (accountId: string) => devices.isKnown(context, accountId)
  let outcome: Awaited<ReturnType<PasswordSignIn>>
  try {
    outcome = await signInOf(tenantProvider)(scope, { identifier, password, isKnownDevice })
  } catch (error) {
    if (!(error instanceof Refusal) || error.kind.code !== 'hash_pool_full') throw error
    context.set('retry-after', error.options.headers?.['Retry-After'] ?? '2')
    return askSignIn(step, { identifier, problem: viewer.texts.busy, status: 503 })
  }
  if (outcome.kind === 'throttled') {
    context.set('retry-after', String(outcome.waitSeconds))
    const problem = viewer.texts.signInThrottled(Math.ceil(outcome.waitSeconds / 60))
    return askSignIn(step, { identifier, problem, status: 429 })
  }
  if (outcome.kind === 'refused') {
    await recordRefusedSignIn(kernel, scope)
    return askSignIn(step, { identifier, problem: viewer.texts.signInFailed, status: 401 })
  }
  const { accountId, epoch, deviceKnown } = outcome
  await recordSignIn(kernel, scope, accountId)
  devices.remember(context, accountId)
  const amr = ['pwd']
  const login: SignInResult = { accountId, epoch, deviceKnown, grant: 'password_sign_in', acr: levelOf(amr), amr }
  // Whoever was to choose an account has chosen one by signing in to it.
  const chosen = step.interaction.prompt.name === 'select_account' ? { select_account: {} } : {}
  return finish(step, { login: { ...login }, ...chosen })
}

async function askSignIn(
  { context, viewer, csrf, action, interaction, tenantProvider }: Step,
  shown: { readonly identifier?: string; readonly problem?: string; readonly status?: number },
): Promise<void> {
  const clientId = String(interaction.params.client_id)
  const clientName = (await tenantProvider.findClient(clientId))?.name ?? clientId
  sendPage(context, viewer, signInPage(viewer, { action, csrf, clientName, leadsTo: targetsOf(interaction), ...shown }))
}

async function askConsent(step: Step): Promise<void> {
  const { context, viewer, csrf, action, interaction, tenantProvider } = step
  const account = await tenantProvider.accounts.find(interaction.session?.accountId ?? '')
  const client = await tenantProvider.findClient(String(interaction.params.client_id))
  const asked = askedOf(interaction)
  const logo = client && logoPath(step.scope.tenant.pathPrefix, client)
  sendPage(
    context,
    viewer,
    consentPage(viewer, {
      action,
      csrf,
      clientName: client?.name ?? String(interaction.params.client_id),
      accountName: account?.email?.address ?? account?.username ?? account?.id ?? '',
      scopes: [...new Set([...asked.scopes, ...Object.values(asked.resources).flat()])],
      scopeDescriptions: scopeDescriptions(tenantProvider.settings.resources, viewer.language),
      claims: asked.claims,
      details: detailsOf(interaction),
      leadsTo: targetsOf(interaction),
      ...strangerOf(client, interaction),
      ...(logo === undefined ? {} : { logo }),
      ...(client?.metadata.policyUri !== undefined ? { policyUri: client.metadata.policyUri } : {}),
      ...(client?.metadata.tosUri !== undefined ? { tosUri: client.metadata.tosUri } : {}),
    }),
  )
}

async function answerConsent(
  step: Step,
  form: Form,
  { kernel, securityLog, exchanges }: InteractionOptions,
): Promise<void> {
  const { interaction, tenantProvider } = step
  const { provider, consents } = tenantProvider
  // Only a plain yes is one: no button, both, or anything else is a no (security.md §2.24).
  if (!form.has('allow') || form.has('deny')) {
    return finish(step, { error: 'access_denied', error_description: 'the person did not allow it' })
  }
  const accountId = interaction.session?.accountId
  const clientId = String(interaction.params.client_id)
  if (accountId === undefined) throw pageErrors.interaction_not_found()
  const asked = askedOf(interaction)
  const existing = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId)
  const grant = existing ?? new provider.Grant({ accountId, clientId })
  extendGrant(grant, asked)
  const exchange = exchanges.current()
  const grantId = await securityLog.within(exchange, async () => {
    await consents.add(accountId, clientId, asked, kernel.clock.now())
    exchange.events.push(consentGranted(accountId, clientId, asked))
    return grant.save()
  })
  return finish(step, { consent: { grantId } })
}

/** What the consent prompt found missing; what `prompt=consent` asks again about is in the grant already. */
function askedOf({ prompt }: Interaction): Consent {
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details as {
    readonly missingOIDCScope?: readonly string[]
    readonly missingOIDCClaims?: readonly string[]
    readonly missingResourceScopes?: { readonly [audience: string]: readonly string[] }
  }
  return {
    scopes: missingOIDCScope ?? emptyConsent.scopes,
    claims: missingOIDCClaims ?? emptyConsent.claims,
    resources: missingResourceScopes ?? emptyConsent.resources,
  }
}

/** An app that no administrator made is shown with what can be checked of it: the address that it is known by, and where it leads. */
function strangerOf(
  client: ClientRecord | undefined,
  interaction: Interaction,
): Partial<Pick<ConsentPage, 'stranger'>> {
  if (!client || client.origin === 'administrator') return {}
  // A device has no address that the answer goes to.
  const [target] = targetsOf(interaction)
  const leadsTo = target === undefined ? {} : { leadsTo: URL.parse(target)?.host || target }
  const host = client.origin === 'document' ? documentHost(client.id) : undefined
  return { stranger: { ...leadsTo, ...(host === undefined ? {} : { host }) } }
}

/** What exactly the app wants to do (RFC 9396 §3): the person sees each detail whole. */
function detailsOf({ prompt }: Interaction): AskedDetail[] {
  const { rar = [] } = prompt.details as { readonly rar?: readonly AuthorizationDetail[] }
  return rar.map(({ type, identifier = '', ...members }) => ({
    type,
    identifier: String(identifier),
    members: Object.entries(members).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  }))
}

/** A submitted form is redirected to the app in the end, and browsers hold that against `form-action` too. */
const targetsOf = ({ params }: Interaction): string[] =>
  typeof params.redirect_uri === 'string' ? [params.redirect_uri] : []

async function finish(
  { context, tenantProvider: { provider, tenant } }: Step,
  result: InteractionResults,
): Promise<void> {
  const mergeWithLastSubmission = 'consent' in result
  const returnTo = await provider.interactionResult(context.req, context.res, result, { mergeWithLastSubmission })
  context.status = 303
  context.redirect(returnTo.startsWith(`${tenant.issuer}/`) ? returnTo : tenant.issuer)
}
