import { identityLibrary, identityPath } from './builtins/identity-library.ts'
import type { ShapeCache } from './grammar/derive.ts'
import { type FileMemory, parseAgain } from './grammar/parse-again.ts'
import type { Layer } from './ir/program.ts'
import { type PlacedFile, sortItems } from './resolve/units.ts'
import type { Diagnostic } from './source/diagnostic.ts'
import type { FilePlaces } from './source/places.ts'
import { makeSourceFile } from './source/source-file.ts'
import type { SourceFile } from './source/span.ts'

/** One file of a composed set. Layer and organization are the caller's word; without it the file's own (SPEC 6). */
export type PolicyFile = {
  readonly path: string
  readonly text: string | Uint8Array
  readonly layer?: Layer
  readonly organization?: string
}

/** What a parse leaves for the next: items of files that were there, and only those. */
export type SetMemory = {
  readonly shapes: ShapeCache
  readonly files: ReadonlyMap<string, FileMemory>
  /** How many items were ever numbered. */
  readonly numbered: number
}

export type ParsedSet = {
  readonly placed: readonly PlacedFile[]
  readonly sources: readonly SourceFile[]
  readonly places: readonly FilePlaces[]
  /** Located. */
  readonly diagnostics: readonly Diagnostic[]
  readonly memory: SetMemory
}

/** In order of path, so that nothing hangs on the order in which files came; the library of `writ:identity` is always last. */
export function parseSet(given: readonly PolicyFile[], memory?: SetMemory): ParsedSet {
  const shapes: ShapeCache = memory?.shapes ?? new Map()
  let numbered = memory?.numbered ?? 0
  const newNumber = () => {
    numbered += 1
    return numbered
  }
  const files = new Map<string, FileMemory>()
  const named = new Map<string, number>()
  const placed: PlacedFile[] = []
  const sources: SourceFile[] = []
  const places: FilePlaces[] = []
  const diagnostics: Diagnostic[] = []
  for (const file of [...inOrder(given), library]) {
    const made = makeSourceFile(sources.length, file.path, file.text)
    // Two files of one name are two files: an item has one number, one file and one place.
    const name = keyOf(file)
    const earlier = named.get(name) ?? 0
    named.set(name, earlier + 1)
    const key = `${name}${earlier}`
    const parsed = parseAgain(made.source, memory?.files.get(key), { shapes, newNumber })
    files.set(key, parsed.memory)
    const { items, starts } = parsed.memory
    places.push({ file: made.source.id, items: items.map(({ number }) => number), starts })
    sources.push(made.source)
    placed.push({ ...placeOf(file), items: sortItems(items.flatMap(({ item }) => item ?? [])) })
    diagnostics.push(...made.diagnostics, ...parsed.diagnostics)
  }
  return { placed, sources, places, diagnostics, memory: { shapes, files, numbered } }
}

const library: PolicyFile & { readonly module?: string } = {
  path: identityPath,
  text: identityLibrary,
  layer: 'platform',
  module: identityPath,
}

/** All but the text: what is kept of a file must not keep an old text alive. */
const placeOf = ({ text: _, ...place }: PolicyFile & { readonly module?: string }): Omit<PlacedFile, 'items'> => place

const keyOf = ({ path, layer, organization }: PolicyFile): string =>
  JSON.stringify([path, layer ?? null, organization ?? null])

/** The same file twice is one file. */
function inOrder(files: readonly PolicyFile[]): readonly PolicyFile[] {
  const read = files.map((file) => ({ ...file, text: textOf(file), file, key: keyOf(file) }))
  read.sort((a, b) => compare(a.key, b.key) || compare(a.text, b.text))
  return read
    .filter(({ key, text }, at) => read[at - 1]?.key !== key || read[at - 1]?.text !== text)
    .map(({ file }) => file)
}

const textOf = ({ text }: PolicyFile): string => (typeof text === 'string' ? text : new TextDecoder().decode(text))

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
