import { html } from './html.ts'
import type { PageContent, Viewer } from './page.ts'

export type LogoutPage = {
  readonly action: string
  readonly xsrf: string
  readonly clientName?: string
  readonly leadsTo: readonly string[]
}

export function logoutPage({ texts }: Viewer, page: LogoutPage): PageContent {
  return {
    title: texts.logoutTitle,
    leadsTo: page.leadsTo,
    body: html`<p>${page.clientName === undefined ? texts.logoutText : texts.logoutOf(page.clientName)}</p>
<form method="post" action="${page.action}" id="logout-form">
<input type="hidden" name="xsrf" value="${page.xsrf}">
<div class="actions">
<button type="submit" id="logout-confirm" name="logout" value="yes">${texts.logout}</button>
<button type="submit" id="stay" class="quiet">${texts.stay}</button>
</div>
</form>`,
  }
}

export const loggedOutPage = ({ texts }: Viewer): PageContent => ({
  title: texts.loggedOutTitle,
  body: html`<p>${texts.loggedOutText}</p>`,
})
