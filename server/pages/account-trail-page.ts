import { type AccountFrame, framed, placePath } from './account-frame.ts'
import { html } from './html.ts'
import { type PageContent, scopeText, type Viewer } from './page.ts'

export type TrailPage = {
  readonly frame: AccountFrame
  /** Where the list goes on. */
  readonly cursor?: string
  readonly events: readonly {
    readonly at: string
    readonly action: string
    readonly isRefused: boolean
    readonly app?: string
    readonly place?: string
    readonly scopes: readonly string[]
    readonly claims: readonly string[]
  }[]
}

/** What happened to the account; or of that, what was agreed to and taken back. Newest first. */
export function accountTrailPage(viewer: Viewer, { frame, cursor, events }: TrailPage): PageContent {
  const { texts } = viewer
  const isHistory = frame.place === 'history'
  const items = events.map(({ at, action, isRefused, app, place, scopes, claims }) => {
    const name = Object.hasOwn(texts.accountEvents, action) ? texts.accountEvents[action] : action
    const parts = [...scopes.map((scope) => scopeText(texts, scope)), ...claims.map((claim) => texts.claim(claim))]
    return html`<li>
<p><strong>${name}</strong>${app !== undefined && html`: ${app}`}${isRefused && html` (${texts.accountDenied})`}</p>
<p>${at}${place !== undefined && html`, ${texts.accountPlace(place)}`}</p>
${isHistory && parts.length > 0 && html`<ul>${parts.map((text) => html`<li>${text}</li>`)}</ul>`}</li>`
  })
  return framed(viewer, frame, {
    title: isHistory ? texts.accountHistory : texts.accountActivity,
    body: html`<p>${isHistory ? texts.accountHistoryText : texts.accountActivityText}</p>
${items.length > 0 ? html`<ol class="items" id="events">${items}</ol>` : html`<p id="no-events">${texts.accountNothing}</p>`}
${
  cursor !== undefined &&
  html`<p><a href="${placePath(frame, frame.place)}?cursor=${encodeURIComponent(cursor)}" id="older">${texts.accountOlder}</a></p>`
}`,
  })
}
