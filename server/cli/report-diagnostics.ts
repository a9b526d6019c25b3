import { type Diagnostic, renderDiagnostics, type SourceFile } from '../../policy-lang/index.ts'
import type { CommandIo } from './io.ts'

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

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some(({ severity }) => severity === 'error')
