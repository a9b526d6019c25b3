import type { Diagnostic } from './diagnostic.ts'

/** By file and place, each mistake once: two ways to the same mistake are one. */
export function inSourceOrder(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const byKey = new Map<string, Diagnostic>()
  for (const entry of diagnostics) {
    const { file, start, end } = entry.span
    const key = JSON.stringify([file, start, end, entry.code, entry.message])
    if (!byKey.has(key)) byKey.set(key, entry)
  }
  return [...byKey.values()].sort(
    (a, b) =>
      a.span.file - b.span.file || a.span.start - b.span.start || a.span.end - b.span.end || (a.code < b.code ? -1 : 1),
  )
}
