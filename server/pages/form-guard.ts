import { createHmac, timingSafeEqual } from 'node:crypto'
import type { WebContext } from '../http/mount.ts'
import { pageErrors } from './errors.ts'

/** Binds a form to the page it was shown on: a keyed digest of what the page is about, nothing to store. */
export const formToken = (key: Uint8Array, about: string): string =>
  createHmac('sha256', key).update(about, 'utf8').digest('base64url')

/**
 * Refuses a form that another site made the browser send (security.md row 5, provider.md §11.3). Our pages ask for no referrer, so
 * browsers say `Origin: null` for our own forms too; then `Sec-Fetch-Site` and the token decide.
 */
export function requireOwnForm(
  context: WebContext,
  token: { readonly given: string | undefined; readonly expected: string },
): void {
  const origin = context.get('origin')
  const ownOrigin = new URL(context.state.scope.tenant.issuer).origin
  if (origin !== '' && origin !== 'null' && origin !== ownOrigin)
    throw pageErrors.foreign_form({ privateDetail: 'origin' })
  const site = context.get('sec-fetch-site')
  if (site !== '' && site !== 'same-origin' && site !== 'none')
    throw pageErrors.foreign_form({ privateDetail: 'fetch site' })
  const given = Buffer.from(token.given ?? '', 'utf8')
  const expected = Buffer.from(token.expected, 'utf8')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw pageErrors.foreign_form({ privateDetail: 'token' })
  }
}
