import { diagnostic } from '../source/codes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import type { Token } from '../source/lex.ts'
import type { SourceFile } from '../source/span.ts'
import { suggest } from '../source/suggest.ts'
import { type ItemWords, itemKinds } from './items.ts'

type Found = { readonly words: ItemWords; readonly problem?: never } | { readonly problem: Diagnostic }

/** Which item this is, by its first words; marks may stand before them. */
export function findItemKind(source: SourceFile, tokens: readonly Token[]): Found {
  const first = skipMarks(tokens)
  const token = tokens[first]
  if (!token) {
    const last = tokens.at(-1)
    const span = { file: source.id, start: last?.start ?? 0, end: last?.end ?? 0 }
    return { problem: diagnostic('F1022', span, 'marks stand above an item, and here is none') }
  }
  const words = [token.text, `${token.text} ${tokens[first + 1]?.text ?? ''}`].find(isItemWords)
  const span = { file: source.id, start: token.start, end: token.end }
  const opening = tokens[0]?.start ?? 0
  if (opening > 0 && source.text[opening - 1] !== '\n') {
    const help = words ? 'remove the spaces before it' : undefined
    return { problem: diagnostic('F1020', span, 'an item begins in column 1, and this line is indented', { help }) }
  }
  if (words) return { words }
  if (continuations.has(token.text)) {
    const message = `\`${token.text}\` continues an item, but column 1 begins a new one`
    return { problem: diagnostic('F1027', span, message, { help: 'indent this line' }) }
  }
  const second = secondWords.get(token.text)
  if (second) return { problem: diagnostic('F1020', span, `\`${token.text}\` is followed by ${second}`) }
  const meant = suggest(
    token.text,
    Object.keys(itemKinds).flatMap((kind) => kind.split(' ')),
  )
  const message = `\`${token.text}\` does not begin an item`
  const help = meant
    ? `did you mean \`${meant}\`?`
    : 'items begin with allow, deny, entity, action, fn, const, type, test, …'
  return { problem: diagnostic('F1020', span, message, { help }) }
}

const isItemWords = (words: string): words is ItemWords => Object.hasOwn(itemKinds, words)

function skipMarks(tokens: readonly Token[]): number {
  let index = 0
  while (tokens[index]?.type === '@') {
    index += 2
    if (tokens[index]?.type !== '(') continue
    while (index < tokens.length && tokens[index]?.type !== ')') index += 1
    index += 1
  }
  return index
}

const secondWords: ReadonlyMap<string, string> = new Map([
  ['extend', '`entity` or `action`'],
  ['extern', '`fn`'],
  ['sealed', '`allow` or `deny`'],
])

/** Words and signs that stand inside items only. */
const continuations: ReadonlySet<string> = new Set(
  'when unless because fields advise by via with scope implies within else let fact expect relation role never always from and or not } ) ]'.split(
    ' ',
  ),
)
