/**
 * A browser without JavaScript: keeps cookies per origin, follows redirects, fills and submits the forms it is shown. What it can
 * do, a text browser or a conformance suite's browser can do.
 */
export type Page = {
  readonly url: string
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

export type HttpBrowser = {
  page(): Page
  open(url: string): Promise<Page>
  /** Follows the first link whose text or address contains `part`. */
  follow(part: string): Promise<Page>
  /** Submits the form that holds every named field, pressing `button` (name, or name=value) if given. */
  submit(fields: { readonly [name: string]: string | Blob }, button?: string): Promise<Page>
  cookies(): ReadonlyMap<string, string>
}

const maximumRedirects = 20

export function openHttpBrowser(headers: { readonly [name: string]: string } = {}): HttpBrowser {
  const jar = new Map<string, Map<string, string>>()
  let current: Page | undefined

  const jarOf = (url: string): Map<string, string> => {
    const host = new URL(url).host
    const found = jar.get(host) ?? new Map<string, string>()
    jar.set(host, found)
    return found
  }

  async function request(url: string, init: RequestInit): Promise<Page> {
    let [target, options] = [url, init]
    for (let hop = 0; hop <= maximumRedirects; hop++) {
      if (!/^https?:/.test(target)) {
        // An app's own address: a browser hands it to the system.
        current = { url: target, status: 0, text: '', headers: new Headers() }
        return current
      }
      const cookies = [...jarOf(target)].map(([name, value]) => `${name}=${value}`).join('; ')
      const response = await fetch(target, {
        ...options,
        redirect: 'manual',
        headers: { accept: 'text/html', ...headers, ...(cookies ? { cookie: cookies } : {}), ...options.headers },
      })
      for (const line of response.headers.getSetCookie()) keepCookie(jarOf(target), line)
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || !location) {
        current = { url: target, status: response.status, text: await response.text(), headers: response.headers }
        return current
      }
      await response.arrayBuffer()
      target = new URL(location, target).href
      options = response.status === 307 || response.status === 308 ? options : { method: 'GET' }
    }
    throw new Error(`more than ${maximumRedirects} redirects from ${url}`)
  }

  const shown = (): Page => {
    if (!current) throw new Error('no page is open')
    return current
  }

  return {
    page: shown,
    cookies: () => jarOf(shown().url),
    open: (url) => request(url, { method: 'GET' }),
    async follow(part) {
      const links = [...shown().text.matchAll(/<a\b[^>]*\bhref="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g)]
      const link = links.find(([, href, label]) => href?.includes(part) || label?.includes(part))
      if (!link?.[1]) throw new Error(`no link "${part}" on ${shown().url}:\n${shown().text}`)
      return await request(new URL(decodeEntities(link[1]), shown().url).href, { method: 'GET' })
    },
    async submit(fields, button) {
      const form = findForm(shown(), Object.keys(fields), button)
      const action = new URL(form.action, shown().url).href
      const values = new Map<string, string | Blob>([...form.values, ...Object.entries(fields)])
      const origin = { origin: new URL(shown().url).origin, referer: shown().url }
      if (form.method === 'get') {
        const query = new URLSearchParams([...values].map(([name, value]) => [name, String(value)]))
        return await request(`${action}?${query}`, { method: 'GET' })
      }
      if (form.multipart) {
        const body = new FormData()
        for (const [name, value] of values) {
          if (typeof value === 'string') body.append(name, value)
          else body.append(name, value, value instanceof File ? value.name : 'file')
        }
        return await request(action, { method: 'POST', headers: origin, body })
      }
      const body = new URLSearchParams([...values].map(([name, value]) => [name, String(value)]))
      return await request(action, { method: 'POST', headers: origin, body })
    },
  }
}

type Form = {
  readonly action: string
  readonly method: string
  readonly multipart: boolean
  readonly values: Map<string, string>
}

function findForm(page: Page, fields: readonly string[], button: string | undefined): Form {
  for (const [, attributes = '', inside = ''] of page.text.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)) {
    const inputs = [...inside.matchAll(/<(?:input|select|textarea|button)\b([^>]*)>/g)].map(([, text = '']) => text)
    const names = inputs.map((text) => attributeOf(text, 'name'))
    const [buttonName, buttonValue] = button?.split('=') ?? []
    const pressed = inputs.find(
      (text) =>
        buttonName !== undefined &&
        attributeOf(text, 'name') === buttonName &&
        (buttonValue === undefined || attributeOf(text, 'value') === buttonValue),
    )
    if (!fields.every((field) => names.includes(field)) || (button && pressed === undefined)) continue
    const values = new Map<string, string>()
    for (const text of inputs) {
      const [name, type] = [attributeOf(text, 'name'), attributeOf(text, 'type')]
      if (name && (type === 'hidden' || text === pressed)) values.set(name, attributeOf(text, 'value') ?? '')
    }
    return {
      action: attributeOf(attributes, 'action') ?? page.url,
      method: (attributeOf(attributes, 'method') ?? 'get').toLowerCase(),
      multipart: attributeOf(attributes, 'enctype') === 'multipart/form-data',
      values,
    }
  }
  throw new Error(`no form with ${fields.join(', ')} ${button ?? ''} on ${page.url} (${page.status}):\n${page.text}`)
}

const attributeOf = (text: string, name: string): string | undefined => {
  const match = new RegExp(`(?:^|\\s)${name}=(?:"([^"]*)"|([^\\s>]+))`).exec(text)
  const value = match?.[1] ?? match?.[2]
  return value === undefined ? undefined : decodeEntities(value)
}

const entities: { readonly [name: string]: string } = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#x27': "'",
  '#x2F': '/',
}

const decodeEntities = (text: string): string =>
  text.replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole)

function keepCookie(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';')
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  const value = pair.slice(at + 1).trim()
  const expired = attributes.some((text) => /^\s*max-age=0\s*$/i.test(text) || /expires=Thu, 01 Jan 1970/i.test(text))
  if (expired || value === '') jar.delete(name)
  else jar.set(name, value)
}
