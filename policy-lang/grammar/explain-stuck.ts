import { diagnostic } from '../source/codes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import type { Token } from '../source/lex.ts'
import type { SourceFile } from '../source/span.ts'
import type { grammars } from './grammars.ts'

export function explainStuck(
  source: SourceFile,
  _start: keyof typeof grammars,
  tokens: readonly Token[],
  at: number,
): Diagnostic {
  const token = tokens[at] ?? tokens.at(-1)
  const span = { file: source.id, start: token?.start ?? 0, end: token?.end ?? 0 }
  return at < tokens.length
    ? diagnostic('F1021', span, `unexpected \`${token?.text}\``)
    : diagnostic('F1022', span, 'this item ends too early')
}
