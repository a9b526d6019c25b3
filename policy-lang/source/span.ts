/** A stretch of one source file: half-open UTF-16 offsets into `SourceFile.text`. */
export type Span = { readonly file: number; readonly start: number; readonly end: number }

/** One policy file as the compiler sees it. `path` is what diagnostics print; `text` has LF line ends only. */
export type SourceFile = { readonly id: number; readonly path: string; readonly text: string }
