import { diagnostic } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import { limits } from './limits.ts'
import type { SourceFile } from './span.ts'

/**
 * Characters that no policy text may contain, comments and strings included (SPEC 2): controls and line separators that
 * editors show differently, halves of surrogate pairs, bidirectional controls (CVE-2021-42574 "Trojan source").
 */
export function checkCharacters(source: SourceFile): Diagnostic[] {
  const found: Diagnostic[] = []
  // One pass over the whole text; `matchAll` with a global expression is linear because each alternative is one character.
  for (const match of source.text.matchAll(forbidden)) {
    if (found.length >= limits.errorsPerFile) break
    const span = { file: source.id, start: match.index, end: match.index + 1 }
    const name = `U+${match[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`
    if (bidirectional.test(match[0])) {
      const message = `the bidirectional control ${name} may not stand in policy text`
      found.push(diagnostic('F1004', span, message, { help: `in a string, write \\u{${name.slice(2)}}` }))
    } else if (surrogate.test(match[0])) {
      found.push(diagnostic('F1003', span, `${name} is half of a surrogate pair`))
    } else {
      const help = match[0] === '\r' ? 'end lines with LF or CRLF' : `in a string, write \\u{${name.slice(2)}}`
      found.push(diagnostic('F1002', span, `the control character ${name} may not stand in policy text`, { help }))
    }
  }
  return found
}

/** Nothing but characters that `checkCharacters` refuses: saying more about them would say it twice. */
export const isRefused = (text: string): boolean => onlyForbidden.test(text)

const forbidden =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the purpose
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
const onlyForbidden = new RegExp(`^(?:${forbidden.source})+$`)
const bidirectional = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const surrogate = /[\ud800-\udfff]/
