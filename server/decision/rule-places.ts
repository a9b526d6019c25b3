import { lineStarts, positionOf, type SourceFile, type Span } from '../../policy-lang/index.ts'
import type { ActivePolicy } from './active-policy.ts'

type Place = { readonly file?: string; readonly line?: number; readonly column?: number }
type PlaceOf = (span: Span) => Place

/** File, line and column of a span; nothing of one that no file holds. */
export function placesIn(sources: readonly SourceFile[]): PlaceOf {
  const byId = new Map(sources.map((source) => [source.id, source]))
  const starts = new Map<number, readonly number[]>()
  return (span) => {
    const source = byId.get(span.file)
    if (!source) return {}
    const lines = starts.get(span.file) ?? lineStarts(source.text)
    starts.set(span.file, lines)
    return { file: source.path, ...positionOf(source.text, lines, span.start) }
  }
}

/** Where the rules of a tenant stand in its files: a program that was compiled elsewhere knows their numbers and no text. */
export function placesOfPolicy({ program, texts = [] }: ActivePolicy): PlaceOf {
  const textOf = new Map(texts.map(({ path, text }) => [path, text]))
  const sources = program.files.flatMap((path, at) => {
    const [id, text] = [program.places[at]?.file, textOf.get(path)]
    return id === undefined || text === undefined ? [] : [{ id, path, text }]
  })
  return placesIn(sources)
}
