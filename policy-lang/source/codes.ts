import type { Diagnostic, Severity } from './diagnostic.ts'
import type { Span } from './span.ts'

/**
 * Every diagnostic code of the compiler, once. F1xxx lexis and syntax, F2xxx names, F3xxx types, F4xxx relations and
 * flows, F5xxx composition and layers, F6xxx tests, F8xxx limits, F9xxx warnings. A code is never given a second meaning.
 */
export const codes = {
  F1001: { severity: 'error', title: 'The file is not valid UTF-8.' },
  F1002: { severity: 'error', title: 'A control character stands in the text.' },
  F1003: { severity: 'error', title: 'Half of a surrogate pair stands in the text.' },
  F1004: { severity: 'error', title: 'A bidirectional control can make text read differently from what it means.' },
  F1010: { severity: 'error', title: 'A character or operator that is not part of the language.' },
  F1011: { severity: 'error', title: 'A string that does not end on its line.' },
  F1012: { severity: 'error', title: 'A backslash in a string starts an escape that does not exist.' },
  F1013: { severity: 'error', title: 'A number that is not written as the language writes numbers.' },
  F1014: { severity: 'error', title: 'A duration that is not one whole number and one unit.' },
  F1015: { severity: 'error', title: 'A time that is not a date, a time of day and an offset.' },
  F1020: { severity: 'error', title: 'A line in column 1 begins an item, and this is none.' },
  F1021: { severity: 'error', title: 'A word or sign that cannot stand here.' },
  F1022: { severity: 'error', title: 'An item that ends before it is complete.' },
  F1023: { severity: 'error', title: 'A bracket that is never closed.' },
  F1024: { severity: 'error', title: 'A bracket that closes nothing, or closes another kind.' },
  F1025: { severity: 'error', title: 'Comparisons do not chain.' },
  F1026: { severity: 'error', title: 'A clause that may stand once stands twice.' },
  F1027: { severity: 'error', title: 'A continuation line in column 1.' },
  F1028: { severity: 'error', title: 'An item that can be read in two ways.' },
  F8001: { severity: 'error', title: 'The file is larger than a policy file may be.' },
  F8002: { severity: 'error', title: 'A line is longer than a line may be.' },
  F8003: { severity: 'error', title: 'The file has more items than a file may have.' },
  F8004: { severity: 'error', title: 'Brackets or operators are nested too deeply.' },
  F8005: { severity: 'error', title: 'An item is longer than an item may be.' },
  F8006: { severity: 'error', title: 'There are more errors than are reported at once.' },
} as const satisfies Record<string, { severity: Severity; title: string }>

export type Code = keyof typeof codes

/** Makes the diagnostic of one row of the table above; `message` is one sentence that names the thing. */
export function diagnostic(
  code: Code,
  span: Span,
  message: string,
  more: { readonly notes?: Diagnostic['notes']; readonly help?: string | undefined } = {},
): Diagnostic {
  const base = { code, severity: codes[code].severity, span, message, notes: more.notes ?? [] }
  return more.help === undefined ? base : { ...base, help: more.help }
}
