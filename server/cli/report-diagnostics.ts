import { type Diagnostic, renderDiagnostics, type SourceFile } from '../../policy-lang/index.ts'
import type { CommandIo } from './io.ts'

export type LocatedDiagnostic = {
  readonly code: string
  readonly severity: string
  readonly message: string
  readonly file: string
  readonly line: number
  readonly column: number
  readonly help?: string
}

/** Says every diagnostic with its code frame, and counts them: `2 errors, 1 warning`. */
export function reportDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: readonly SourceFile[],
  io: Pick<CommandIo, 'error' | 'color'>,
): void {
  if (diagnostics.length === 0) return
  io.error(`${renderDiagnostics(diagnostics, sources, { color: io.color }).trimEnd()}\n\n`)
  const counts = (['error', 'warning', 'note'] as const)
    .map((severity) => [severity, diagnostics.filter((each) => each.severity === severity).length] as const)
    .filter(([, count]) => count > 0)
    .map(([severity, count]) => `${count} ${severity}${count === 1 ? '' : 's'}`)
  io.error(`${counts.join(', ')}\n`)
}

/** For machines: lines and columns from 1, columns in code points. */
export function locate(diagnostics: readonly Diagnostic[], sources: readonly SourceFile[]): LocatedDiagnostic[] {
  return diagnostics.map(({ code, severity, message, span, help }) => {
    const source = sources.find((each) => each.id === span.file)
    const before = (source?.text ?? '').slice(0, span.start)
    const lineStart = before.lastIndexOf('\n') + 1
    return {
      code,
      severity,
      message,
      file: source?.path ?? '',
      line: before.split('\n').length,
      column: [...before.slice(lineStart)].length + 1,
      ...(help === undefined ? {} : { help }),
    }
  })
}

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some(({ severity }) => severity === 'error')
