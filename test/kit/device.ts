import type { HttpBrowser, Page } from './http-browser.ts'
import { postForm, type SignInAs } from './sign-in.ts'

export type DeviceAnswer = {
  readonly device_code: string
  readonly user_code: string
  readonly verification_uri: string
  readonly verification_uri_complete: string
  readonly expires_in: number
  readonly interval: number
}

export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** What a device does first (RFC 8628 §3.1). */
export async function askForDevice(
  as: Pick<SignInAs, 'issuer' | 'client' | 'scopes'>,
  more: { readonly [name: string]: string } = {},
): Promise<DeviceAnswer> {
  const scope = (as.scopes ?? ['openid']).join(' ')
  const answer = await postForm(`${as.issuer}/oauth2/device_authorization`, as.client, { scope, ...more })
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`)
  return JSON.parse(answer.body) as DeviceAnswer
}

/** What a person does at another screen, without JavaScript: type the code, confirm, sign in if asked, allow if asked. */
export async function confirmDevice(as: SignInAs, browser: HttpBrowser, userCode: string): Promise<Page> {
  await browser.open(`${as.issuer}/device`)
  await browser.submit({ user_code: userCode })
  let page = await browser.submit({}, 'confirm')
  for (let step = 0; step < 4; step += 1) {
    if (page.text.includes('name="password"')) page = await browser.submit({ ...as.user })
    else if (page.text.includes('name="allow"')) page = await browser.submit({}, 'allow')
    else return page
  }
  throw new Error(`the confirmation does not end:\n${page.text}`)
}
