import type { Literal, Mark, Name } from '../ast/nodes.ts'
import { hardWords } from '../source/lex.ts'
import {
  type GrammarSymbol,
  literal,
  lower,
  many,
  nonterminal,
  optional,
  rule,
  same,
  sign,
  string,
  type Terminal,
  upper,
  word,
} from './notation.ts'

/** A keyword, hard or soft. */
export const keyword = (text: string): Terminal<unknown> => word(text, hardWords)

/** A name of either case: what an import lists, what follows `.`. */
export const anyName = nonterminal<Name>('any name', 'a name')
/** `a.b.c` */
export const dotted = nonterminal<Name[]>('dotted name', 'a name')
export const literalValue = nonterminal<Literal>('literal', 'a literal')
export const mark = nonterminal<Mark>('mark', '`@`')
export const marks = many(mark)

export const wordRules = [
  same(anyName, lower),
  same(anyName, upper),
  rule(dotted, [lower]).makes(([first]) => [first]),
  rule(dotted, [dotted, sign('.'), anyName]).makes(([path, , name]) => {
    path.push(name)
    return path
  }),

  same<Literal>(literalValue, string),
  same(literalValue, literal<Literal>('int', 'a number')),
  same(literalValue, literal<Literal>('decimal', 'a number')),
  same(literalValue, literal<Literal>('duration', 'a duration')),
  same(literalValue, literal<Literal>('time', 'a time')),
  rule(literalValue, [keyword('true')]).makes((_, span) => ({ kind: 'bool', value: true, span })),
  rule(literalValue, [keyword('false')]).makes((_, span) => ({ kind: 'bool', value: false, span })),

  rule(mark, [sign('@'), lower]).makes(([, name], span) => ({ name, span })),
  rule(mark, [sign('@'), lower, sign('('), literalValue, sign(')')]).makes(([, name, , value], span) => ({
    name,
    value,
    span,
  })),
]

/** `word` followed by something, or nothing at all. */
export function optionalAfter<T>(before: string, symbol: GrammarSymbol<T>) {
  const head = nonterminal<T>(`${before} ${symbol.kind === 'nonterminal' ? symbol.name : symbol.says}`)
  return optional({ ...head, rules: [rule(head, [keyword(before), symbol]).makes(([, value]) => value)] })
}
