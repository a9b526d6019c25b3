import moo from 'moo'
import type { Comment, Literal } from '../ast/nodes.ts'
import { isRefused } from './check-characters.ts'
import { diagnostic } from './codes.ts'
import type { Diagnostic } from './diagnostic.ts'
import { limits } from './limits.ts'
import { readNumber, readString, readTime } from './literals.ts'
import type { SourceFile } from './span.ts'

/** One word, sign or literal. `type` is the sign or hard word itself, or one of the classes `lower upper string …`. */
export type Token = {
  readonly type: string
  readonly text: string
  readonly start: number
  readonly end: number
  readonly literal?: Literal
}

export type Lexed = {
  readonly tokens: readonly Token[]
  readonly comments: readonly Comment[]
  /** `///` lines, each with the index of the token that follows it. */
  readonly docs: readonly { readonly before: number; readonly comment: Comment }[]
  readonly diagnostics: readonly Diagnostic[]
}

/** Words that are never names, except after `.` and before `:` in braces (SPEC 2). */
export const hardWords: ReadonlySet<string> = new Set(
  'allow deny when unless and or not in is has any all count minus true false if then else anyone anonymous'.split(' '),
)

/** Reads the tokens of `source.text` between two offsets. Comments are kept aside, nothing is lost. */
export function lex(source: SourceFile, start: number, end: number): Lexed {
  const lexer = compiled.clone().reset(source.text.slice(start, end))
  const tokens: Token[] = []
  const comments: Comment[] = []
  const docs: { before: number; comment: Comment }[] = []
  const diagnostics: Diagnostic[] = []
  /** Open brackets, to know whether the innermost is a brace. */
  const open: string[] = []

  for (let raw = lexer.next(); raw; raw = lexer.next()) {
    const { type, text } = raw
    if (type === 'space') continue
    const at = start + raw.offset
    const span = { file: source.id, start: at, end: at + text.length }
    if (tokens.length >= limits.tokensPerItem) {
      const message = `an item may have ${limits.tokensPerItem} words and signs, and this one has more`
      diagnostics.push(diagnostic('F8005', span, message, { help: 'split it into several items' }))
      break
    }
    if (type === 'comment') {
      if (isDoc(text)) docs.push({ before: tokens.length, comment: { text: text.trimEnd(), span } })
      else comments.push({ text: text.trimEnd(), span })
    } else if (type === 'word') {
      tokens.push({ type: wordType(text, tokens), text, start: at, end: span.end })
    } else if (type === 'sign') {
      if (text === ':') asName(tokens, open.at(-1))
      if (text === '(' || text === '[' || text === '{') open.push(text)
      else if (text === ')' || text === ']' || text === '}') open.pop()
      tokens.push({ type: text, text, start: at, end: span.end })
    } else if (type === 'string' || type === 'time' || type === 'number') {
      const literal = readers[type](text, span, diagnostics)
      tokens.push({ type: literal.kind, text, start: at, end: span.end, literal })
    } else if (type === 'openString') {
      diagnostics.push(
        diagnostic('F1011', span, 'this string does not end on its line', { help: 'add the closing `"`' }),
      )
    } else if (!isRefused(text)) {
      diagnostics.push(foreignSign(text, span))
    }
  }
  return { tokens, comments, docs, diagnostics }
}

const readers = { string: readString, time: readTime, number: readNumber }

const isDoc = (text: string) => text.startsWith('///') && text[3] !== '/'

function wordType(text: string, before: readonly Token[]): string {
  const last = before.at(-1)?.type
  if (last !== '.' && last !== '?.' && hardWords.has(text)) return text
  return /^[A-Z]/.test(text) ? 'upper' : 'lower'
}

/** Before `:` (or `?:`) in braces every word is a name: turns a hard word that was just read into one. */
function asName(tokens: Token[], bracket: string | undefined): void {
  if (bracket !== '{') return
  const index = tokens.at(-1)?.type === '?' ? tokens.length - 2 : tokens.length - 1
  const word = tokens[index]
  if (word && hardWords.has(word.type)) tokens[index] = { ...word, type: 'lower' }
}

function foreignSign(text: string, span: { file: number; start: number; end: number }): Diagnostic {
  const help = foreign[text]
  const shown = text.length > 20 ? `${text.slice(0, 20)}…` : text
  return diagnostic('F1010', span, `\`${shown}\` is not part of the language`, {
    help: help ?? (/[^\p{ASCII}]/u.test(text) ? 'names are ASCII; @wire("…") gives the name in data' : undefined),
  })
}

/** What people coming from other languages write, and what they mean. */
const foreign: { readonly [sign: string]: string } = {
  '&&': 'write `and`',
  '||': 'write `or`',
  '!': 'write `not`',
  '===': 'write `==`',
  '!==': 'write `!=`',
  '<>': 'write `!=`',
  ';': 'remove it: newlines and `;` mean nothing here',
  "'": 'strings stand in double quotes',
  '`': 'strings stand in double quotes',
  '#': 'comments begin with `//`',
  '/*': 'comments begin with `//` and end with the line',
  '/': 'there is no division: pass a computed argument',
  '%': 'there is no remainder: pass a computed argument',
  '=>': 'write `=` for a definition, `>=` for a comparison',
  '->': 'write `:` before a type',
  '&': 'write `and`',
}

// @types/moo leaves out `clone`, which gives each reading a state of its own.
const compiled = moo.compile({
  space: { match: /[ \t\n]+/, lineBreaks: true },
  comment: /\/\/[^\n]*/,
  word: /[A-Za-z_][A-Za-z0-9_]*/,
  time: /[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt][0-9:]*(?:\.[0-9]*)?(?:[A-Za-z]+|[+-][0-9:]+)?)?/,
  number: /[0-9][0-9A-Za-z_]*(?:\.[0-9][0-9A-Za-z_]*)?/,
  string: /"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"/,
  openString: /"[^\n]*/,
  foreign: ['===', '!==', '&&', '||', '<>', '/*', '=>', '->'],
  // biome-ignore format: one row of signs
  sign: ['::', '?.', '??', '==', '!=', '<=', '>=', '<', '>', '=', '{', '}', '(', ')', '[', ']', ',', '.', ':', '?', '|', '+', '-', '*', '@'],
  other: /[^ -~\n\t]+|./,
}) as moo.Lexer & { clone(): moo.Lexer }
