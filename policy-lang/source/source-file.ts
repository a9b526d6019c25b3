import { diagnostic } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { SourceFile } from './span.ts'

/**
 * Makes the one form in which the compiler reads a file: no byte order mark, LF line ends. Bytes must be UTF-8 (SPEC 2).
 * Forbidden characters are found by `parseFile`, whoever made the file.
 */
export function makeSourceFile(
  id: number,
  path: string,
  content: string | Uint8Array,
): { source: SourceFile; diagnostics: Diagnostic[] } {
  if (typeof content === 'string') return { source: { id, path, text: normalise(content) }, diagnostics: [] }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content)
    return { source: { id, path, text: normalise(text) }, diagnostics: [] }
  } catch {
    const span = { file: id, start: 0, end: 0 }
    const problem = diagnostic('F1001', span, 'this file is not valid UTF-8', { help: 'save it as UTF-8 text' })
    return { source: { id, path, text: '' }, diagnostics: [problem] }
  }
}

function normalise(text: string): string {
  const withoutMark = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  return withoutMark.includes('\r\n') ? withoutMark.replaceAll('\r\n', '\n') : withoutMark
}
