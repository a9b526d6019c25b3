import { compareCodePoints } from '../builtins/code-points.ts'

/** Ids in order of code point, in chunks: one that comes or goes moves a thousand others at most. */
export type SortedIds = {
  add(id: string): void
  remove(id: string): void
  /** At most `count` ids that follow `after`; from the first where it is undefined. */
  after(after: string | undefined, count: number): string[]
}

const chunkSize = 1_000

export function createSortedIds(ids: string[]): SortedIds {
  sortIds(ids)
  const chunks: string[][] = []
  for (let at = 0; at < ids.length; at += chunkSize) chunks.push(ids.slice(at, at + chunkSize))
  /** The chunk in which the id stands or would stand. */
  const chunkOf = (id: string): number => {
    let [low, high] = [0, chunks.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareCodePoints(chunks[middle]?.at(-1) ?? '', id) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
  return {
    add(id) {
      const at = Math.min(chunkOf(id), chunks.length - 1)
      const chunk = chunks[at]
      if (!chunk) {
        chunks.push([id])
        return
      }
      const place = placeOf(chunk, id)
      if (chunk[place] === id) return
      chunk.splice(place, 0, id)
      if (chunk.length > 2 * chunkSize) chunks.splice(at + 1, 0, chunk.splice(chunkSize))
    },
    remove(id) {
      const at = chunkOf(id)
      const chunk = chunks[at]
      const place = chunk ? placeOf(chunk, id) : -1
      if (chunk?.[place] !== id) return
      chunk.splice(place, 1)
      if (chunk.length === 0) chunks.splice(at, 1)
    },
    after(after, count) {
      const found: string[] = []
      let at = after === undefined ? 0 : chunkOf(after)
      const first = chunks[at]
      let place = after === undefined || !first ? 0 : placeOf(first, after)
      if (after !== undefined && first?.[place] === after) place += 1
      for (let chunk = first; chunk && found.length < count; chunk = chunks[at]) {
        found.push(...chunk.slice(place, place + count - found.length))
        place = 0
        at += 1
      }
      return found
    },
  }
}

/** In place. UTF-16 order is order by code point where no surrogates stand. */
export function sortIds(ids: string[]): string[] {
  return ids.some((id) => /[\ud800-\udfff]/.test(id)) ? ids.sort(compareCodePoints) : ids.sort()
}

/** Sorted ids with others that may stand among them already; the part after `after`. */
export function mergeIds(
  sorted: readonly string[],
  others: Iterable<string>,
  { after, count }: { readonly after: string | undefined; readonly count: number },
): readonly string[] {
  const wanted = [...others].filter((id) => after === undefined || compareCodePoints(id, after) > 0)
  const merged = wanted.length === 0 ? sorted : sortIds([...new Set([...sorted, ...wanted])])
  return merged.length > count ? merged.slice(0, count) : merged
}

/** Where the id stands in the chunk, or would. */
function placeOf(chunk: readonly string[], id: string): number {
  let [low, high] = [0, chunk.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareCodePoints(chunk[middle] ?? '', id) < 0) low = middle + 1
    else high = middle
  }
  return low
}
