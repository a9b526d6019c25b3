import type { Span } from './span.ts'

export type Severity = 'error' | 'warning' | 'note'

/**
 * A mistake of the policy's author, as a value: reported, never thrown, all at once.
 *
 * `code` is stable (`F` + 4 digits: F1xxx lexis and syntax, F2xxx names, F3xxx types, F4xxx relations and flows,
 * F5xxx composition and layers, F6xxx tests, F8xxx limits, F9xxx warnings) and stands once in `source/codes.ts`.
 */
export type Diagnostic = {
  readonly code: string
  readonly severity: Severity
  readonly span: Span
  /** One sentence that names the thing: `unknown attribute "ownr" on Document`. */
  readonly message: string
  /** Further places or reasons. */
  readonly notes: readonly { readonly message: string; readonly span?: Span }[]
  /** What to do: `did you mean "owner"?` */
  readonly help?: string
}
