import { domainToASCII } from 'node:url'

/** An address as it is compared (`normalized`) and as the person typed it (`shown`). */
export type Identifier = {
  readonly kind: 'email' | 'phone' | 'username'
  readonly normalized: string
  readonly shown: string
}

const longestEmail = 254

/**
 * people.md §2: trimmed, NFC, domain to ASCII by UTS 46, compared case-folded, shown as typed; plus-tags stay distinct.
 * Undefined if it is no address; nothing here says whether it exists.
 */
export function parseEmail(text: string): Identifier | undefined {
  const shown = text.trim().normalize('NFC')
  if (shown.length === 0 || shown.length > longestEmail || /[\p{Cc}\p{Cs}\s"(),:;<>[\]\\]/u.test(shown))
    return undefined
  const at = shown.lastIndexOf('@')
  const local = shown.slice(0, at)
  if (at < 1 || local.length > 64 || local.includes('@')) return undefined
  const domain = domainToASCII(shown.slice(at + 1))
  if (!/^(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*$/.test(domain)) return undefined
  return { kind: 'email', normalized: `${fold(local)}@${domain}`, shown }
}

/** E.164; `KR|010-1234-5678` is understood on import. */
export function parsePhone(text: string): Identifier | undefined {
  const trimmed = text.trim()
  const korean = /^KR\|0([0-9-]{8,12})$/.exec(trimmed)
  const digits = (korean ? `+82${korean[1]}` : trimmed).replace(/[\s().-]/g, '')
  return /^\+[1-9][0-9]{6,14}$/.test(digits) ? { kind: 'phone', normalized: digits, shown: digits } : undefined
}

export function parseUsername(text: string): Identifier | undefined {
  const shown = text.trim().normalize('NFC')
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u.test(shown)) return undefined
  return { kind: 'username', normalized: fold(shown), shown }
}

/** What somebody types to sign in: an address, a number or a name. */
export const parseIdentifier = (text: string): Identifier | undefined =>
  text.includes('@') ? parseEmail(text) : (parsePhone(text) ?? parseUsername(text))

/** Full case folding, near enough: upper then lower maps ß, final sigma and dotless forms together. */
const fold = (text: string): string => text.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC')
