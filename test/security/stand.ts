import { randomInt } from 'node:crypto'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { signIn } from '../kit/sign-in.ts'
import { openRig, type Rig } from '../server/admin/rig.ts'

export type RawAnswer = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The `code` or `error` that a program would branch on, wherever the standard of the route puts it. */
  readonly code: string | undefined
}

export type RawRequest = {
  readonly method?: string
  readonly headers?: { readonly [name: string]: string | readonly string[] }
  readonly body?: string | Buffer
}

/** A header that makes the request come from an address of its own. */
export const fromElsewhere = (): { readonly 'x-forwarded-for': string } => ({
  'x-forwarded-for': [10, randomInt(256), randomInt(256), randomInt(256)].join('.'),
})

export type TestClient = { readonly id: string; readonly redirectUri: string; readonly secret?: string }

export type Stand = Rig & {
  readonly issuer: string
  readonly web: TestClient
  /** Public: a single-page app. */
  readonly spa: TestClient
  /** Confidential, with the scope `access` and no redirect. */
  readonly service: TestClient
  readonly alice: { readonly id: string; readonly identifier: string; readonly password: string }
  /** What was made up for this stand and must never be seen. */
  readonly secrets: readonly string[]
  /** As sent: neither path nor headers are normalised, and nothing is followed. */
  raw(path: string, request?: RawRequest): Promise<RawAnswer>
  createClient(id: string, more?: { readonly [member: string]: unknown }): Promise<TestClient>
  createUser(email: string, password: string, more?: object): Promise<string>
  basic(client: TestClient): string
  /** Of a client that this stand has made. */
  secretOf(id: string): string
  /** Tokens of alice through a client, by the whole code flow. */
  tokens(options?: {
    readonly client?: TestClient
    readonly resource?: string
    readonly scopes?: readonly string[]
  }): ReturnType<typeof signIn>
  /** A client's own access token. */
  clientToken(client: TestClient, resource?: string): Promise<string>
}

const alicePassword = 'violet otters juggle 41 lanterns'
const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials']
const scope = 'openid profile email offline_access access'

/** The whole server with people and clients in it, all made through the doors that surface.md names. */
export async function openStand(): Promise<Stand> {
  // So that a test can come from as many addresses as it needs: what is counted per address must not hide what is checked.
  const rig = await openRig({ trustedProxies: ['127.0.0.0/8'] })
  const { issuer, url } = rig.server
  const redirectUri = `${issuer}/app/cb`
  const made = new Map<string, string>()

  async function createClient(id: string, more: { readonly [member: string]: unknown } = {}): Promise<TestClient> {
    const isPublic = more.tokenEndpointAuthMethod === 'none'
    const grants = isPublic ? grantTypes.slice(0, 2) : grantTypes
    const metadata = {
      clientId: id,
      name: id,
      firstParty: true,
      redirectUris: [redirectUri],
      grantTypes: grants,
      scope,
    }
    const { status, body, text } = await rig.call('POST', '/admin/v1/clients', { ...metadata, ...more })
    if (status !== 201) throw new Error(`no client ${id}: ${status} ${text}`)
    if (typeof body.clientSecret === 'string') made.set(id, body.clientSecret)
    return { id, redirectUri, ...(typeof body.clientSecret === 'string' ? { secret: body.clientSecret } : {}) }
  }

  async function createUser(email: string, password: string, more: object = {}): Promise<string> {
    const { status, body, text } = await rig.call('POST', '/admin/v1/users', {
      email,
      emailVerified: true,
      password,
      ...more,
    })
    if (status !== 201) throw new Error(`no user ${email}: ${status} ${text}`)
    return String(body.id)
  }

  const web = await createClient('web')
  const spa = await createClient('spa', { tokenEndpointAuthMethod: 'none' })
  const service = await createClient('service', {
    grantTypes: ['client_credentials'],
    redirectUris: [],
    scope: 'access admin',
  })
  const alice = {
    id: await createUser('alice@example.test', alicePassword, { claims: { name: 'Alice Kim' } }),
    identifier: 'alice@example.test',
    password: alicePassword,
  }
  const basic = ({ id, secret = '' }: TestClient) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`

  return {
    ...rig,
    issuer,
    web,
    spa,
    service,
    alice,
    secrets: [alicePassword, web.secret ?? '', service.secret ?? '', rig.token],
    raw: (path, request) => sendRaw(url, path, request),
    createClient,
    createUser,
    basic,
    secretOf: (id) => made.get(id) ?? '',
    tokens: ({ client = web, resource, scopes = ['openid', 'email'] } = {}) =>
      signIn({
        issuer,
        client,
        user: { identifier: alice.identifier, password: alice.password },
        scopes,
        ...(resource === undefined ? {} : { resource }),
      }),
    async clientToken(client, resource = `${issuer}/api`) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'access' }).toString()
      const headers = { authorization: basic(client), 'content-type': 'application/x-www-form-urlencoded' }
      const { text, status } = await sendRaw(url, '/oauth2/token', { method: 'POST', headers, body })
      const token: unknown = JSON.parse(text).access_token
      if (typeof token !== 'string') throw new Error(`no token: ${status} ${text}`)
      return token
    },
  }
}

function sendRaw(url: string, path: string, { method = 'GET', headers, body }: RawRequest = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let isAnswered = false
    // Node frames the body of a DELETE only where its length is told.
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = httpRequest({ hostname, port, path, method, headers: { ...length, ...headers }, agent: false })
    // The server may answer and close before it has read a body that it refuses.
    sent.on('error', (error) => isAnswered || reject(error))
    sent.on('response', (response) => {
      isAnswered = true
      const chunks: Buffer[] = []
      const settle = () => {
        const text = Buffer.concat(chunks).toString()
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          code: codeOf(response.headers, text),
        })
      }
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', settle).on('error', settle)
    })
    sent.end(body)
  })
}

function codeOf(headers: IncomingHttpHeaders, text: string): string | undefined {
  const own = headers['writ-error-code']
  if (typeof own === 'string') return own
  const type = headers['content-type'] ?? ''
  if (/\bapplication\/(problem\+)?json\b/.test(type)) {
    const body: { readonly code?: unknown; readonly error?: unknown } = JSON.parse(text || '{}')
    const code = body.code ?? body.error
    return typeof code === 'string' ? code : undefined
  }
  // Pages show their code where a person can read it out.
  return /id="error-code">([a-z0-9_]+)</.exec(text)?.[1]
}
