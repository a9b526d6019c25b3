import { createHash, randomBytes } from 'node:crypto'
import { type HttpBrowser, openHttpBrowser, type Page } from './http-browser.ts'

export type SignInAs = {
  readonly issuer: string
  readonly client: {
    readonly id: string
    /** Something must answer there, be it 404: the browser follows every redirect. */
    readonly redirectUri: string
    /** Absent: a public client. */
    readonly secret?: string
  }
  readonly user: { readonly identifier: string; readonly password: string }
  readonly scopes?: readonly string[]
  readonly resource?: string
  /** More parameters of the authorization request. */
  readonly parameters?: { readonly [name: string]: string }
  /** A browser that is used on: it keeps its session. */
  readonly browser?: HttpBrowser
}

export type TokenAnswer = {
  readonly status: number
  readonly body: {
    readonly access_token?: string
    readonly refresh_token?: string
    readonly id_token?: string
    readonly expires_in?: number
    readonly scope?: string
    readonly error?: string
    readonly error_description?: string
  }
}

export type Authorization = {
  readonly browser: HttpBrowser
  /** Parameters that came back to the redirect address. */
  readonly answer: URLSearchParams
  readonly verifier: string
  readonly nonce: string
}

/** The whole code flow with PKCE as a person without JavaScript goes through it: sign in if asked, allow if asked. */
export async function signIn(as: SignInAs): Promise<Authorization & { readonly tokens: TokenAnswer }> {
  const authorization = await authorize(as)
  const tokens = await redeem(as, authorization)
  return { ...authorization, tokens }
}

export async function authorize(as: SignInAs): Promise<Authorization> {
  const verifier = randomBytes(32).toString('base64url')
  const nonce = randomBytes(16).toString('base64url')
  const browser = as.browser ?? openHttpBrowser()
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: as.client.id,
    redirect_uri: as.client.redirectUri,
    scope: (as.scopes ?? ['openid']).join(' '),
    state: 'the-state',
    nonce,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(as.resource !== undefined ? { resource: as.resource } : {}),
    ...as.parameters,
  })
  let answer = await untilRedirect(as, () => browser.open(`${as.issuer}/oauth2/authorize?${query}`))
  for (let page = 0; answer === undefined && page < 4; page += 1) {
    const { text, url } = browser.page()
    if (text.includes('name="password"')) answer = await untilRedirect(as, () => browser.submit({ ...as.user }))
    else if (text.includes('name="allow"')) answer = await untilRedirect(as, () => browser.submit({}, 'allow'))
    else throw new Error(`no form to go on with at ${url}:\n${text}`)
  }
  if (!answer) throw new Error(`the sign-in does not end:\n${browser.page().text}`)
  return { browser, answer, verifier, nonce }
}

export async function redeem(as: SignInAs, { answer, verifier }: Authorization): Promise<TokenAnswer> {
  return askToken(as, {
    grant_type: 'authorization_code',
    code: answer.get('code') ?? '',
    redirect_uri: as.client.redirectUri,
    code_verifier: verifier,
    ...(as.resource !== undefined ? { resource: as.resource } : {}),
  })
}

export const refresh = (
  as: SignInAs,
  refreshToken: string,
  more: { readonly [name: string]: string } = {},
): Promise<TokenAnswer> => askToken(as, { grant_type: 'refresh_token', refresh_token: refreshToken, ...more })

export async function askToken(
  as: Pick<SignInAs, 'issuer' | 'client'>,
  fields: { readonly [name: string]: string },
): Promise<TokenAnswer> {
  const { status, body } = await postForm(`${as.issuer}/oauth2/token`, as.client, fields)
  return { status, body: JSON.parse(body) as TokenAnswer['body'] }
}

/** A form to a protocol endpoint with the client's credentials: Basic where there is a secret, else `client_id` in the body. */
export async function postForm(
  url: string,
  client: { readonly id: string; readonly secret?: string },
  fields: { readonly [name: string]: string },
): Promise<{ readonly status: number; readonly body: string; readonly headers: Headers }> {
  const { id, secret } = client
  const basic = Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret ?? '')}`).toString('base64')
  const response = await fetch(url, {
    method: 'POST',
    headers: secret === undefined ? {} : { authorization: `Basic ${basic}` },
    body: new URLSearchParams({ ...(secret === undefined ? { client_id: id } : {}), ...fields }),
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

/** What came back, once the browser has arrived at the app's address. */
async function untilRedirect(as: SignInAs, go: () => Promise<Page>): Promise<URLSearchParams | undefined> {
  const { url } = await go()
  return url.startsWith(`${as.client.redirectUri}?`) ? new URL(url).searchParams : undefined
}
