import { diagnostic } from '../source/codes.ts'
import type { Span } from '../source/span.ts'
import { type Building, type GrammarSymbol, nonterminal, rule } from './notation.ts'
import { keyword } from './words.ts'

/** One clause of an item, before the item has collected them: clauses come in any order (SPEC 2). */
export type Clause<K extends string, T> = { readonly clause: K; readonly value: T; readonly span: Span }

/** `word value` as a clause. */
export function clause<const K extends string, T>(name: K, symbol: GrammarSymbol<T>) {
  const part = symbol.kind === 'nonterminal' ? symbol.name : symbol.says
  const head = nonterminal<Clause<K, T>>(`${name} clause: ${part}`)
  return {
    ...head,
    rules: [
      rule(head, [keyword(name), symbol]).makes(([, value], span): Clause<K, T> => ({ clause: name, value, span })),
    ],
  }
}

type Values<C extends Clause<string, unknown>, K extends C['clause']> = Extract<C, { clause: K }>['value'][]

/** Values of all clauses of one name, in the order written. */
export function every<C extends Clause<string, unknown>, const K extends C['clause']>(
  clauses: readonly C[],
  name: K,
): Values<C, K> {
  return clauses.filter((one): one is Extract<C, { clause: K }> => one.clause === name).map((one) => one.value)
}

/** The clause that may stand once, as a property to spread; a second one is reported. */
export function once<C extends Clause<string, unknown>, const K extends C['clause']>(
  clauses: readonly C[],
  name: K,
  building: Building,
): { readonly [P in K]?: Values<C, K>[number] } {
  const found = clauses.filter((one): one is Extract<C, { clause: K }> => one.clause === name)
  const [first, second] = found
  if (!first) return {}
  if (second) {
    building.report(
      diagnostic('F1026', second.span, `\`${name}\` stands twice`, {
        notes: [{ message: 'the first stands here', span: first.span }],
        help: 'write one clause',
      }),
    )
  }
  // `K` is one literal name: a mapped type over it is this object, which TypeScript cannot see.
  return { [name]: first.value } as { [P in K]: Values<C, K>[number] }
}
