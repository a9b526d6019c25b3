import type { Diagnostic } from '../source/diagnostic.ts'
import { limits } from '../source/limits.ts'
import { createLocate, locateDiagnostic } from '../source/places.ts'
import type { SourceFile } from '../source/span.ts'
import type { ShapeCache } from './derive.ts'
import { type ParsedItem, parseItem, readItems } from './parse.ts'

/** An item with its number in the set: spans inside it name the number and count from the beginning of its text. */
export type NumberedItem = ParsedItem & { readonly number: number; readonly text: string }

/** What a parse leaves for the next one of the same file. */
export type FileMemory = {
  readonly text: string
  readonly items: readonly NumberedItem[]
  /** Where each item begins. */
  readonly starts: readonly number[]
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
  const starts: number[] = []
  const take = createSupply(known)
  const { diagnostics, trailing } = readItems(source, ({ start, end }) => {
    const text = source.text.slice(start, end)
    const item = take(text) ?? readNew(source.path, text, parsing)
    items.push(item)
    starts.push(start)
    if (item.diagnostics.length === 0) return item.diagnostics
    const locate = createLocate([{ file: source.id, items: [item.number], starts: [start] }])
    return item.diagnostics.map((found) => locateDiagnostic(found, locate))
  })
  const isWithoutMistake = diagnostics.length === 0
  const isClosed = trailing === source.text.length
  return { diagnostics, isClosed, memory: { text: source.text, items, starts, isWithoutMistake } }
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
  const { items, starts } = previous
  const { start, end, moved } = edited(text, previous.text)
  // Where an item ends is known once the next one begins, so the one above the edit is read again.
  const first = Math.max(0, countUpTo(starts, start) - 2)
  const from = first === 0 ? 0 : (starts[first] ?? 0)
  // The line that begins the first item below must be whole.
  const next = Math.max(first, countUpTo(starts, end))
  const to = next < starts.length ? (starts[next] ?? 0) + moved : text.length
  const between = { id: source.id, path: source.path, text: text.slice(from, to) }
  const { memory: read, isClosed } = parseItems(between, items.slice(first, next), parsing)
  const count = first + read.items.length + items.length - next
  const isCut = next < starts.length && !isClosed
  if (!read.isWithoutMistake || isCut || count > limits.itemsPerFile) return undefined
  const memory = {
    text,
    items: items.slice(0, first).concat(read.items, items.slice(next)),
    starts: starts.slice(0, first).concat(movedBy(read.starts, from), movedBy(starts.slice(next), moved)),
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

/** How many of ascending numbers are at most this. */
function countUpTo(ascending: readonly number[], most: number): number {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ascending[middle] ?? 0) <= most) low = middle + 1
    else high = middle
  }
  return low
}

const movedBy = (starts: readonly number[], by: number): readonly number[] =>
  by === 0 ? starts : starts.map((start) => start + by)

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
