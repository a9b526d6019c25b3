import { z } from 'zod'
import { type Kernel, readForm, readMultipart, sendPage, viewerOf, type WebContext } from '../../server/module.ts'
import { demoClientId, redirectPath, scope } from './client.ts'
import { errors } from './errors.ts'
import { type Done, signedInPage, welcomePage } from './page.ts'
import type { PolicyFolder } from './policy-folder.ts'
import { createRelyingParty, pendingShape, type RelyingParty, SignInFailed } from './relying-party.ts'
import { type SealedCookie, sealedCookie } from './sealed-cookie.ts'
import { createStorageClient } from './storage-client.ts'
import { textsIn } from './texts.ts'

const sessionShape = z.object({
  name: z.string(),
  claims: z.record(z.string(), z.unknown()),
  accessToken: z.string(),
  expiresAt: z.number(),
})
type Session = z.infer<typeof sessionShape>

type App = {
  readonly kernel: Kernel
  readonly relyingParty: RelyingParty
  readonly policies: PolicyFolder
  readonly session: SealedCookie<Session>
  readonly pending: SealedCookie<z.infer<typeof pendingShape>>
}
type Handle = (app: App, context: WebContext) => Promise<void>

const uploadBytes = 5 * 1024 * 1024
/** Room for the boundaries and the other fields of the form. */
const formBytes = uploadBytes + 16 * 1024
const bucket = 'demo'

/** THE TABLE of the sample app's pages. */
const pages: { readonly [methodAndPath: string]: Handle } = {
  'GET /demo': (app, context) => show(app, context),
  'GET /demo/sign-in': signIn,
  'GET /demo/callback': finishSignIn,
  'POST /demo/sign-out': signOut,
  'POST /demo/upload': uploadFile,
  'POST /demo/note': saveNote,
  'POST /demo/read': (app, context) => doWithKey(app, context, 'didRead'),
  'POST /demo/remove': (app, context) => doWithKey(app, context, 'didRemove'),
}

export function createHandler(kernel: Kernel, policies: PolicyFolder): (context: WebContext) => Promise<void> {
  const { issuer } = kernel.config
  const app: App = {
    kernel,
    policies,
    relyingParty: createRelyingParty({
      issuer,
      clientId: demoClientId,
      redirectUri: issuer + redirectPath,
      scope,
      resource: `${issuer}/api`,
    }),
    session: sealedCookie(kernel, { name: 'writ-demo', shape: sessionShape, seconds: 3600 }),
    pending: sealedCookie(kernel, { name: 'writ-demo-sign-in', shape: pendingShape, seconds: 600 }),
  }
  return async (context) => {
    const handle = pages[`${context.method} ${context.state.path}`]
    if (!handle) throw errors.demo_page_not_found()
    // The cookie is SameSite=Lax, so a form of another site comes without it; this is the second wall.
    if (context.method === 'POST') requireOwnOrigin(app, context)
    await handle(app, context)
  }
}

async function show(
  app: App,
  context: WebContext,
  more: { readonly done?: Done; readonly problem?: string } = {},
): Promise<void> {
  const viewer = viewerOf(context)
  const texts = textsIn(viewer.language)
  const session = sessionOf(app, context)
  if (!session)
    return sendPage(context, viewer, { ...welcomePage(texts, more.problem), leadsTo: [app.kernel.config.issuer] })
  const listed = await storageOf(app, session).list()
  if ('outcome' in listed && listed.status === 401) return signIn(app, context)
  const { name, claims } = session
  sendPage(context, viewer, signedInPage(texts, { name, claims, listed, policy: app.policies.state(), ...more }))
}

async function signIn(app: App, context: WebContext): Promise<void> {
  const { url, pending } = await app.relyingParty.begin()
  app.pending.write(context, pending)
  leave(context, url)
}

async function finishSignIn(app: App, context: WebContext): Promise<void> {
  const pending = app.pending.read(context)
  app.pending.clear(context)
  const texts = textsIn(viewerOf(context).language)
  try {
    if (!pending) throw new SignInFailed('expired')
    const answer = new URLSearchParams(context.querystring)
    const signedIn = await app.relyingParty.finish(answer, pending, app.kernel.clock.now())
    const { claims, accessToken, expiresAt } = signedIn
    const name = String(claims.email ?? claims.name ?? claims.sub)
    app.session.write(context, { name, claims: shownClaims(claims), accessToken, expiresAt })
    leave(context, '/demo')
  } catch (error) {
    if (!(error instanceof SignInFailed)) throw error
    app.kernel.log.info({ code: error.code }, 'the sample app could not finish a sign-in')
    await show(app, context, { problem: texts.signInFailed(error.code) })
  }
}

async function signOut(app: App, context: WebContext): Promise<void> {
  app.session.clear(context)
  leave(context, await app.relyingParty.endSessionUrl(`${app.kernel.config.issuer}/demo`))
}

async function uploadFile(app: App, context: WebContext): Promise<void> {
  const session = sessionOf(app, context)
  if (!session) return leave(context, '/demo')
  const texts = textsIn(viewerOf(context).language)
  const form = await readMultipart(context.req, formBytes)
  const file = form.get('file')
  if (!(file instanceof Blob) || (file.size === 0 && nameOf(file) === ''))
    return show(app, context, { problem: texts.missing })
  if (file.size > uploadBytes) return show(app, context, { problem: texts.tooLarge })
  const key = String(form.get('name') ?? '').trim() || nameOf(file) || 'file'
  const content = new Uint8Array(await file.arrayBuffer())
  const answer = await storageOf(app, session).put(key, content, file.type || 'application/octet-stream')
  await show(app, context, { done: { what: 'didUpload', key, answer } })
}

async function saveNote(app: App, context: WebContext): Promise<void> {
  const session = sessionOf(app, context)
  if (!session) return leave(context, '/demo')
  const form = await readForm(context.req)
  const key = (form.get('name') ?? '').trim()
  if (key === '') return show(app, context, { problem: textsIn(viewerOf(context).language).missing })
  const content = new TextEncoder().encode(form.get('text') ?? '')
  const answer = await storageOf(app, session).put(key, content, 'text/plain; charset=utf-8')
  await show(app, context, { done: { what: 'didUpload', key, answer } })
}

async function doWithKey(app: App, context: WebContext, what: 'didRead' | 'didRemove'): Promise<void> {
  const session = sessionOf(app, context)
  if (!session) return leave(context, '/demo')
  const key = (await readForm(context.req)).get('key') ?? ''
  const files = storageOf(app, session)
  const answer = what === 'didRead' ? await files.read(key) : await files.remove(key)
  await show(app, context, { done: { what, key, answer } })
}

/** An access token that ended is no session: the provider's own session signs in again without asking. */
function sessionOf(app: App, context: WebContext): Session | undefined {
  const session = app.session.read(context)
  return session && session.expiresAt > app.kernel.clock.now() ? session : undefined
}

const storageOf = (app: App, session: Session) =>
  createStorageClient(`${app.kernel.config.issuer}/storage/v1`, bucket, session.accessToken)

function requireOwnOrigin(app: App, context: WebContext): void {
  const origin = context.get('origin')
  // Pages that ask for no referrer make browsers say `null`; then the fetch metadata decide.
  const isOwn = origin === '' || origin === 'null' || origin === new URL(app.kernel.config.issuer).origin
  const site = context.get('sec-fetch-site')
  if (!isOwn || (site !== '' && site !== 'same-origin' && site !== 'none')) throw errors.demo_foreign_form()
}

/** 303, so that the browser goes on with GET. */
function leave(context: WebContext, url: string): void {
  context.redirect(url)
  context.status = 303
}

/** The ones that a person understands, and few enough for a cookie. */
function shownClaims(claims: { readonly [name: string]: unknown }): { readonly [name: string]: unknown } {
  const shown = ['sub', 'email', 'email_verified', 'name', 'locale', 'iss', 'aud', 'acr', 'amr', 'auth_time']
  return Object.fromEntries(Object.entries(claims).filter(([name]) => shown.includes(name)))
}

const nameOf = (file: Blob): string => ('name' in file && typeof file.name === 'string' ? file.name : '')
