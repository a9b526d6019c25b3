import type { Diagnostic } from '../source/diagnostic.ts'
import { createLocate, locateDiagnostic, type Place } from '../source/places.ts'
import type { SourceFile } from '../source/span.ts'
import type { ShapeCache } from './derive.ts'
import { type ParsedItem, parseItem, readItems } from './parse.ts'

/** An item with its number in the set: spans inside it name the number and count from the beginning of its text. */
export type NumberedItem = ParsedItem & { readonly number: number; readonly text: string }

/** What a parse leaves for the next one of the same file. */
export type FileMemory = readonly NumberedItem[]

/** What the files of a compilation share. */
export type Parsing = {
  readonly shapes: ShapeCache
  /** A number that no item of the set has, nor had. */
  readonly newNumber: () => number
}

export type PlacedItems = {
  readonly items: readonly NumberedItem[]
  readonly places: readonly Place[]
  /** Located. */
  readonly diagnostics: readonly Diagnostic[]
}

/** Parses a file of which an earlier text is known: items whose text stood there already are taken over, moved or not. */
export function parseAgain(source: SourceFile, previous: FileMemory, parsing: Parsing): PlacedItems {
  const items: NumberedItem[] = []
  const places: Place[] = []
  const take = createSupply(previous)
  const { diagnostics } = readItems(source, ({ start, end }) => {
    const text = source.text.slice(start, end)
    const item = take(text) ?? readNew(source.path, text, parsing)
    const place = { item: item.number, file: source.id, start }
    items.push(item)
    places.push(place)
    if (item.diagnostics.length === 0) return item.diagnostics
    const locate = createLocate([place])
    return item.diagnostics.map((found) => locateDiagnostic(found, locate))
  })
  return { items, places, diagnostics }
}

/** The item as a text of its own, under a number of its own. */
function readNew(path: string, slice: string, { shapes, newNumber }: Parsing): NumberedItem {
  // A slice would keep the whole file alive for as long as this one item stays unchanged.
  const text = Buffer.from(slice, 'utf16le').toString('utf16le')
  const number = newNumber()
  return { number, text, ...parseItem({ id: number, path, text }, { start: 0, end: text.length }, shapes) }
}

/** How far ahead the next known item is sought, and how many new items there may be, before all known ones are sought by text. */
const near = 8

/** Gives out known items by their text, each once, and quickly where they are asked for in their old order. */
function createSupply(known: FileMemory): (text: string) => NumberedItem | undefined {
  let next = 0
  let misses = 0
  const left: NumberedItem[] = []
  let byText: ReadonlyMap<string, NumberedItem[]> | undefined
  return (text) => {
    if (byText) return byText.get(text)?.shift()
    for (let at = next; at < Math.min(next + near, known.length); at += 1) {
      const item = known[at]
      if (item?.text !== text) continue
      left.push(...known.slice(next, at))
      next = at + 1
      return item
    }
    misses += 1
    if (misses > near) {
      byText = Map.groupBy([...left, ...known.slice(next)], (item) => item.text)
      return byText.get(text)?.shift()
    }
    return undefined
  }
}
