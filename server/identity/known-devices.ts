import { createHmac, timingSafeEqual } from 'node:crypto'
import type { WebContext } from '../http/mount.ts'

/** Accounts that one browser is remembered for. */
const remembered = 8
const lifetimeMilliseconds = 90 * 24 * 60 * 60 * 1_000

/**
 * Which accounts this browser has signed in to before: a cookie of keyed digests and nothing else. It opens nothing; it keeps a
 * stranger's failures from slowing the person down (people.md §4).
 */
export function createKnownDevices(key: Uint8Array, tenantId: string, isSecure: boolean) {
  const name = `${isSecure ? '__Host-' : ''}writ-${tenantId}-device`
  const tagOf = (accountId: string) =>
    createHmac('sha256', key)
      .update(JSON.stringify([tenantId, accountId]))
      .digest('base64url')
  const tagsIn = (context: WebContext): string[] =>
    (context.cookies.get(name, { signed: false }) ?? '')
      .split('.')
      .filter((tag) => /^[\w-]{43}$/.test(tag))
      .slice(0, remembered)

  return {
    isKnown: (context: WebContext, accountId: string): boolean => {
      const expected = Buffer.from(tagOf(accountId))
      return tagsIn(context).some((tag) => timingSafeEqual(Buffer.from(tag), expected))
    },
    remember: (context: WebContext, accountId: string): void => {
      const tag = tagOf(accountId)
      const tags = [tag, ...tagsIn(context).filter((other) => other !== tag)].slice(0, remembered)
      context.cookies.set(name, tags.join('.'), {
        httpOnly: true,
        sameSite: 'lax',
        secure: isSecure,
        path: '/',
        signed: false,
        maxAge: lifetimeMilliseconds,
        overwrite: true,
      })
    },
  }
}
export type KnownDevices = ReturnType<typeof createKnownDevices>
