import type { WebContext } from '../http/mount.ts'
import { pagePolicy } from '../http/security-headers.ts'
import { type Html, html } from './html.ts'
import { chooseLanguage, type Language, languageCookie } from './language.ts'
import { styleSheet } from './style.ts'
import { type Texts, textsIn } from './texts.ts'

/** What a page needs to know about who looks at it. */
export type Viewer = { readonly language: Language; readonly texts: Texts }

export function viewerOf(context: WebContext, uiLocales?: unknown): Viewer {
  const language = chooseLanguage({
    uiLocales: typeof uiLocales === 'string' ? uiLocales : undefined,
    cookie: context.cookies.get(languageCookie, { signed: false }),
    acceptLanguage: context.get('accept-language'),
  })
  return { language, texts: textsIn(language) }
}

export type PageContent = {
  readonly title: string
  readonly body: Html
  readonly status?: number
  /** Above the title: where else one can go. */
  readonly menu?: Html
  /** For pages that list: a wider column. */
  readonly isWide?: boolean
  /** Addresses that a form of this page leads to, also by redirects: their origins enter `form-action`. */
  readonly leadsTo?: readonly string[]
}

/** Answers a whole page under the strict policy: own style by nonce, no script, no frame, no foreign form target. */
export function sendPage(context: WebContext, viewer: Viewer, content: PageContent): void {
  const { nonce } = context.state
  context.status = content.status ?? 200
  context.type = 'text/html; charset=utf-8'
  context.set(
    'content-security-policy',
    pagePolicy({ nonce, formActions: (content.leadsTo ?? []).flatMap(formSource) }),
  )
  context.set('content-language', viewer.language)
  context.set('cache-control', 'no-store')
  context.body = document(viewer.language, content, nonce).markup
}

/** The mark of the tab, inside the page: nothing more is asked for. */
const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1d4ed8"/>' +
    '<path d="M3 4.5 5.4 11.5 8 6l2.6 5.5L13 4.5" fill="none" stroke="#fff" stroke-width="1.6"/></svg>',
)}`

const document = (
  language: Language,
  { title, body, menu, isWide }: PageContent,
  nonce: string,
): Html => html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Writ</title>
<link rel="icon" href="${icon}">
<style nonce="${nonce}">${styleSheet}</style>
</head>
<body>
<main${isWide === true && html` class="wide"`}>
${menu}<h1>${title}</h1>
${body}
</main>
</body>
</html>
`

/** An error that a screen reader says at once, above the form it belongs to. */
export const problemBox = (text: string | undefined): Html | undefined =>
  text === undefined ? undefined : html`<div class="problem" role="alert" id="problem"><p>${text}</p></div>`

/** The part of an address that `form-action` can name: an origin, or the scheme of an app. */
export function formSource(address: string): string[] {
  const url = URL.parse(address)
  if (!url) return []
  if (url.protocol === 'http:' || url.protocol === 'https:') return [url.origin]
  return /^[a-z][a-z0-9+.-]*:$/.test(url.protocol) ? [url.protocol] : []
}

/** What an app asks for by a scope, in words. */
export function scopeText(texts: Texts, scope: string, ofApis: { readonly [scope: string]: string } = {}): string {
  const known = [texts.scopes, ofApis].find((described) => Object.hasOwn(described, scope))
  return known?.[scope] ?? texts.otherScope(scope)
}
