import { type Form, readForm } from '../http/body.ts'
import type { Mount, WebContext } from '../http/mount.ts'
import { Refusal } from '../http/refusal.ts'
import { createAttempts, setupBudget } from '../identity/attempts.ts'
import { identityErrors } from '../identity/errors.ts'
import { addressCodes, type FirstAdminHook, makeFirstAdmin } from '../identity/first-admin.ts'
import type { Passwords } from '../identity/passwords.ts'
import { createSetupLinks, type SetupLinks } from '../identity/setup-links.ts'
import type { Kernel } from '../kernel.ts'
import { formToken, requireOwnForm } from '../pages/form-guard.ts'
import { sendPage, viewerOf } from '../pages/page.ts'
import { setupPage } from '../pages/setup-page.ts'
import type { Texts } from '../pages/texts.ts'
import { agentOf, type Exchanges } from './exchange.ts'
import { showRefusal } from './interactions.ts'
import type { Providers } from './providers.ts'
import { startSession } from './sessions.ts'

export type SetupOptions = {
  readonly kernel: Kernel
  readonly providers: Providers
  readonly exchanges: Exchanges
  readonly passwords: Passwords
  readonly onFirstAdmin: FirstAdminHook | undefined
}

/** `/setup/<token>`: the first administrator of the tenant (admin.md §1). 404 once there is one, and for every wrong token. */
export function createSetupMount(options: SetupOptions): Mount {
  const { kernel } = options
  const csrfKey = kernel.secrets.deriveKey('setup-forms')
  return {
    name: 'setup',
    paths: ['/setup/*'],
    async handle(context) {
      const { scope, path } = context.state
      const token = path.slice('/setup/'.length)
      const links = createSetupLinks(kernel.database, kernel.secrets, scope.tenant.id)
      try {
        await requireLive(context, links, kernel, token)
        const csrf = formToken(csrfKey, token)
        if (context.method === 'POST') await setUp(context, options, { token, csrf, links })
        else show(context, { csrf })
      } catch (error) {
        showRefusal(context, error)
      }
    },
  }
}

async function requireLive(context: WebContext, links: SetupLinks, { database }: Kernel, token: string): Promise<void> {
  const { scope } = context.state
  if (/^[\w-]{20,128}$/.test(token) && (await links.isLive(token, scope.now))) return
  // Five wrong tokens from one address, then nothing is looked up for a while (admin.md §1).
  const waitSeconds = await createAttempts(database, scope.tenant.id).take(setupBudget(scope.ip), scope.now)
  if (waitSeconds > 0) throw identityErrors.setup_throttled({ headers: { 'retry-after': String(waitSeconds) } })
  throw identityErrors.setup_link_not_found()
}

async function setUp(
  context: WebContext,
  options: SetupOptions,
  { token, csrf, links }: { readonly token: string; readonly csrf: string; readonly links: SetupLinks },
): Promise<void> {
  const { scope } = context.state
  const form = await readForm(context.req)
  requireOwnForm(context, { given: form.get('csrf'), expected: csrf })
  const tenantProvider = await options.providers.of(scope.tenant)
  try {
    const admin = await makeFirstAdmin(options, scope, { token, links, ...fieldsOf(form) })
    await options.exchanges.run({ scope, spends: false, agent: agentOf(context) }, () =>
      startSession(context, tenantProvider, options.exchanges, {
        accountId: admin.id,
        epoch: admin.epoch,
        grant: 'setup',
      }),
    )
  } catch (error) {
    const problem = error instanceof Refusal ? explain(viewerOf(context).texts, error.kind.code) : undefined
    if (problem === undefined) throw error
    return show(context, { csrf, email: fieldsOf(form).email, problem, status: 422 })
  }
  context.status = 303
  context.redirect(`${scope.tenant.pathPrefix}/demo`)
}

const fieldsOf = (form: Form) => ({ email: form.get('email') ?? '', password: form.get('password') ?? '' })

function show(
  context: WebContext,
  shown: { readonly csrf: string; readonly email?: string; readonly problem?: string; readonly status?: number },
): void {
  const viewer = viewerOf(context)
  const { scope, path } = context.state
  sendPage(context, viewer, setupPage(viewer, { action: `${scope.tenant.pathPrefix}${path}`, ...shown }))
}

function explain(texts: Texts, code: string): string | undefined {
  if (code === addressCodes.invalid) return texts.emailInvalid
  if (code === addressCodes.taken) return texts.emailTaken
  if (code === 'password_too_short') return texts.passwordTooShort
  if (code === 'password_too_long') return texts.passwordTooLong
  if (code === 'password_too_common') return texts.passwordTooCommon
  return undefined
}
