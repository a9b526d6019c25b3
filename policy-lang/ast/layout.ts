/** Text that may break into lines: strings, places to break, and groups that break all of their own places or none. */
export type Layout =
  | string
  | { readonly kind: 'line'; readonly flat: '' | ' ' }
  | { readonly kind: 'group' | 'indent' | 'plain' | 'fill'; readonly parts: readonly Layout[]; readonly width: number }

/** A space, or a new line where the group breaks. */
export const line: Layout = { kind: 'line', flat: ' ' }
/** Nothing, or a new line where the group breaks. */
export const softLine: Layout = { kind: 'line', flat: '' }

export const group = (...parts: readonly Layout[]): Layout => ({ kind: 'group', parts, width: widthOf(parts) })
export const indent = (...parts: readonly Layout[]): Layout => ({ kind: 'indent', parts, width: widthOf(parts) })
export const plain = (...parts: readonly Layout[]): Layout => ({ kind: 'plain', parts, width: widthOf(parts) })
/** Every place to break is judged by itself: as many parts as fit stand on a line. */
export const fill = (...parts: readonly Layout[]): Layout => ({ kind: 'fill', parts, width: widthOf(parts) })

/** `a, b, c`, filled. */
export function commaFill(parts: readonly Layout[]): Layout {
  return fill(...parts.flatMap((part, index) => (index === 0 ? [part] : [',', line, part])))
}

/** Width on one line; kept in each node, so that nothing is measured twice. */
function widthOf(parts: readonly Layout[]): number {
  let width = 0
  for (const part of parts) width += flatWidth(part)
  return width
}

function flatWidth(part: Layout): number {
  if (typeof part === 'string') return part.length
  return part.kind === 'line' ? part.flat.length : part.width
}

type Task = { readonly layout: Layout; readonly indent: number; readonly mode: 'flat' | 'break' | 'fill' }

/** Prints with lines of at most `width` where the layout allows; `margin` is the indentation of the first line. */
export function print(layout: Layout, margin: number, width: number): string {
  let out = ''
  let column = margin
  const tasks: Task[] = [{ layout, indent: margin, mode: 'break' }]
  for (let task = tasks.pop(); task; task = tasks.pop()) {
    const { layout: now, indent: depth, mode } = task
    if (typeof now === 'string') {
      out += now
      column += now.length
    } else if (now.kind === 'line') {
      const breaks = mode === 'break' || (mode === 'fill' && column + now.flat.length + upcoming(tasks) > width)
      // SPEC 2: further lines of an item are indented; in column 1 a closing bracket would begin another.
      const start = Math.max(depth, 2)
      out += breaks ? `\n${' '.repeat(start)}` : now.flat
      column = breaks ? start : column + now.flat.length
    } else {
      const inner = now.kind === 'indent' ? depth + 2 : depth
      let next: Task['mode'] = mode
      if (now.kind === 'fill') next = mode === 'flat' ? 'flat' : 'fill'
      if (now.kind === 'group') next = column + now.width + upcoming(tasks, true) <= width ? 'flat' : 'break'
      // A group inside a group that fits is flat whatever it would say itself.
      if (mode === 'flat') next = 'flat'
      for (const part of now.parts.toReversed()) tasks.push({ layout: part, indent: inner, mode: next })
    }
  }
  return out
}

/** Width of what follows up to the next place where a line may break: with `textOnly`, of plain text alone. */
function upcoming(tasks: readonly Task[], textOnly = false): number {
  let width = 0
  for (let index = tasks.length - 1; index >= 0; index -= 1) {
    const task = tasks[index]
    if (!task) break
    if (textOnly && typeof task.layout !== 'string') return width
    const [more, ends] = widthToLine(task.layout, task.mode === 'flat')
    width += more
    if (ends) return width
  }
  return width
}

/** Width up to the first place to break in a layout, and whether it has one; a group counts as not breaking. */
function widthToLine(layout: Layout, isFlat: boolean): [width: number, ends: boolean] {
  if (typeof layout === 'string') return [layout.length, false]
  if (layout.kind === 'line') return isFlat ? [layout.flat.length, false] : [0, true]
  if (isFlat || layout.kind === 'group') return [layout.width, false]
  let width = 0
  for (const part of layout.parts) {
    const [more, ends] = widthToLine(part, false)
    width += more
    if (ends) return [width, true]
  }
  return [width, false]
}
