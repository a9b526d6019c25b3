import { type AccountFrame, answerForm, framed, placePath } from './account-frame.ts'
import { type Html, html } from './html.ts'
import { type PageContent, problemBox, scopeText, type Viewer } from './page.ts'

export type AccountPage = {
  readonly frame: AccountFrame
  readonly name: string
  readonly isGone?: boolean
  /** How many apps wait for an answer. */
  readonly waiting: number
  readonly profile: {
    readonly email?: { readonly address: string; readonly isVerified: boolean }
    readonly phone?: { readonly number: string; readonly isVerified: boolean }
    readonly username?: string
    readonly created: string
    readonly passwordChanged?: string
  }
  readonly sessions: readonly ShownSession[]
  readonly apps: readonly ShownApp[]
}
export type ShownSession = {
  readonly uid: string
  readonly isThis: boolean
  /** Browser and system, where known. */
  readonly device?: string
  readonly place?: string
  readonly since: string
  readonly lastUsed: string
  readonly apps: readonly string[]
}
export type ShownApp = {
  readonly clientId: string
  readonly name: string
  readonly since: string
  readonly scopes: readonly string[]
  readonly claims: readonly string[]
  readonly connections: readonly {
    readonly id: string
    readonly isDevice: boolean
    readonly since: string
    readonly lastUsed: string
  }[]
}

/** A person's own account: who it is here, where it is signed in, and which apps have what (people.md §5). */
export function accountPage(viewer: Viewer, page: AccountPage): PageContent {
  const { texts } = viewer
  const { frame } = page
  const others = page.sessions.some(({ isThis }) => !isThis)
  const endOthers = { name: '', value: '', label: texts.accountEndOthers }
  return framed(viewer, frame, {
    title: texts.accountTitle,
    status: page.isGone ? 404 : 200,
    body: html`<p id="account-name">${texts.consentAs(page.name)}</p>
${problemBox(page.isGone ? texts.accountGone : undefined)}
${page.waiting > 0 && html`<p id="waiting"><a href="${placePath(frame, 'requests')}">${texts.accountWaiting(page.waiting)}</a></p>`}
<h2 id="profile-title">${texts.accountProfile}</h2>
${profileList(viewer, page.profile)}
<h2 id="sessions-title">${texts.accountSessions}</h2>
<ul class="items" aria-labelledby="sessions-title" id="sessions">${page.sessions.map((session, index) => sessionItem(viewer, frame, { session, index }))}</ul>
${others && answerForm(frame, 'end-others', { fields: [['end', 'others']], buttons: [endOthers] })}
<h2 id="apps-title">${texts.accountApps}</h2>
${
  page.apps.length > 0
    ? html`<ul class="items" aria-labelledby="apps-title" id="apps">${page.apps.map((app, index) => appItem(viewer, frame, { app, index }))}</ul>`
    : html`<p id="no-apps">${texts.accountNoApps}</p>`
}`,
  })
}

function profileList(
  { texts }: Viewer,
  { email, phone, username, created, passwordChanged }: AccountPage['profile'],
): Html {
  const standing = (isVerified: boolean) => (isVerified ? texts.accountVerified : texts.accountUnverified)
  const rows: readonly (readonly [string, string | undefined])[] = [
    [texts.accountEmail, email && `${email.address} (${standing(email.isVerified)})`],
    [texts.accountPhone, phone && `${phone.number} (${standing(phone.isVerified)})`],
    [texts.accountUsername, username],
    [texts.accountCreated, created],
    [texts.accountPassword, passwordChanged],
  ]
  return html`<dl id="profile">${rows.map(([name, value]) => html`${value !== undefined && html`<dt>${name}</dt><dd>${value}</dd>`}`)}</dl>`
}

function sessionItem(
  { texts }: Viewer,
  frame: AccountFrame,
  { session, index }: { readonly session: ShownSession; readonly index: number },
): Html {
  const { uid, isThis, device, place, since, lastUsed, apps } = session
  const name = isThis ? texts.accountThisBrowser : texts.accountOtherBrowser
  const about = `: ${index + 1}. ${device ?? name}, ${texts.accountSince(since)}`
  const button = { name: '', value: '', label: texts.accountEnd, about }
  return html`<li>
<h3>${name}${device !== undefined && html`: ${device}`}</h3>
<p>${texts.accountSince(since)}${place !== undefined && html`, ${texts.accountPlace(place)}`}<br>${texts.accountLastUsed(lastUsed)}${
    apps.length > 0 && html`<br>${texts.accountSignedInTo(apps.join(', '))}`
  }</p>
${!isThis && answerForm(frame, `end-${index}`, { fields: [['end', uid]], buttons: [button] })}</li>`
}

function appItem(
  viewer: Viewer,
  frame: AccountFrame,
  { app, index }: { readonly app: ShownApp; readonly index: number },
): Html {
  const { texts } = viewer
  const { clientId, name, since } = app
  const parts = [
    ...app.scopes.map((scope) => ({ field: ['scope', scope] as const, text: scopeText(texts, scope) })),
    ...app.claims.map((claim) => ({ field: ['claim', claim] as const, text: texts.claim(claim) })),
  ]
  const part = ({ field, text }: (typeof parts)[number], at: number) =>
    html`<li class="part"><span>${text}</span>${
      // Without this there is no sign-in left: then all of it is taken back.
      field[1] !== 'openid' &&
      answerForm(frame, `part-${index}-${at}`, {
        fields: [['from', clientId], field],
        buttons: [{ name: '', value: '', label: texts.accountWithdrawPart, about: texts.accountOf(text, name) }],
      })
    }</li>`
  return html`<li>
<h3><strong>${name}</strong></h3>
<p>${texts.accountSince(since)}${parts.length === 0 && html`<br>${texts.accountUnasked}`}</p>
<ul>${parts.map(part)}</ul>
${app.connections.length > 0 && connectionList(viewer, frame, { app, index })}
${answerForm(frame, `withdraw-${index}`, {
  fields: [['withdraw', clientId]],
  buttons: [{ name: '', value: '', label: texts.accountWithdraw(name) }],
})}</li>`
}

function connectionList(
  { texts }: Viewer,
  frame: AccountFrame,
  { app, index }: { readonly app: ShownApp; readonly index: number },
): Html {
  const items = app.connections.map(({ id, isDevice, since, lastUsed }, at) => {
    const what = isDevice ? texts.accountConnectedDevice(since) : texts.accountConnection(since)
    return html`<li class="part"><span>${what}<br>${texts.accountLastUsed(lastUsed)}</span>${answerForm(
      frame,
      `disconnect-${index}-${at}`,
      {
        fields: [
          ['disconnect', app.clientId],
          ['connection', id],
        ],
        buttons: [
          {
            name: '',
            value: '',
            label: texts.accountDisconnect,
            about: texts.accountOf(`${at + 1}. ${what}`, app.name),
          },
        ],
      },
    )}</li>`
  })
  return html`<h4>${texts.accountConnections(app.name)}</h4>
<ul>${items}</ul>`
}
