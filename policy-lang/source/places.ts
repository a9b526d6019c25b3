import type { Diagnostic } from './diagnostic.ts'
import type { Span } from './span.ts'

/**
 * Where the items of a file stand, in order: their numbers, and the offsets at which they begin. The spans inside an item
 * count from its beginning and name the item in place of a file, so an item that other text has moved is the same item, and
 * everything that was found out about it still holds.
 */
export type FilePlaces = {
  readonly file: number
  readonly items: readonly number[]
  readonly starts: readonly number[]
}

/** From a span inside an item to the span in its file; a span that already counts from its file stays. */
export type Locate = (span: Span) => Span

/** Looks nothing up before it is asked: most sets have nothing to say. */
export function createLocate(places: readonly FilePlaces[]): Locate {
  let byItem: ReadonlyMap<number, { readonly file: number; readonly start: number }> | undefined
  return (span) => {
    byItem ??= new Map(
      places.flatMap(({ file, items, starts }) =>
        items.map((item, at) => [item, { file, start: starts[at] ?? 0 }] as const),
      ),
    )
    const place = byItem.get(span.file)
    return place ? { file: place.file, start: place.start + span.start, end: place.start + span.end } : span
  }
}

export function locateDiagnostic(found: Diagnostic, locate: Locate): Diagnostic {
  const notes = found.notes.map((note) => (note.span ? { ...note, span: locate(note.span) } : note))
  return { ...found, span: locate(found.span), notes }
}
