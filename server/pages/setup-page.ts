import { html } from './html.ts'
import { type PageContent, problemBox, type Viewer } from './page.ts'

export type SetupPage = {
  readonly action: string
  readonly csrf: string
  readonly email?: string
  readonly problem?: string
  readonly status?: number
}

export function setupPage({ texts }: Viewer, page: SetupPage): PageContent {
  const described = page.problem === undefined ? 'password-hint' : 'problem password-hint'
  return {
    title: texts.setupTitle,
    status: page.status ?? 200,
    body: html`<p>${texts.setupText}</p>
${problemBox(page.problem)}
<form method="post" action="${page.action}" id="setup">
<input type="hidden" name="csrf" value="${page.csrf}">
<label for="email">${texts.setupEmail}</label>
<input id="email" name="email" type="email" autocomplete="username" maxlength="254" required value="${page.email ?? ''}">
<label for="password">${texts.setupPassword}</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="15" maxlength="1024" required aria-describedby="${described}">
<p class="hint" id="password-hint">${texts.setupHint}</p>
<div class="actions">
<button type="submit" id="submit-setup">${texts.setupSubmit}</button>
</div>
</form>`,
  }
}
