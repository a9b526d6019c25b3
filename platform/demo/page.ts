import { type Html, html, type PageContent } from '../../server/module.ts'
import type { Answer, ListedFile, Refused } from './storage-client.ts'
import type { Texts } from './texts.ts'

/** What the person just did, and what came of it. */
export type Done = {
  readonly what: 'didUpload' | 'didRead' | 'didRemove'
  readonly key: string
  readonly answer: Answer
}

export type PolicyState = { readonly path: string; readonly problems?: string | undefined }

export type SignedInView = {
  readonly name: string
  readonly claims: { readonly [name: string]: unknown }
  readonly listed: { readonly files: readonly ListedFile[] } | Refused
  readonly policy: PolicyState
  readonly done?: Done | undefined
  readonly problem?: string | undefined
}

export const welcomePage = (texts: Texts, problem: string | undefined): PageContent => ({
  title: texts.title,
  body: html`<p>${texts.lead}</p>
${problem !== undefined && problemBox(html`<p>${problem}</p>`)}
<p><a href="/demo/sign-in" id="sign-in">${texts.signIn}</a></p>`,
})

export const signedInPage = (texts: Texts, view: SignedInView, status = 200): PageContent => ({
  title: texts.title,
  status,
  body: html`<p>${texts.signedInAs(view.name)}</p>
${view.done && doneBox(texts, view.done)}
${view.problem !== undefined && problemBox(html`<p>${view.problem}</p>`)}
<h2>${texts.files}</h2>
${'files' in view.listed ? fileList(texts, view.listed.files) : refusal(texts, texts.refusedList, view.listed)}
<form method="post" action="/demo/read">
<label for="open-key">${texts.openName}</label>
<input id="open-key" name="key" maxlength="200" required>
<div class="actions"><button type="submit" class="quiet" name="open" value="yes">${texts.read}</button></div>
</form>
<h2>${texts.upload}</h2>
<form method="post" action="/demo/upload" enctype="multipart/form-data">
<label for="file">${texts.file}</label>
<input id="file" name="file" type="file" required>
<label for="upload-name">${texts.name}</label>
<input id="upload-name" name="name" maxlength="200">
<div class="actions"><button type="submit" name="upload" value="yes">${texts.uploadSubmit}</button></div>
</form>
<h2>${texts.note}</h2>
<form method="post" action="/demo/note">
<label for="note-name">${texts.noteName}</label>
<input id="note-name" name="name" maxlength="200" required>
<p class="hint">${texts.noteHint}</p>
<label for="note-text">${texts.noteText}</label>
<input id="note-text" name="text" maxlength="2000">
<div class="actions"><button type="submit" name="note" value="yes">${texts.noteSubmit}</button></div>
</form>
<h2 id="policy">${texts.policyTitle}</h2>
<p>${texts.policyText(view.policy.path)}</p>
${
  view.policy.problems === undefined
    ? html`<p id="policy-state">${texts.policyActive}</p>`
    : html`<div id="policy-state">${problemBox(html`<p>${texts.policyBroken}</p>`)}<pre>${view.policy.problems}</pre></div>`
}
<h2>${texts.claims}</h2>
<dl id="claims">${Object.entries(view.claims).map(([name, value]) => html`<dt>${name}</dt><dd>${textOf(value)}</dd>`)}</dl>
<form method="post" action="/demo/sign-out"><div class="actions">
<button type="submit" class="quiet" name="signOut" value="yes">${texts.signOut}</button></div></form>`,
})

const fileList = (texts: Texts, files: readonly ListedFile[]): Html =>
  files.length === 0
    ? html`<p id="files">${texts.noFiles}</p>`
    : html`<ul id="files">${files.map(
        (file) => html`<li>${file.key}${file.size !== undefined && html` <span class="hint">${file.size} B</span>`}
<form method="post" action="/demo/read"><input type="hidden" name="key" value="${file.key}">
<button type="submit" class="quiet" name="read" value="${file.key}">${texts.read}</button></form>
<form method="post" action="/demo/remove"><input type="hidden" name="key" value="${file.key}">
<button type="submit" class="quiet" name="remove" value="${file.key}">${texts.remove}</button></form></li>`,
      )}</ul>`

function doneBox(texts: Texts, { what, key, answer }: Done): Html {
  if (answer.outcome === 'refused') return refusal(texts, texts.refused(texts[what], key), answer)
  return html`<div id="outcome" data-outcome="allowed" role="status"><p>${texts.allowed(texts[what], key)}</p>
${ruleList(texts, answer.rules)}
${answer.text !== undefined && html`<p>${texts.content}</p><pre id="content">${answer.text}</pre>`}</div>`
}

const refusal = (texts: Texts, title: string, { texts: reasons, rules, code, title: said }: Refused): Html =>
  html`<div id="outcome" data-outcome="refused">${problemBox(html`<p>${title}</p>
${reasons.length > 0 && html`<p>${texts.because}: ${reasons.join(' ')}</p>`}
${code === 'access_denied' ? ruleList(texts, rules) : html`<p>${said} (${code})</p>`}`)}</div>`

const ruleList = (texts: Texts, rules: readonly string[]): Html =>
  html`<p>${texts.rules}: ${rules.length > 0 ? rules.map((rule) => html`<code>${rule}</code> `) : texts.noRule}</p>`

const problemBox = (content: Html): Html => html`<div class="problem" role="alert">${content}</div>`

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))
