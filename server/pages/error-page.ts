import { html } from './html.ts'
import type { PageContent, Viewer } from './page.ts'
import type { Texts } from './texts.ts'

/** The stable code is shown as it is; a text that came with the request never is (security.md row 13). */
export function errorPage(
  { texts }: Viewer,
  error: { readonly code: string; readonly status: number; readonly requestId: string },
): PageContent {
  return {
    title: texts.errorTitle,
    status: error.status,
    body: html`<div class="problem" role="alert" id="problem"><p>${explain(texts, error.code, error.status)}</p></div>
<p>${texts.errorReturn}</p>
<dl>
<dt>${texts.errorCode}</dt><dd id="error-code">${error.code}</dd>
<dt>${texts.errorRequestId}</dt><dd id="request-id">${error.requestId}</dd>
</dl>`,
  }
}

function explain(texts: Texts, code: string, status: number): string {
  if (status >= 503) return texts.errorUnavailable
  if (status >= 500) return texts.errorInternal
  if (code === 'interaction_not_found') return texts.errorSessionGone
  if (code === 'foreign_form') return texts.errorForeign
  if (code === 'invalid_client') return texts.errorClient
  if (code === 'invalid_redirect_uri') return texts.errorRedirect
  if (code === 'access_denied') return texts.errorDenied
  return texts.errorRequest
}
