import type { KoaContextWithOIDC } from 'oidc-provider'
import type { WebContext } from '../http/mount.ts'
import { type DeviceProblem, deviceCodePage, deviceConfirmPage, deviceDonePage } from '../pages/device-pages.ts'
import { errorPage } from '../pages/error-page.ts'
import { sendPage, viewerOf } from '../pages/page.ts'
import { alreadyUsed } from './device-codes.ts'
import type { Exchanges } from './exchange.ts'

/** What a device said of itself when it asked, as far as it is shown to the person. */
type DeviceInfo = { readonly ip?: unknown; readonly agent?: unknown }
type Thrown = Error & {
  readonly statusCode?: number
  readonly userCode?: unknown
  readonly error_description?: unknown
}

/** What a person is shown while a device waits (RFC 8628 §3.3): type the code, say yes or no, done. */
export const deviceHooks = (exchanges: Exchanges) => ({
  enabled: true,
  // 20^8 codes without vowels: no words, nothing that looks alike (RFC 8628 §6.1).
  charset: 'base-20' as const,
  mask: '****-****',
  deviceInfo: (ctx: KoaContextWithOIDC) => ({
    ip: exchanges.current().scope.ip,
    agent: ctx.get('user-agent').slice(0, 200),
  }),

  userCodeInputSource: (ctx: KoaContextWithOIDC, _form: string, _out?: unknown, error?: Thrown): void => {
    const { userCode = '' } = exchanges.current()
    const problem = error && problemOf(error)
    const status = error === undefined || problem === 'aborted' ? 200 : statusOf(error)
    if (error !== undefined && ctx.oidc.session?.exp === undefined) {
      showNoSession(ctx)
      return
    }
    show(ctx, (viewer) =>
      problem === 'aborted'
        ? deviceDonePage(viewer, { outcome: 'denied' })
        : deviceCodePage(viewer, {
            ...formOf(ctx),
            userCode: typeof error?.userCode === 'string' ? error.userCode.slice(0, 20) : userCode,
            ...(problem === undefined ? {} : { problem }),
            status,
          }),
    )
  },

  userCodeConfirmSource: (
    ctx: KoaContextWithOIDC,
    _form: string,
    client: { readonly clientId: string; readonly clientName?: string | undefined },
    info: DeviceInfo | undefined,
    userCode: string,
  ): void => {
    show(ctx, (viewer) =>
      deviceConfirmPage(viewer, {
        ...formOf(ctx),
        userCode,
        clientName: client.clientName ?? client.clientId,
        place: String(info?.ip ?? ''),
        agent: String(info?.agent ?? ''),
      }),
    )
  },

  successSource: (ctx: KoaContextWithOIDC): void =>
    show(ctx, (viewer) => deviceDonePage(viewer, { outcome: 'allowed' })),
})

function show(ctx: KoaContextWithOIDC, page: (viewer: ReturnType<typeof viewerOf>) => Parameters<typeof sendPage>[2]) {
  const context = webContext(ctx)
  const viewer = viewerOf(context, ctx.oidc.params?.ui_locales)
  sendPage(context, viewer, page(viewer))
}

/** The form came without the session it was shown in: nothing is kept for it, and the library could not keep it either. */
function showNoSession(ctx: KoaContextWithOIDC): void {
  Object.assign(ctx.oidc.session ?? {}, { touched: false })
  const { requestId } = webContext(ctx).state.scope
  show(ctx, (viewer) => errorPage(viewer, { code: 'interaction_not_found', status: 400, requestId }))
}

// The library runs on the very context that the pipeline made; its types do not know ours.
const webContext = (ctx: KoaContextWithOIDC): WebContext => ctx as unknown as WebContext

function formOf(ctx: KoaContextWithOIDC): { readonly action: string; readonly xsrf: string } {
  const state = ctx.oidc.session?.state as { readonly secret?: string } | undefined
  return { action: ctx.oidc.urlFor('code_verification'), xsrf: state?.secret ?? '' }
}

type Problem = DeviceProblem | 'aborted'

/** The library names what went wrong by the class that it threw, and exports none of them. */
const problems: { readonly [name: string]: Problem } = {
  AbortedError: 'aborted',
  NoCodeError: 'unknown',
  NotFoundError: 'unknown',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
}

function problemOf({ name, statusCode, error_description: description }: Thrown): Problem {
  if (statusCode === 429) return 'throttled'
  return problems[name] ?? (description === alreadyUsed ? 'used' : 'refused')
}

/** A form that is shown again says so by 422; the library says 200. */
const statusOf = ({ name, statusCode = 500 }: Thrown): number =>
  /^(NoCode|NotFound|Expired|AlreadyUsed)Error$/.test(name) ? 422 : statusCode
