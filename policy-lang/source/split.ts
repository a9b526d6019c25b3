import { diagnostic } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import { limits } from './limits.ts'
import type { SourceFile } from './span.ts'

/** The text of one item with the comments above it: half-open offsets. */
export type Chunk = {
  readonly start: number
  readonly end: number
  /** A line of it was refused already: nothing in it is read. */
  readonly refused: boolean
}

type OpenChunk = { start: number; end: number; refused: boolean; marksOnly: boolean }

/**
 * Cuts a file into items by looking at column 1 only (SPEC 2): an item begins there and its further lines are indented,
 * a lone `}` excepted. Lines of marks alone belong to the item below them. `trailing` starts the comments after the last.
 */
export function split(source: SourceFile): { chunks: Chunk[]; trailing: number; diagnostics: Diagnostic[] } {
  const { text, id: file } = source
  const chunks: OpenChunk[] = []
  const diagnostics: Diagnostic[] = []
  let open: OpenChunk | undefined
  /** Where comments in column 1 began that may belong to the next item. */
  let pending: number | undefined

  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const tooLong = end - start > limits.lineLength
    const kind = tooLong ? lineKind(text, start, start + limits.lineLength) : lineKind(text, start, end)
    const belongs = kind === 'indented' || kind === 'closing'
    const begins = kind === 'item' || kind === 'marks'

    if (kind === 'comment') pending ??= start
    if (begins && !open?.marksOnly) {
      if (chunks.length >= limits.itemsPerFile) {
        const span = { file, start, end: start + 1 }
        diagnostics.push(
          diagnostic('F8003', span, `a file may have ${limits.itemsPerFile} items, and this one has more`),
        )
        return { chunks, trailing: text.length, diagnostics }
      }
      open = { start: pending ?? start, end, refused: false, marksOnly: kind === 'marks' }
      chunks.push(open)
    } else if (begins && open) {
      open.marksOnly = kind === 'marks'
    } else if (belongs && !open) {
      // Its own chunk, so that the parser says what is wrong with it.
      open = { start: pending ?? start, end, refused: false, marksOnly: false }
      chunks.push(open)
    }
    if (open && (begins || belongs)) {
      open.end = end
      // Marks with more than marks indented below them are a whole item: the next line in column 1 is another.
      if (belongs && open.marksOnly) open.marksOnly = marksOnly.test(text.slice(start, end).trimStart())
      pending = undefined
    } else if (open && kind === 'indentedComment' && pending === undefined) {
      open.end = end
    } else if (kind === 'indentedComment') {
      pending ??= start
    }
    if (tooLong) {
      const span = { file, start, end: start + 1 }
      const message = `this line has ${end - start} characters, more than ${limits.lineLength}`
      diagnostics.push(diagnostic('F8002', span, message, { help: 'break it; newlines mean nothing inside an item' }))
      if (open) open.refused = true
      // A comment that long is not read either.
      else pending = undefined
    }
    start = end + 1
  }
  return { chunks, trailing: pending ?? text.length, diagnostics }
}

type LineKind = 'blank' | 'comment' | 'indentedComment' | 'indented' | 'closing' | 'marks' | 'item'

function lineKind(text: string, start: number, end: number): LineKind {
  let first = start
  while (first < end && (text[first] === ' ' || text[first] === '\t')) first += 1
  if (first === end) return 'blank'
  if (text.startsWith('//', first)) return first === start ? 'comment' : 'indentedComment'
  if (first > start) return 'indented'
  if (text[first] === '}' && loneBrace.test(text.slice(first, end))) return 'closing'
  return text[first] === '@' && marksOnly.test(text.slice(first, end)) ? 'marks' : 'item'
}

const loneBrace = /^\}[ \t]*(\/\/.*)?$/
/** `@id("x") @sealed`: each character can be taken in one way only, so the test is linear. */
const marksOnly = /^(?:@[A-Za-z_]\w*[ \t]*(?:\((?:[^"()\n]|"(?:[^"\\\n]|\\.)*")*\)[ \t]*)?)+(?:\/\/.*)?$/
