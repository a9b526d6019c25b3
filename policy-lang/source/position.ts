/** Line and column of an offset, both from 1; columns count code points, as editors show them. */
export type Position = { readonly line: number; readonly column: number }

/** Offsets at which the lines of a text begin. */
export function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** Finds the place of an offset by halving; an offset past the end is the end. */
export function positionOf(text: string, starts: readonly number[], offset: number): Position {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= offset) low = middle
    else high = middle - 1
  }
  const before = text.slice(starts[low] ?? 0, offset)
  return { line: low + 1, column: codePoints(before) + 1 }
}

/** Counts without making an array: a line may be long. */
function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}
