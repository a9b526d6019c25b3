import type { Literal, StringLiteral } from '../ast/nodes.ts'
import { diagnostic } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { Span } from './span.ts'

/** Reads `"text"` with its quotes. Escapes: `\" \\ \n \t \r \u{1F600}`, and `\*` which stays as written for `like`. */
export function readString(text: string, span: Span, problems: Diagnostic[]): StringLiteral {
  const inner = text.slice(1, -1)
  if (!inner.includes('\\')) return { kind: 'string', value: inner, span }
  const value = inner.replace(escapeSequence, (escaped: string, hex: string | undefined, offset: number) => {
    if (hex !== undefined) {
      const point = Number.parseInt(hex, 16)
      if (point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) return String.fromCodePoint(point)
    }
    const simple = escapes[escaped]
    if (simple !== undefined) return simple
    const start = span.start + 1 + offset
    const at = { file: span.file, start, end: start + escaped.length }
    const help = 'the escapes are \\" \\\\ \\n \\t \\r \\* and \\u{1F600}'
    problems.push(diagnostic('F1012', at, `\`${escaped}\` is not an escape`, { help }))
    return ''
  })
  return { kind: 'string', value, span }
}

const escapeSequence = /\\u\{([0-9A-Fa-f]{1,6})\}|\\./gu
const escapes: { readonly [escaped: string]: string } = {
  '\\"': '"',
  '\\\\': '\\',
  '\\n': '\n',
  '\\t': '\t',
  '\\r': '\r',
  // `*` is the only wildcard of `like` and `\*` itself (SPEC 4), so the pattern must still see the backslash.
  '\\*': '\\*',
}

/** Reads a whole number, a decimal or a duration. What is malformed is reported and read as 0. */
export function readNumber(text: string, span: Span, problems: Diagnostic[]): Literal {
  const parts = /^(\d[\d_]*)(\.\d[\d_]*)?([A-Za-z]\w*)?$/.exec(text)
  const whole = parts?.[1] ?? ''
  const fraction = parts?.[2] ?? ''
  const unit = parts?.[3]
  const zero: Literal = { kind: 'int', value: 0n, span }
  const badlyWritten = writingProblem(parts, whole, fraction)
  if (badlyWritten) {
    problems.push(diagnostic('F1013', span, `\`${shorten(text)}\` is not a number`, { help: badlyWritten }))
    return zero
  }
  const digits = whole.replaceAll('_', '')
  if (unit === undefined) {
    if (fraction !== '') return { kind: 'decimal', text: digits + fraction.replaceAll('_', ''), span }
    return { kind: 'int', value: BigInt(digits), span }
  }
  const milliseconds = units[unit]
  if (milliseconds === undefined || fraction !== '') {
    const help = 'a duration is one whole number and one unit of w d h m s ms: `1h + 30m`'
    problems.push(diagnostic('F1014', span, `\`${shorten(text)}\` is not a duration`, { help }))
    return zero
  }
  return { kind: 'duration', milliseconds: BigInt(digits) * milliseconds, text, span }
}

function writingProblem(parts: RegExpExecArray | null, whole: string, fraction: string): string | undefined {
  if (!parts) return 'numbers are written `50_000` or `1.5`'
  if (/__|_$/.test(whole) || /__|_$/.test(fraction)) return '`_` stands between two digits'
  if (whole.length > 1 && whole.startsWith('0')) return 'a number has no leading zero'
  // A number with thousands of digits would cost quadratic time to read, and none is in range.
  if (whole.length + fraction.length > 40) return 'numbers have at most 19 digits'
  return undefined
}

const units: { readonly [unit: string]: bigint } = {
  w: 604_800_000n,
  d: 86_400_000n,
  h: 3_600_000n,
  m: 60_000n,
  s: 1000n,
  ms: 1n,
}

/** Reads `2026-03-02T10:00:00Z` (RFC 3339; seconds and offset required, at most milliseconds, years 0001–9999). */
export function readTime(text: string, span: Span, problems: Diagnostic[]): Literal {
  const parts = timePattern.exec(text)
  const milliseconds = parts ? instant(parts) : undefined
  if (milliseconds !== undefined) return { kind: 'time', milliseconds, text, span }
  const help = 'write `2026-03-02T10:00:00Z`, or an offset such as `+01:00` in place of `Z`'
  problems.push(diagnostic('F1015', span, `\`${shorten(text)}\` is not a time`, { help }))
  return { kind: 'time', milliseconds: 0, text, span }
}

const timePattern = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,3}))?(?:Z|([+-])(\d{2}):(\d{2}))$/

function instant(parts: RegExpExecArray): number | undefined {
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction = ''] = parts
  const offsetHours = Number(parts[9] ?? 0)
  const offsetMinutes = Number(parts[10] ?? 0)
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  if (offsetHours > 23 || offsetMinutes > 59) return undefined
  const local = new Date(0)
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day))
  // A day that the month does not have rolls over; then the parts differ.
  if (local.getUTCMonth() !== Number(month) - 1 || local.getUTCDate() !== Number(day)) return undefined
  local.setUTCHours(Number(hour), Number(minute), Number(second), Number(fraction.padEnd(3, '0') || 0))
  const sign = parts[8] === '-' ? -1 : 1
  const milliseconds = local.getTime() - sign * (offsetHours * 60 + offsetMinutes) * 60_000
  return milliseconds >= firstInstant && milliseconds <= lastInstant ? milliseconds : undefined
}

const firstInstant = Date.parse('0001-01-01T00:00:00.000Z')
const lastInstant = Date.parse('9999-12-31T23:59:59.999Z')

const shorten = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text)
