import { html } from './html.ts'
import { type PageContent, problemBox, scopeText, type Viewer } from './page.ts'

export type AccountPage = {
  readonly action: string
  readonly csrf: string
  readonly name: string
  readonly signOut: string
  readonly isGone?: boolean
  readonly sessions: readonly {
    readonly uid: string
    readonly isThis: boolean
    readonly since: string
    readonly apps: readonly string[]
  }[]
  readonly apps: readonly {
    readonly clientId: string
    readonly name: string
    readonly since: string
    readonly scopes: readonly string[]
    readonly claims: readonly string[]
  }[]
}

/** A person's own account: where it is signed in, and which apps have what (people.md §5). */
export function accountPage({ texts }: Viewer, page: AccountPage): PageContent {
  const form = (id: string, fields: readonly (readonly [string, string])[], label: string) => html`
<form method="post" action="${page.action}" id="${id}">
<input type="hidden" name="csrf" value="${page.csrf}">
${fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<div class="actions"><button type="submit" class="quiet">${label}</button></div>
</form>`
  const sessions = page.sessions.map(
    ({ uid, isThis, since, apps }, index) => html`<li>
<p>${isThis ? texts.accountThisBrowser : texts.accountOtherBrowser}, ${texts.accountSince(since)}${
      apps.length > 0 && html`<br>${texts.accountSignedInTo(apps.join(', '))}`
    }</p>
${!isThis && form(`end-${index}`, [['end', uid]], texts.accountEnd)}</li>`,
  )
  const apps = page.apps.map(
    ({ clientId, name, since, scopes, claims }, index) => html`<li>
<p><strong>${name}</strong>, ${texts.accountSince(since)}</p>
<ul>${[...scopes.map((scope) => scopeText(texts, scope)), ...claims.map((claim) => texts.claim(claim))].map(
      (text) => html`<li>${text}</li>`,
    )}</ul>
${form(`withdraw-${index}`, [['withdraw', clientId]], texts.accountWithdraw(name))}</li>`,
  )
  const others = page.sessions.some(({ isThis }) => !isThis)
  return {
    title: texts.accountTitle,
    status: page.isGone ? 404 : 200,
    body: html`<p id="account-name">${texts.consentAs(page.name)}</p>
${problemBox(page.isGone ? texts.accountGone : undefined)}
<h2 id="sessions-title">${texts.accountSessions}</h2>
<ul aria-labelledby="sessions-title" id="sessions">${sessions}</ul>
${others && form('end-others', [['end', 'others']], texts.accountEndOthers)}
<h2 id="apps-title">${texts.accountApps}</h2>
${apps.length > 0 ? html`<ul aria-labelledby="apps-title" id="apps">${apps}</ul>` : html`<p id="no-apps">${texts.accountNoApps}</p>`}
<p><a href="${page.signOut}" id="sign-out">${texts.logout}</a></p>`,
  }
}
