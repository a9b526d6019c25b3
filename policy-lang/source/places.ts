import type { Diagnostic } from './diagnostic.ts'
import type { Span } from './span.ts'

/**
 * Where an item of a set stands. The spans inside an item count from its beginning and name the item in place of a file, so
 * an item that other text has moved is the same item, and everything that was found out about it still holds.
 */
export type Place = { readonly item: number; readonly file: number; readonly start: number }

/** From a span inside an item to the span in its file; a span that already counts from its file stays. */
export type Locate = (span: Span) => Span

/** Looks nothing up before it is asked: most sets have nothing to say. */
export function createLocate(places: readonly Place[]): Locate {
  let byItem: ReadonlyMap<number, Place> | undefined
  return (span) => {
    byItem ??= new Map(places.map((place) => [place.item, place]))
    const place = byItem.get(span.file)
    return place ? { file: place.file, start: place.start + span.start, end: place.start + span.end } : span
  }
}

export function locateDiagnostic(found: Diagnostic, locate: Locate): Diagnostic {
  const notes = found.notes.map((note) => (note.span ? { ...note, span: locate(note.span) } : note))
  return { ...found, span: locate(found.span), notes }
}
