import nearley from 'nearley'
import { allRules, expressionStart, type ItemWords, itemKinds } from './items.ts'
import { type GrammarSymbol, key, type Nonterminal, type Rule } from './notation.ts'

/** A node of a derivation: which rule, over which children. Children are derivations or tokens. */
export type Derivation = { readonly rule: number; readonly children: readonly (Derivation | ShapeToken)[] }
/** What nearley sees of a token: its class, and where it stood. No text of names or literals, so derivations can be shared. */
export type ShapeToken = { readonly type: string; readonly text: string; readonly index: number }

/** Every rule, those that travel with made symbols included; a derivation names rules by their place here. */
export const rules: readonly Rule[] = collect()

/** Soft keywords: words that some rule asks for by text. All other names are alike to the parser. */
export const softWords: ReadonlySet<string> = new Set(
  rules.flatMap((rule) => rule.symbols.flatMap((one) => (one.kind === 'terminal' && one.literal ? [one.literal] : []))),
)

/** How each nonterminal is said in messages. */
export const saidNonterminals: ReadonlyMap<string, string> = new Map(
  rules.flatMap((rule) =>
    rule.symbols.flatMap((one) => (one.kind === 'nonterminal' && one.says ? [[one.name, one.says]] : [])),
  ),
)

/** How each terminal is said in messages, by `key`. */
export const saidTerminals: ReadonlyMap<string, string> = new Map(
  rules.flatMap((rule) => rule.symbols.flatMap((one) => (one.kind === 'terminal' ? [[key(one), one.says]] : []))),
)

/** A nearley grammar for each item kind, and one for a bare expression. */
export const grammars: { readonly [K in ItemWords | 'expression']: nearley.Grammar } = compileAll()

function collect(): Rule[] {
  const found: Rule[] = []
  const seen = new Set<string>()
  const visit = (list: readonly Rule[]) => {
    for (const rule of list) {
      found.push(rule)
      for (const symbol of rule.symbols) {
        if (symbol.kind !== 'nonterminal' || !symbol.rules || seen.has(symbol.name)) continue
        seen.add(symbol.name)
        visit(symbol.rules)
      }
    }
  }
  visit(allRules)
  return found
}

function compileAll() {
  const compiled = rules.map((rule, index) => ({
    name: rule.head,
    symbols: rule.symbols.map(nearleySymbol),
    postprocess: rule.build
      ? (children: Derivation['children']): Derivation => ({ rule: index, children })
      : (children: Derivation['children']) => children[0],
  }))
  const grammar = (start: Nonterminal<unknown>) =>
    nearley.Grammar.fromCompiled({ ParserRules: compiled, ParserStart: start.name })
  const entries = Object.entries(itemKinds).map(([words, start]) => [words, grammar(start)])
  // `Object.fromEntries` forgets the keys, which are those of `itemKinds` and this one.
  return Object.fromEntries([...entries, ['expression', grammar(expressionStart)]]) as typeof grammars
}

function nearleySymbol(symbol: GrammarSymbol<unknown>) {
  if (symbol.kind === 'nonterminal') return symbol.name
  return symbol.literal === undefined ? { type: symbol.type } : { literal: symbol.literal }
}
