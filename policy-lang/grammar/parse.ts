import type { Comment, Expr, FileNode, Item } from '../ast/nodes.ts'
import { checkCharacters } from '../source/check-characters.ts'
import { diagnostic } from '../source/codes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import { type Lexed, lex } from '../source/lex.ts'
import { limits } from '../source/limits.ts'
import type { SourceFile, Span } from '../source/span.ts'
import { type Chunk, split } from '../source/split.ts'
import { build } from './build.ts'
import { checkNesting } from './check-nesting.ts'
import { derive, type ShapeCache } from './derive.ts'
import { explainStuck } from './explain-stuck.ts'
import type { grammars } from './grammars.ts'
import { findItemKind } from './item-kind.ts'

/** One item as it was read; what is wrong with it, if anything. */
export type ParsedItem = { readonly item?: Item; readonly diagnostics: readonly Diagnostic[] }
export type ParsedFile = { readonly file: FileNode; readonly diagnostics: Diagnostic[] }

/** Parses one policy file, item by item (SPEC 2): what is wrong with one item hides nothing in the others. */
export function parseFile(source: SourceFile, shapes: ShapeCache = new Map()): ParsedFile {
  const items: Item[] = []
  const { diagnostics, trailing } = readItems(source, (chunk) => {
    const parsed = parseItem(source, chunk, shapes)
    if (parsed.item) items.push(parsed.item)
    return parsed.diagnostics
  })
  const rest = trailing === undefined ? undefined : lex(source, trailing, source.text.length)
  const comments = rest ? inOrder([...rest.comments, ...rest.docs.map((doc) => doc.comment)]) : []
  return { file: { file: source.id, items, trailing: comments }, diagnostics }
}

/**
 * Cuts a file into items and has each read by `read`, which answers what is wrong with it. Where too much is wrong the rest
 * is not read, and where the file is too large, nothing.
 */
export function readItems(
  source: SourceFile,
  read: (chunk: Chunk) => readonly Diagnostic[],
): { readonly diagnostics: Diagnostic[]; readonly trailing?: number } {
  const tooLarge = checkSize(source)
  if (tooLarge) return { diagnostics: [tooLarge] }
  const cut = split(source)
  const diagnostics: Diagnostic[] = [...checkCharacters(source), ...cut.diagnostics]
  for (const chunk of cut.chunks) {
    if (diagnostics.length >= limits.errorsPerFile) {
      const span = { file: source.id, start: chunk.start, end: chunk.start }
      const message = `the rest of this file is not read: it has ${limits.errorsPerFile} errors or more`
      diagnostics.push(diagnostic('F8006', span, message))
      break
    }
    if (!chunk.refused) diagnostics.push(...read(chunk))
  }
  return { diagnostics, trailing: cut.trailing }
}

/** Parses one expression, as in a claims mapping; column 1 means nothing here. */
export function parseExpression(source: SourceFile): {
  readonly expression?: Expr
  readonly diagnostics: Diagnostic[]
} {
  const tooLarge = checkSize(source)
  if (tooLarge) return { diagnostics: [tooLarge] }
  const characters = checkCharacters(source)
  if (characters.length > 0) return { diagnostics: characters }
  const made = parseTokens(source, lex(source, 0, source.text.length), 'expression', new Map())
  // The grammar `expression` makes an Expr.
  return made.value === undefined
    ? { diagnostics: made.diagnostics }
    : { expression: made.value as Expr, diagnostics: made.diagnostics }
}

/** Reads the one item that stands between two offsets. */
export function parseItem(
  source: SourceFile,
  { start, end }: Pick<Chunk, 'start' | 'end'>,
  shapes: ShapeCache,
): ParsedItem {
  const lexed = lex(source, start, end)
  if (lexed.diagnostics.length > 0) return { diagnostics: lexed.diagnostics }
  const kind = findItemKind(source, lexed.tokens)
  if (kind.problem) return { diagnostics: [kind.problem] }
  const made = parseTokens(source, lexed, kind.words, shapes)
  if (made.value === undefined) return { diagnostics: made.diagnostics }
  // Each grammar of `itemKinds` makes an Item.
  const item = made.value as Item
  const comments = inOrder([...lexed.comments, ...made.looseDocs])
  return {
    item: {
      ...item,
      leading: comments.filter((comment) => comment.span.start < item.span.start),
      comments: comments.filter((comment) => comment.span.start > item.span.start),
    },
    diagnostics: made.diagnostics,
  }
}

type Made = { value?: unknown; diagnostics: Diagnostic[]; looseDocs: Comment[] }

function parseTokens(source: SourceFile, lexed: Lexed, start: keyof typeof grammars, shapes: ShapeCache): Made {
  const { tokens } = lexed
  const diagnostics: Diagnostic[] = [...lexed.diagnostics]
  const looseDocs: Comment[] = []
  if (diagnostics.length > 0) return { diagnostics, looseDocs }
  const nesting = checkNesting(source, tokens)
  if (nesting) return { diagnostics: [nesting], looseDocs }

  const derived = derive(start, tokens, shapes)
  if ('stuckAt' in derived) return { diagnostics: [explainStuck(source, start, tokens, derived)], looseDocs }
  if (derived.parses > 1) {
    const span = { file: source.id, start: tokens[0]?.start ?? 0, end: tokens.at(-1)?.end ?? 0 }
    return { diagnostics: [diagnostic('F1028', span, 'this can be read in two ways: add parentheses')], looseDocs }
  }
  const docs = docsByOffset(lexed)
  const value = build(derived.steps, tokens, {
    file: source.id,
    report: (problem) => diagnostics.push(problem),
    takeDoc(offset) {
      const lines = docs.get(offset)
      docs.delete(offset)
      return lines?.map((line) => line.text.replace(/^\/\/\/ ?/, '')).join('\n')
    },
  })
  for (const lines of docs.values()) looseDocs.push(...lines)
  return { value, diagnostics, looseDocs }
}

function docsByOffset({ docs, tokens }: Lexed): Map<number, Comment[]> {
  const found = new Map<number, Comment[]>()
  for (const { before, comment } of docs) {
    const offset = tokens[before]?.start ?? Number.POSITIVE_INFINITY
    const lines = found.get(offset)
    if (lines) lines.push(comment)
    else found.set(offset, [comment])
  }
  return found
}

function checkSize(source: SourceFile): Diagnostic | undefined {
  const length = source.text.length
  if (length <= limits.sourceLength) return undefined
  const span: Span = { file: source.id, start: 0, end: 0 }
  const message = `this file has ${length} characters, more than ${limits.sourceLength}`
  return diagnostic('F8001', span, message, { help: 'split it into several files' })
}

const inOrder = (comments: Comment[]) => comments.sort((a, b) => a.span.start - b.span.start)
