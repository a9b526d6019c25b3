import { diagnostic } from '../source/codes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import type { Token } from '../source/lex.ts'
import { limits } from '../source/limits.ts'
import type { SourceFile } from '../source/span.ts'

type Open = { readonly token: Token; operators: number }

/**
 * Looks over an item's brackets and bounds the height of its trees before anything is parsed: later stages walk trees by
 * recursion, and a hostile text must not end in a stack overflow (SPEC 1).
 */
export function checkNesting(source: SourceFile, tokens: readonly Token[]): Diagnostic | undefined {
  const open: Open[] = []
  /** Operators that the present token may be below: those of its own expression and of all brackets around it. */
  let height = 0
  let operators = 0
  let previous: Token | undefined
  for (const token of tokens) {
    const span = { file: source.id, start: token.start, end: token.end }
    if (endsExpression(previous, token)) {
      height -= operators
      operators = 0
    }
    if (token.type === '(' || token.type === '[' || token.type === '{') {
      if (open.length >= limits.bracketDepth) {
        const message = `brackets are nested more than ${limits.bracketDepth} deep`
        return diagnostic('F8004', span, message, { help: 'give inner parts names with `fn` or `const`' })
      }
      open.push({ token, operators: operators + 1 })
      height += 1
      operators = 0
    } else if (closers[token.type]) {
      const opener = open.pop()
      if (!opener || opener.token.type !== closers[token.type]) return mismatch(source, token, opener?.token)
      height -= operators
      operators = opener.operators
    } else if (deepening.has(token.type)) {
      height += 1
      operators += 1
      if (height > limits.treeDepth) {
        const message = `this expression has more than ${limits.treeDepth} operators`
        return diagnostic('F8004', span, message, { help: 'use a set and `in`, or give parts names with `fn`' })
      }
    }
    previous = token
  }
  const unclosed = open.at(-1)?.token
  if (!unclosed) return undefined
  const span = { file: source.id, start: unclosed.start, end: unclosed.end }
  return diagnostic('F1023', span, `this \`${unclosed.text}\` is never closed`, {
    help: 'an item ends where the next line begins in column 1: indent its lines',
  })
}

const closers: { readonly [closer: string]: string } = { ')': '(', ']': '[', '}': '{' }

/** Each puts what stands left or right of it one step deeper. */
const deepening: ReadonlySet<string> = new Set([
  ...['or', 'and', 'not', 'minus', 'has', 'if', 'then', 'else', 'in', 'is', 'any', 'all', 'count'],
  ...['??', '+', '-', '*', '.', '?.', '|', '<'],
])

/** Two operands side by side, or a comma: whatever was before is not around what follows. */
function endsExpression(previous: Token | undefined, token: Token): boolean {
  if (token.type === ',') return true
  return previous !== undefined && isOperand(token) && (isOperand(previous) || closers[previous.type] !== undefined)
}

const isOperand = (token: Token) =>
  token.type === 'lower' || token.type === 'upper' || token.literal !== undefined || clauseWords.has(token.type)

const clauseWords: ReadonlySet<string> = new Set(['when', 'unless', 'allow', 'deny', 'anyone', 'anonymous'])

function mismatch(source: SourceFile, token: Token, opener: Token | undefined): Diagnostic {
  const span = { file: source.id, start: token.start, end: token.end }
  if (!opener) return diagnostic('F1024', span, `this \`${token.text}\` closes nothing`)
  const at = { file: source.id, start: opener.start, end: opener.end }
  return diagnostic('F1024', span, `this \`${token.text}\` does not close the \`${opener.text}\` before it`, {
    notes: [{ message: `\`${opener.text}\` stands here`, span: at }],
  })
}
