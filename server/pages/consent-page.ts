import { type Html, html } from './html.ts'
import { type PageContent, scopeText, type Viewer } from './page.ts'
import type { Texts } from './texts.ts'

export type ConsentPage = {
  readonly action: string
  readonly csrf: string
  readonly clientName: string
  readonly accountName: string
  readonly scopes: readonly string[]
  /** What scopes of the tenant's own APIs mean, in the person's language. */
  readonly scopeDescriptions?: { readonly [scope: string]: string }
  readonly claims: readonly string[]
  readonly details: readonly AskedDetail[]
  /** Where no administrator made the app. `host`: of its document; `leadsTo`: where the answer goes. */
  readonly stranger?: { readonly host?: string; readonly leadsTo?: string }
  /** On this server. */
  readonly logo?: string
  readonly policyUri?: string
  readonly tosUri?: string
  readonly leadsTo: readonly string[]
}

/** One of the `authorization_details`: what, on what, and how much of it. */
export type AskedDetail = {
  readonly type: string
  readonly identifier: string
  readonly members: readonly (readonly [name: string, value: string])[]
}

export function consentPage({ texts }: Viewer, page: ConsentPage): PageContent {
  const asks = [
    ...page.scopes.map((scope) => html`<li>${scopeText(texts, scope, page.scopeDescriptions)}</li>`),
    ...page.claims.map((claim) => html`<li>${texts.claim(claim)}</li>`),
    ...page.details.map((detail) => detailItem(texts, detail)),
  ]
  const links = [
    ...(page.policyUri !== undefined
      ? [html`<a href="${page.policyUri}" rel="noreferrer">${texts.consentPrivacy}</a> `]
      : []),
    ...(page.tosUri !== undefined ? [html`<a href="${page.tosUri}" rel="noreferrer">${texts.consentTerms}</a>`] : []),
  ]
  return {
    title: texts.consentTitle(page.clientName),
    leadsTo: page.leadsTo,
    body: html`${page.logo !== undefined && html`<p><img src="${page.logo}" alt="" width="64" height="64"></p>`}<p>${texts.consentAs(page.accountName)}</p>
${page.stranger && strangerNotice(texts, page.stranger)}
<p id="asks">${texts.consentAsks(page.clientName)}</p>
<ul aria-labelledby="asks">${asks}</ul>
${links.length > 0 && html`<p>${links}</p>`}
<form method="post" action="${page.action}" id="consent">
<input type="hidden" name="csrf" value="${page.csrf}">
<div class="actions">
<button type="submit" id="allow" name="allow" value="yes">${texts.allow}</button>
<button type="submit" id="deny" name="deny" value="yes" class="quiet">${texts.deny}</button>
</div>
</form>`,
  }
}

const strangerNotice = (texts: Texts, { host, leadsTo }: NonNullable<ConsentPage['stranger']>): Html =>
  html`<p id="stranger">${host === undefined ? texts.consentRegistered : texts.consentDocument(host)}${
    leadsTo !== undefined && html` ${texts.consentLeadsTo(leadsTo)}`
  }</p>`

const detailItem = (texts: Texts, { type, identifier, members }: AskedDetail): Html =>
  html`<li>${texts.detail(type, identifier)}${
    members.length > 0 && html`<dl>${members.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`
  }</li>`
