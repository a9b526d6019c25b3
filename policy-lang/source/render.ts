import type { Diagnostic, Severity } from './diagnostic.ts'
import { lineStarts, type Position, positionOf } from './position.ts'
import type { SourceFile, Span } from './span.ts'

/** A diagnostic for programs: the place in words that editors use. */
export type DiagnosticJson = {
  readonly code: string
  readonly severity: Severity
  readonly message: string
  readonly path: string
  readonly start: Position
  readonly end: Position
  readonly notes: readonly { readonly message: string; readonly path?: string; readonly start?: Position }[]
  readonly help?: string
}

type Place = { readonly path: string; readonly text: string; readonly starts: readonly number[] }
type Paint = (style: keyof typeof styles, text: string) => string

/**
 * Writes diagnostics for people: message, place, the line with the span underlined, notes and help, in order of place.
 * At most `limit` are written, then how many more there are.
 */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceFile[],
  options: { readonly color?: boolean; readonly limit?: number } = {},
): string {
  const paint: Paint = options.color ? (style, text) => `\u001b[${styles[style]}m${text}\u001b[0m` : (_, text) => text
  const limit = options.limit ?? 50
  const place = placesOf(sources)
  const shown = inOrder(diagnostics)
    .slice(0, limit)
    .map((one) => renderOne(one, place, paint))
  const left = diagnostics.length - limit
  if (left > 0) shown.push(`… and ${left} more\n`)
  return shown.join('\n')
}

/** The same as values, for editors and the admin API. */
export function diagnosticsToJson(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceFile[],
): DiagnosticJson[] {
  const place = placesOf(sources)
  const at = (span: Span, offset: number) => {
    const { text, starts } = place(span)
    return positionOf(text, starts, offset)
  }
  return inOrder(diagnostics).map((one) => ({
    code: one.code,
    severity: one.severity,
    message: one.message,
    path: place(one.span).path,
    start: at(one.span, one.span.start),
    end: at(one.span, one.span.end),
    notes: one.notes.map((note) =>
      note.span
        ? { message: note.message, path: place(note.span).path, start: at(note.span, note.span.start) }
        : { message: note.message },
    ),
    ...(one.help === undefined ? {} : { help: one.help }),
  }))
}

const styles = { error: '1;31', warning: '1;33', note: '1;36', frame: '34', strong: '1' }
const windowWidth = 120

function renderOne(one: Diagnostic, place: (span: Span) => Place, paint: Paint): string {
  const head = `${paint(one.severity, `${one.severity}[${one.code}]`)}${paint('strong', `: ${one.message}`)}`
  const frame = renderFrame(one.span, place(one.span), paint)
  const gutter = ' '.repeat(frame.width)
  const lines = [head, ...frame.lines]
  for (const note of one.notes) {
    const where = note.span ? ` (${placeText(note.span, place(note.span))})` : ''
    lines.push(`${gutter} ${paint('frame', '=')} note: ${note.message}${where}`)
  }
  if (one.help !== undefined) lines.push(`${gutter} ${paint('frame', '=')} help: ${one.help}`)
  return `${lines.join('\n')}\n`
}

function renderFrame(span: Span, place: Place, paint: Paint): { lines: string[]; width: number } {
  const { line } = positionOf(place.text, place.starts, span.start)
  const width = String(line).length
  const gutter = ' '.repeat(width)
  const bar = paint('frame', '|')
  const where = `${gutter}${paint('frame', '-->')} ${placeText(span, place)}`
  const lineStart = place.starts[line - 1] ?? 0
  const lineEnd = (place.starts[line] ?? place.text.length + 1) - 1
  if (lineEnd <= lineStart) return { lines: [where], width }

  // Of a long line a window around the span is shown.
  const from = span.start - lineStart > windowWidth ? span.start - windowWidth / 2 : lineStart
  const to = Math.min(lineEnd, from + windowWidth)
  const before = printable(place.text.slice(from, span.start))
  const marked = printable(place.text.slice(span.start, Math.min(span.end, to)))
  const after = printable(place.text.slice(Math.min(Math.max(span.end, span.start), to), to))
  const open = from > lineStart ? '…' : ''
  const underline =
    ' '.repeat([...open, ...before].length) + paint('error', '^'.repeat(Math.max(1, [...marked].length)))
  const code = `${open}${before}${marked}${after}${to < lineEnd ? '…' : ''}`
  return {
    lines: [
      where,
      `${gutter} ${bar}`,
      `${paint('frame', String(line))} ${bar} ${code}`,
      `${gutter} ${bar} ${underline}`,
    ],
    width,
  }
}

function placeText(span: Span, place: Place): string {
  const { line, column } = positionOf(place.text, place.starts, span.start)
  return `${place.path}:${line}:${column}`
}

/** Tabs as one space, controls as dots: a terminal must not obey policy text. */
function printable(text: string): string {
  return text.replaceAll('\t', ' ').replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '·')
}

/** Looks up the file of a span; its lines are found once. */
function placesOf(sources: readonly SourceFile[]): (span: Span) => Place {
  const known = new Map<number, Place>()
  return (span) => {
    const found = known.get(span.file)
    if (found) return found
    const source = sources.find((one) => one.id === span.file)
    const place = {
      path: source?.path ?? '<unknown>',
      text: source?.text ?? '',
      starts: lineStarts(source?.text ?? ''),
    }
    known.set(span.file, place)
    return place
  }
}

function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...diagnostics].sort(
    (a, b) =>
      a.span.file - b.span.file || a.span.start - b.span.start || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
  )
}
