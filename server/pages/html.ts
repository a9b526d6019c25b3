declare const htmlBrand: unique symbol

/** Markup that is safe to send. Only `html` makes it, so a string can never become markup by mistake (security.md row 13). */
export type Html = { readonly [htmlBrand]: true; readonly markup: string }

type Hole = Html | readonly Html[] | string | number | undefined | false

/**
 * ``html`<p>${name}</p>` ``: every hole is escaped unless it is `Html` itself; undefined and false are empty. Attributes must be
 * quoted in the template; nothing may be put into a script, a style or an unquoted attribute.
 */
export function html(parts: TemplateStringsArray, ...holes: readonly Hole[]): Html {
  const markup = parts.reduce(
    (text, part, index) => text + part + (index < holes.length ? render(holes[index]) : ''),
    '',
  )
  return mark(markup)
}

export const escapeHtml = (text: string): string => text.replace(/[&<>"'`]/g, (character) => escapes[character] ?? '')

const escapes: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

function render(hole: Hole): string {
  if (hole === undefined || hole === false) return ''
  if (typeof hole === 'string') return escapeHtml(hole)
  if (typeof hole === 'number') return String(hole)
  return 'markup' in hole ? hole.markup : hole.map((item) => item.markup).join('')
}

// The brand exists in types only; this is the one place that gives it.
const mark = (markup: string): Html => ({ markup }) as Html
