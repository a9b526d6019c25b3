import { errors } from './errors.ts'
import { limits } from './limits.ts'

/**
 * The path of a request target, refused unless it is in its one normal form, so that router, limiter and policy cannot read
 * it differently (security.md 7): no empty or dot segments, plain or encoded; no backslash, control characters or bytes that
 * are not UTF-8; nothing encoded that needs no encoding.
 */
export function requestPath(target: string): { readonly path: string; readonly search: string } {
  if (target.length > limits.urlLength) throw errors.url_too_long()
  if (target.charCodeAt(0) !== 47) throw errors.invalid_path({ detail: 'The request target must be a path.' })
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  if (!isPlain(path)) checkUnusual(path)
  return { path, search: mark < 0 ? '' : target.slice(mark + 1) }
}

/** Decodes one segment that `requestPath` has let through. */
export const decodeSegment = (segment: string): string =>
  segment.includes('%') ? decodeURIComponent(segment) : segment

/** Most paths: only unreserved characters, no dot at the head of a segment, no empty segment. */
const plain = /^(?:\/[A-Za-z0-9_~:@!$&'()*+,;=-][A-Za-z0-9_.~:@!$&'()*+,;=-]*)+\/?$/
const isPlain = (path: string): boolean => path === '/' || plain.test(path)

const needlesslyEncoded = /%(?:4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a]|3[0-9]|2[de]|5f)/i

function checkUnusual(path: string): void {
  if (path.includes('//')) throw refuse('It has an empty segment.')
  if (/[^\x21-\x7e]|\\/.test(path)) throw refuse('It has characters that must be encoded.')
  if (needlesslyEncoded.test(path)) throw refuse('It encodes characters that need no encoding.')
  for (const segment of path.split('/')) {
    const text = decode(segment)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
    if (/[\x00-\x1f\x7f]/.test(text)) throw refuse('It has control characters.')
    if (text.split(/[/\\]/).some((part) => part === '.' || part === '..')) throw refuse('It has dot segments.')
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (cause) {
    throw errors.invalid_path({ detail: 'It has bytes that are not UTF-8.', cause })
  }
}

const refuse = (detail: string) => errors.invalid_path({ detail })
