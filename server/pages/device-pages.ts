import { html } from './html.ts'
import { type PageContent, problemBox, type Viewer } from './page.ts'

type Form = { readonly action: string; readonly xsrf: string; readonly userCode: string }

export type DeviceProblem = 'unknown' | 'expired' | 'used' | 'throttled' | 'refused'

/** Where a person types the code that a device shows (RFC 8628 §3.3). */
export function deviceCodePage(
  { texts }: Viewer,
  page: Form & { readonly problem?: DeviceProblem; readonly status?: number },
): PageContent {
  const described = page.problem === undefined ? html`` : html` aria-describedby="problem" aria-invalid="true"`
  return {
    title: texts.deviceTitle,
    status: page.status ?? 200,
    body: html`<p>${texts.deviceText}</p>
${problemBox(page.problem && texts.deviceProblems[page.problem])}
<form method="post" action="${page.action}" id="device">
<input type="hidden" name="xsrf" value="${page.xsrf}">
<label for="user_code">${texts.deviceCode}</label>
<input id="user_code" name="user_code" type="text" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" required${described} value="${page.userCode}">
<div class="actions"><button type="submit" id="submit-code">${texts.deviceContinue}</button></div>
</form>`,
  }
}

/** Shows who asks, from where, and by which code: whoever did not begin this says no (RFC 8628 §5.4). */
export function deviceConfirmPage(
  { texts }: Viewer,
  page: Form & { readonly clientName: string; readonly place: string; readonly agent: string },
): PageContent {
  return {
    title: texts.deviceConfirmTitle(page.clientName),
    body: html`<p>${texts.deviceConfirmText}</p>
<dl>
<dt>${texts.deviceCode}</dt><dd id="shown-code">${page.userCode}</dd>
<dt>${texts.devicePlace}</dt><dd id="place">${page.place}</dd>
${page.agent !== '' && html`<dt>${texts.deviceAgent}</dt><dd id="agent">${page.agent}</dd>`}
</dl>
<p>${texts.deviceWarning}</p>
<form method="post" action="${page.action}" id="device-confirm">
<input type="hidden" name="xsrf" value="${page.xsrf}">
<input type="hidden" name="user_code" value="${page.userCode}">
<div class="actions">
<button type="submit" id="confirm" name="confirm" value="yes">${texts.deviceConfirm}</button>
<button type="submit" id="abort" name="abort" value="yes" class="quiet">${texts.deviceAbort}</button>
</div>
</form>`,
  }
}

export function deviceDonePage(
  { texts }: Viewer,
  { outcome }: { readonly outcome: 'allowed' | 'denied' },
): PageContent {
  return outcome === 'allowed'
    ? { title: texts.deviceDoneTitle, body: html`<p id="device-done">${texts.deviceDoneText}</p>` }
    : { title: texts.deviceDeniedTitle, body: html`<p id="device-denied">${texts.deviceDeniedText}</p>` }
}
