import type { SourceFile, Span } from '../source/span.ts'
import { print } from './layout.ts'
import { markText, type Written } from './layout-expression.ts'
import { piecesOf, type Unit } from './layout-item.ts'
import type { Comment, FileNode, Item } from './nodes.ts'

/** Lines are broken at this width where the text allows. */
const lineWidth = 120
/** Comments after code begin in this column, or two spaces after longer code. */
const commentColumn = 51

type Line = { readonly text: string; readonly blankAbove: boolean }
type Placed = { readonly unit: Unit; readonly above: Comment[]; trailing?: Comment }

/**
 * Writes a tree in the one canonical form (SPEC 2): sorted clauses, two spaces, marks above their item, every comment kept.
 * With the `source` of the tree, numbers and strings stay as written and the author's blank lines stay; without one, items
 * are set apart by one blank line.
 */
export function formatTree(file: FileNode, source?: SourceFile): string {
  const blocks = file.items.map((item) => formatItem(item, source))
  const trailing = file.trailing.map((comment) => commentLine(comment, 0, source))
  if (trailing.length > 0) blocks.push(trailing)
  let out = ''
  let previous: readonly Line[] | undefined
  for (const [index, block] of blocks.entries()) {
    const forced = source === undefined || (isTall(file.items[index]) && isTall(file.items[index - 1]))
    for (const [row, line] of block.entries()) {
      const apart = row === 0 ? previous !== undefined && (forced || line.blankAbove) : line.blankAbove
      out += `${apart ? '\n' : ''}${line.text}\n`
    }
    previous = block
  }
  return out
}

/** Items that are set apart from each other whatever the author did. */
function isTall(item: Item | undefined): boolean {
  return item?.kind === 'rule' || item?.kind === 'entity' || item?.kind === 'test' || item?.kind === 'delegate'
}

function formatItem(item: Item, source: SourceFile | undefined): Line[] {
  const written = writtenIn(source)
  const { units, closer } = piecesOf(item, written)
  const marks: Unit[] = item.marks.map((mark) => ({
    span: mark.span,
    layout: markText(mark, written),
    margin: 0,
    spaced: false,
  }))
  const [head, ...rest] = units
  const start = marks.at(-1)?.span.end ?? item.span.start
  const all = [...marks, ...(head ? [{ ...head, span: { ...head.span, start } }] : []), ...rest]
  const { placed, after } = place(all, item.comments, source)

  const lines: Line[] = item.leading.map((comment) => commentLine(comment, 0, source))
  // Without marks nothing parts the comments above the head from those above the item.
  const above = marks.length === 0 ? (placed[0]?.above.splice(0) ?? []) : []
  lines.push(...above.map((comment) => commentLine(comment, 0, undefined)))
  if (item.doc !== undefined) lines.push(...docLines(item.doc, 0, blankAboveDoc(item.span, source)))

  const isEmptyBody = closer !== undefined && rest.length === 0 && after.length === 0 && !placed.at(-1)?.trailing
  for (const [index, one] of placed.entries()) {
    const isFirstInner = index <= marks.length + 1
    const printed = unitLines(one, source, isFirstInner)
    lines.push(...(isEmptyBody && index === marks.length ? closeOnLine(printed) : printed))
  }
  lines.push(
    ...after.map((comment, index) => commentLine(comment, 2, index === 0 && rest.length === 0 ? undefined : source)),
  )
  if (closer && !isEmptyBody) lines.push({ text: closer, blankAbove: false })
  const [top, ...others] = lines
  const isApart = item.doc === undefined ? blankLineAbove(item.span.start, source) : blankAboveDoc(item.span, source)
  return top && item.leading.length === 0 ? [{ ...top, blankAbove: isApart }, ...others] : lines
}

function closeOnLine(lines: readonly Line[]): Line[] {
  return lines.map((line, index) => (index === lines.length - 1 ? { ...line, text: `${line.text} }` } : line))
}

/** Gives each comment to the unit that it stands at: after code on its line, else above what follows. */
function place(units: readonly Unit[], comments: readonly Comment[], source: SourceFile | undefined) {
  const placed: Placed[] = units.map((unit) => ({ unit, above: [] }))
  const byPlace = [...placed].sort((a, b) => a.unit.span.start - b.unit.span.start)
  const after: Comment[] = []
  for (const comment of comments) {
    const before = byPlace.findLast((one) => one.unit.span.start < comment.span.start)
    if (before && !ownLine(comment, source)) {
      const follows = comment.span.start >= before.unit.span.end || byPlace.length === 1
      if (follows && !before.trailing) before.trailing = comment
      else before.above.push(comment)
      continue
    }
    const next = byPlace.find((one) => one.unit.span.end > comment.span.start)
    if (next) next.above.push(comment)
    else after.push(comment)
  }
  return { placed, after }
}

function unitLines({ unit, above, trailing }: Placed, source: SourceFile | undefined, isFirst: boolean): Line[] {
  const spaced = unit.spaced ? source : undefined
  const lines: Line[] = above.map((comment) => commentLine(comment, unit.margin, spaced))
  if (unit.doc !== undefined) lines.push(...docLines(unit.doc, unit.margin, blankAboveDoc(unit.span, spaced)))
  const text = ' '.repeat(unit.margin) + print(unit.layout, unit.margin, lineWidth)
  const blankAbove = unit.doc === undefined && blankLineAbove(unit.span.start, spaced)
  lines.push({ text: trailing ? withComment(text, trailing) : text, blankAbove })
  const [top, ...others] = lines
  return top && isFirst ? [{ ...top, blankAbove: false }, ...others] : lines
}

function withComment(text: string, comment: Comment): string {
  const last = text.slice(text.lastIndexOf('\n') + 1)
  const gap = last.length + 2 > commentColumn ? 2 : commentColumn - last.length
  return `${text}${' '.repeat(gap)}${plainComment(comment)}`
}

function commentLine(comment: Comment, margin: number, source: SourceFile | undefined): Line {
  const text = ' '.repeat(margin) + plainComment(comment)
  return { text, blankAbove: blankLineAbove(comment.span.start, source) }
}

/** A `///` that documents nothing stays a comment: at its new place it could become a document. */
const plainComment = (comment: Comment) => comment.text.replace(/^\/\/\/(?!\/)/, '//')

function docLines(doc: string, margin: number, blankAbove: boolean): Line[] {
  return doc.split('\n').map((line, index) => ({
    text: `${' '.repeat(margin)}///${line === '' ? '' : ` ${line}`}`,
    blankAbove: index === 0 && blankAbove,
  }))
}

function ownLine(comment: Comment, source: SourceFile | undefined): boolean {
  return !source || startsLine(source.text, comment.span.start)
}

function startsLine(text: string, offset: number): boolean {
  return text.slice(text.lastIndexOf('\n', offset - 1) + 1, offset).trim() === ''
}

/** Whether the line directly above this offset's line is blank. */
function blankLineAbove(offset: number, source: SourceFile | undefined): boolean {
  if (!source || !startsLine(source.text, offset)) return false
  return lineAbove(source.text, offset).text?.trim() === ''
}

/** The same for the first of the `///` lines above a documented unit. */
function blankAboveDoc(span: Span, source: SourceFile | undefined): boolean {
  if (!source) return false
  let top = span.start
  for (
    let above = lineAbove(source.text, top);
    above.text?.trimStart().startsWith('//');
    above = lineAbove(source.text, top)
  ) {
    top = above.start
  }
  return blankLineAbove(top, source)
}

function lineAbove(text: string, offset: number): { readonly start: number; readonly text?: string } {
  const end = text.lastIndexOf('\n', offset - 1)
  if (end < 0) return { start: 0 }
  const start = end === 0 ? 0 : text.lastIndexOf('\n', end - 1) + 1
  return { start, text: text.slice(start, end) }
}

/** Literals as their author wrote them. */
function writtenIn(source: SourceFile | undefined): Written {
  if (!source) return () => undefined
  return (literal) => source.text.slice(literal.span.start, literal.span.end)
}
