import { type Html, html } from './html.ts'
import type { PageContent, Viewer } from './page.ts'

export type AccountPlace = 'overview' | 'requests' | 'history' | 'activity'

/** What every page of the account shows and sends. */
export type AccountFrame = {
  /** Of the overview; the others are below. */
  readonly base: string
  readonly place: AccountPlace
  readonly csrf: string
  readonly signOut: string
}

export const placePath = ({ base }: Pick<AccountFrame, 'base'>, place: AccountPlace): string =>
  place === 'overview' ? base : `${base}/${place}`

/** A page of the account: where else to go, in which language, and the way out. */
export function framed({ texts, language }: Viewer, frame: AccountFrame, content: PageContent): PageContent {
  const names: { readonly [place in AccountPlace]: string } = {
    overview: texts.accountOverview,
    requests: texts.accountRequests,
    history: texts.accountHistory,
    activity: texts.accountActivity,
  }
  const places: readonly AccountPlace[] = ['overview', 'requests', 'history', 'activity']
  const here = placePath(frame, frame.place)
  const other = language === 'ko' ? { tag: 'en', name: 'English' } : { tag: 'ko', name: '한국어' }
  return {
    ...content,
    isWide: true,
    menu: html`<nav aria-label="${texts.accountMenu}"><ul>${places.map(
      (place) =>
        html`<li><a href="${placePath(frame, place)}" id="to-${place}"${place === frame.place && html` aria-current="page"`}>${names[place]}</a></li>`,
    )}</ul></nav>
`,
    body: html`${content.body}
<nav aria-label="${texts.accountLanguage}"><ul>
<li><a href="${here}?ui_locales=${other.tag}" lang="${other.tag}" hreflang="${other.tag}" id="language">${other.name}</a></li>
<li><a href="${frame.signOut}" id="sign-out">${texts.logout}</a></li></ul></nav>`,
  }
}

export type Button = {
  readonly name: string
  readonly value: string
  readonly label: string
  /** What it is about, for those who hear one button after the other. */
  readonly about?: string
  readonly isQuiet?: boolean
}

/** One form for one answer; `fields` are its own, beside the token. */
export function answerForm(
  frame: AccountFrame,
  id: string,
  form: { readonly fields: readonly (readonly [string, string])[]; readonly buttons: readonly Button[] },
): Html {
  return html`<form method="post" action="${placePath(frame, frame.place)}" id="${id}">
<input type="hidden" name="csrf" value="${frame.csrf}">
${form.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<div class="actions">${form.buttons.map(
    ({ name, value, label, about, isQuiet = true }) =>
      html`<button type="submit"${name !== '' && html` name="${name}" value="${value}"`}${isQuiet && html` class="quiet"`}>${label}${
        about !== undefined && html`<span class="unseen">${about}</span>`
      }</button>`,
  )}</div>
</form>`
}
