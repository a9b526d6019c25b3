import { type Builtin, wrongType } from './builtin.ts'
import { bool, isText, string } from './primitive-types.ts'
import { matchesWildcards } from './wildcards.ts'

export const like: Builtin = {
  name: 'like',
  method: 'like',
  receiver: 'string',
  parameters: 1,
  expects: () => string,
  literals: [1],
  signature: ([text, pattern]) => (isText(text) && pattern?.kind === 'string' ? bool : undefined),
  evaluate: ([text, pattern]) =>
    typeof text === 'string' && typeof pattern === 'string' ? matchesWildcards(text, pattern) : wrongType,
  docs: '`text.like("a*b")`: `*` stands for any text, `\\*` for itself; the pattern is a literal',
}
