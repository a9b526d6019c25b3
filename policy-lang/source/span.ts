/**
 * A stretch of text: half-open UTF-16 offsets. `file` says into which text: the `SourceFile` of that id, or within a compiled
 * set the item of that number (`source/places.ts` leads from there to the file).
 */
export type Span = { readonly file: number; readonly start: number; readonly end: number }

/** One policy file as the compiler sees it. `path` is what diagnostics print; `text` has LF line ends only. */
export type SourceFile = { readonly id: number; readonly path: string; readonly text: string }
