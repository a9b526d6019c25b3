import type { Diagnostic, SourceFile, Span } from '../../policy-lang/index.ts'

export type LocatedDiagnostic = {
  readonly code: string
  readonly severity: string
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly help?: string
  readonly notes?: readonly string[]
}

/** Every diagnostic with its place: lines and columns from 1, columns in code points. Files of `set` are named as they were sent. */
export function locateDiagnostics(
  set: string,
  { diagnostics, sources }: { readonly diagnostics: readonly Diagnostic[]; readonly sources: readonly SourceFile[] },
): LocatedDiagnostic[] {
  return diagnostics.map(({ code, severity, message, span, help, notes }) => ({
    code,
    severity,
    message,
    ...placeOf(span, sources, set),
    ...(help === undefined ? {} : { help }),
    ...(notes.length === 0 ? {} : { notes: notes.map((note) => note.message) }),
  }))
}

export function placeOf(span: Span, sources: readonly SourceFile[], set: string) {
  const source = sources.find(({ id }) => id === span.file)
  const text = source?.text ?? ''
  const path = source?.path ?? ''
  const before = text.slice(0, span.start)
  return {
    file: path.startsWith(`${set}/`) ? path.slice(set.length + 1) : path,
    line: before.split('\n').length,
    column: [...before.slice(before.lastIndexOf('\n') + 1)].length + 1,
    endLine: text.slice(0, span.end).split('\n').length,
  }
}
