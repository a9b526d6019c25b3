import type { Token } from '../source/lex.ts'
import type { Span } from '../source/span.ts'
import { rules } from './grammars.ts'
import type { Building } from './notation.ts'

/** A value on the stack with the tokens that it covers; `first` > `last` where it covers none. */
type Part = { readonly value: unknown; readonly first: number; readonly last: number }

/** Makes the tree that the steps of `derive` describe from these tokens. Needs no recursion, however deep the tree. */
export function build(steps: Int32Array, tokens: readonly Token[], building: Building): unknown {
  const stack: Part[] = []
  for (const step of steps) {
    if (step >= 0) {
      stack.push({ value: readToken(tokens[step], building.file), first: step, last: step })
      continue
    }
    const rule = rules[-step - 1]
    const parts = stack.splice(stack.length - (rule?.symbols.length ?? 0))
    const covering = parts.filter((part) => part.first <= part.last)
    const first = covering[0]?.first ?? 0
    const last = covering.at(-1)?.last ?? -1
    const span = { file: building.file, start: tokens[first]?.start ?? 0, end: tokens[last]?.end ?? 0 }
    const values = parts.map((part) => part.value)
    stack.push({ value: rule?.build?.(values, span, building), first, last })
  }
  return stack[0]?.value
}

/** Names and literals as the tree holds them; of words and signs only that they are there. */
function readToken(token: Token | undefined, file: number): unknown {
  if (!token) return undefined
  if (token.literal) return token.literal
  const span: Span = { file, start: token.start, end: token.end }
  return token.type === 'lower' || token.type === 'upper' ? { text: token.text, span } : span
}
