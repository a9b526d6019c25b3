import { type Code, diagnostic } from '../source/codes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import type { Span } from '../source/span.ts'
import { suggest } from '../source/suggest.ts'

/** Collects mistakes; a stage never stops at the first. */
export type Reporter = {
  readonly report: (code: Code, span: Span, message: string, more?: Details) => void
  /** As `report`, with "did you mean" from the names that could stand there. */
  readonly unknown: (code: Code, at: { text: string; span: Span }, message: string, known: Iterable<string>) => void
  /** How many mistakes there are; `rollback` forgets those made since. */
  readonly mark: () => number
  readonly rollback: (mark: number) => void
  /** Takes over mistakes that no rollback forgets: those of something that is checked only once. */
  readonly keep: (settled: readonly Diagnostic[]) => void
  readonly diagnostics: () => readonly Diagnostic[]
}

type Details = { readonly notes?: Diagnostic['notes']; readonly help?: string | undefined }

export function createReporter(): Reporter {
  const diagnostics: Diagnostic[] = []
  const settled: Diagnostic[] = []
  const report: Reporter['report'] = (code, span, message, more = {}) => {
    diagnostics.push(diagnostic(code, span, message, more))
  }
  return {
    report,
    unknown: (code, at, message, known) => {
      const near = suggest(at.text, [...known])
      report(code, at.span, message, near === undefined ? {} : { help: `did you mean "${near}"?` })
    },
    mark: () => diagnostics.length,
    rollback: (mark) => {
      diagnostics.length = mark
    },
    keep: (more) => {
      settled.push(...more)
    },
    diagnostics: () => [...settled, ...diagnostics],
  }
}
