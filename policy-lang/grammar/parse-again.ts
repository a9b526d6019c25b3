import type { Diagnostic } from '../source/diagnostic.ts'
import { limits } from '../source/limits.ts'
import { createLocate, locateDiagnostic, type Place } from '../source/places.ts'
import type { SourceFile } from '../source/span.ts'
import type { ShapeCache } from './derive.ts'
import { type ParsedItem, parseItem, readItems } from './parse.ts'

/** An item with its number in the set: spans inside it name the number and count from the beginning of its text. */
export type NumberedItem = ParsedItem & { readonly number: number; readonly text: string }

/** What a parse leaves for the next one of the same file. */
export type FileMemory = {
  readonly text: string
  readonly items: readonly NumberedItem[]
  /** Of the items. */
  readonly places: readonly Place[]
  readonly isWithoutMistake: boolean
}

/** What the files of a compilation share. */
export type Parsing = {
  readonly shapes: ShapeCache
  /** A number that no item of the set has, nor had. */
  readonly newNumber: () => number
}

export type PlacedItems = {
  /** Located. */
  readonly diagnostics: readonly Diagnostic[]
  readonly memory: FileMemory
}

/** Parses a file of which an earlier text is known: items whose text stood there already are taken over, moved or not. */
export function parseAgain(source: SourceFile, previous: FileMemory | undefined, parsing: Parsing): PlacedItems {
  return (previous && parseEdit(source, previous, parsing)) ?? parseItems(source, previous?.items ?? [], parsing)
}

function parseItems(source: SourceFile, known: readonly NumberedItem[], parsing: Parsing): PlacedItems & Ending {
  const items: NumberedItem[] = []
  const places: Place[] = []
  const take = createSupply(known)
  const { diagnostics, trailing } = readItems(source, ({ start, end }) => {
    const text = source.text.slice(start, end)
    const item = take(text) ?? readNew(source.path, text, parsing)
    const place = { item: item.number, file: source.id, start }
    items.push(item)
    places.push(place)
    if (item.diagnostics.length === 0) return item.diagnostics
    const locate = createLocate([place])
    return item.diagnostics.map((found) => locateDiagnostic(found, locate))
  })
  const isWithoutMistake = diagnostics.length === 0
  const isClosed = trailing === source.text.length
  return { diagnostics, isClosed, memory: { text: source.text, items, places, isWithoutMistake } }
}

/** No comment at the end waits for an item below it. */
type Ending = { readonly isClosed: boolean }

/**
 * The same where text before and after an edit stays as it was, all without mistakes: only what is between is read. Undefined
 * where that does not do.
 */
function parseEdit(source: SourceFile, previous: FileMemory, parsing: Parsing): PlacedItems | undefined {
  const { text } = source
  if (!previous.isWithoutMistake || text.length > limits.sourceLength) return undefined
  const { items, places } = previous
  const { start, end, moved } = edited(text, previous.text)
  // Where an item ends is known once the next one begins, so the one above the edit is read again.
  const first = Math.max(0, placesUpTo(places, start) - 2)
  const from = first === 0 ? 0 : (places[first]?.start ?? 0)
  // The line that begins the first item below must be whole.
  const next = Math.max(first, placesUpTo(places, end))
  const to = next < places.length ? (places[next]?.start ?? 0) + moved : text.length
  const between = { id: source.id, path: source.path, text: text.slice(from, to) }
  const read = parseItems(between, items.slice(first, next), parsing)
  const count = first + read.memory.items.length + items.length - next
  const isCut = next < places.length && !read.isClosed
  if (!read.memory.isWithoutMistake || isCut || count > limits.itemsPerFile) return undefined
  const memory = {
    text,
    items: [...items.slice(0, first), ...read.memory.items, ...items.slice(next)],
    places: [
      ...movedBy(places.slice(0, first), 0, source.id),
      ...movedBy(read.memory.places, from, source.id),
      ...movedBy(places.slice(next), moved, source.id),
    ],
    isWithoutMistake: true,
  }
  return { diagnostics: [], memory }
}

/** The part of the old text that is not in the new one, and how far what follows it has moved. */
function edited(text: string, old: string): { readonly start: number; readonly end: number; readonly moved: number } {
  const moved = text.length - old.length
  const shorter = Math.min(text.length, old.length)
  let start = 0
  while (start + block <= shorter && text.slice(start, start + block) === old.slice(start, start + block))
    start += block
  while (start < shorter && text.charCodeAt(start) === old.charCodeAt(start)) start += 1
  // What is counted as beginning is not counted as end.
  const least = start + Math.max(0, -moved)
  let end = old.length
  while (end - block >= least && old.slice(end - block, end) === text.slice(end - block + moved, end + moved))
    end -= block
  while (end > least && text.charCodeAt(end + moved - 1) === old.charCodeAt(end - 1)) end -= 1
  return { start, end, moved }
}

/** Stretches of this many characters are compared at once. */
const block = 4096

/** How many items begin at or before an offset. */
function placesUpTo(places: readonly Place[], offset: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((places[middle]?.start ?? 0) <= offset) low = middle + 1
    else high = middle
  }
  return low
}

const movedBy = (places: readonly Place[], by: number, file: number): readonly Place[] =>
  by === 0 && places[0]?.file === file ? places : places.map(({ item, start }) => ({ item, file, start: start + by }))

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
function createSupply(known: readonly NumberedItem[]): (text: string) => NumberedItem | undefined {
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
