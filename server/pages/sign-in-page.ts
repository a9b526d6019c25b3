import { html } from './html.ts'
import { type PageContent, problemBox, type Viewer } from './page.ts'

export type SignInPage = {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly identifier?: string
  readonly problem?: string
  readonly status?: number
  readonly leadsTo: readonly string[]
}

/** Both fields on one page, so that nothing tells whether an address is known (people.md §4). */
export function signInPage({ texts }: Viewer, page: SignInPage): PageContent {
  const described = page.problem === undefined ? html`` : html` aria-describedby="problem" aria-invalid="true"`
  return {
    title: texts.signInTitle,
    status: page.status ?? 200,
    leadsTo: page.leadsTo,
    body: html`<p>${texts.signInTo(page.clientName)}</p>
${problemBox(page.problem)}
<form method="post" action="${page.action}" id="signin">
<input type="hidden" name="csrf" value="${page.csrf}">
<label for="identifier">${texts.identifier}</label>
<input id="identifier" name="identifier" type="text" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254" required${described} value="${page.identifier ?? ''}">
<label for="password">${texts.password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1024" required${described}>
<div class="actions">
<button type="submit" id="submit-signin">${texts.signIn}</button>
<button type="submit" id="cancel" name="cancel" value="yes" class="quiet" formnovalidate>${texts.cancel}</button>
</div>
</form>`,
  }
}
