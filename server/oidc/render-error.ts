import type { ErrorOut, KoaContextWithOIDC } from 'oidc-provider'
import type { WebContext } from '../http/mount.ts'
import { errorPage } from '../pages/error-page.ts'
import { sendPage, viewerOf } from '../pages/page.ts'

/** Endpoints that a browser shows; everywhere else an error is JSON, whatever the caller says it accepts. */
const pageRoutes = new Set([
  'authorization',
  'resume',
  'end_session',
  'end_session_confirm',
  'end_session_success',
  'code_verification',
  'device_resume',
])

export function renderProtocolError(ctx: KoaContextWithOIDC, out: ErrorOut): void {
  if (!pageRoutes.has(ctx.oidc.route)) {
    ctx.type = 'application/json'
    ctx.body = { error: out.error, error_description: out.error_description }
    return
  }
  // The library runs on the very context that the pipeline made; its types do not know ours.
  const context = ctx as unknown as WebContext
  const viewer = viewerOf(context, ctx.oidc.params?.ui_locales)
  const { requestId } = context.state.scope
  const code =
    out.error === 'invalid_request' &&
    /expired|not found|mismatch/.test(out.error_description ?? '') &&
    ctx.oidc.route === 'resume'
      ? 'interaction_not_found'
      : out.error
  sendPage(context, viewer, errorPage(viewer, { code, status: ctx.status, requestId }))
}
