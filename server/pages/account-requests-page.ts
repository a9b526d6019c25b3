import { type AccountFrame, answerForm, framed } from './account-frame.ts'
import type { AskedDetail } from './consent-page.ts'
import { type Html, html } from './html.ts'
import { type PageContent, problemBox, scopeText, type Viewer } from './page.ts'

export type RequestsPage = {
  readonly frame: AccountFrame
  readonly problem?: { readonly kind: 'settled' | 'refused'; readonly status: number }
  readonly requests: readonly ShownRequest[]
}
export type ShownRequest = {
  readonly id: string
  readonly clientName: string
  readonly message?: string
  readonly scopes: readonly string[]
  readonly details: readonly AskedDetail[]
  readonly at: string
}

/** What apps wait for: each with its message, which the person compares with what it sees elsewhere (CIBA Core §7.1). */
export function accountRequestsPage(viewer: Viewer, { frame, problem, requests }: RequestsPage): PageContent {
  const { texts } = viewer
  const said = problem && (problem.kind === 'settled' ? texts.accountSettled : texts.accountRefused)
  return framed(viewer, frame, {
    title: texts.accountRequests,
    status: problem?.status ?? 200,
    body: html`${problemBox(said)}
${
  requests.length > 0
    ? html`<p>${texts.accountRequestsText}</p>
<ul class="items" id="requests">${requests.map((request, index) => requestItem(viewer, frame, { request, index }))}</ul>
<p>${texts.accountAgain}</p>`
    : html`<p id="no-requests">${texts.accountNoRequests}</p>`
}`,
  })
}

function requestItem(
  { texts }: Viewer,
  frame: AccountFrame,
  { request, index }: { readonly request: ShownRequest; readonly index: number },
): Html {
  const { id, clientName, message, scopes, details, at } = request
  const about = `: ${[clientName, message].filter(Boolean).join(', ')}`
  return html`<li>
<h2>${clientName}</h2>
${message !== undefined && html`<p>${texts.accountMessage}: <strong>${message}</strong></p>`}
<p>${texts.accountAskedAt(at)}</p>
<p>${texts.consentAsks(clientName)}</p>
<ul>${scopes.map((scope) => html`<li>${scopeText(texts, scope)}</li>`)}${details.map(
    ({ type, identifier, members }) =>
      html`<li>${texts.detail(type, identifier)}<dl>${members.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></li>`,
  )}</ul>
${answerForm(frame, `request-${index}`, {
  fields: [['request', id]],
  buttons: [
    { name: 'approve', value: 'yes', label: texts.accountApprove, about, isQuiet: false },
    { name: 'decline', value: 'yes', label: texts.accountDecline, about },
  ],
})}</li>`
}
