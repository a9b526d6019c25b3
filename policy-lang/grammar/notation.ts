import type { Name, StringLiteral } from '../ast/nodes.ts'
import type { Diagnostic } from '../source/diagnostic.ts'
import type { Span } from '../source/span.ts'

// The notation in which the grammar files are written. A rule reads as in EBNF, `head ::= symbols`, and says what it makes:
//
//   rule(constItem, [marks, word('const'), lower, sign('='), expression]).makes( ([marks, , name, , value], at) => …)
//
// Everything here is a value; `derive.ts` turns the rules into nearley's form.

/** What a rule may ask while it makes a node. */
export type Building = {
  readonly file: number
  readonly report: (problem: Diagnostic) => void
  /** Takes the `///` lines that stand directly before the token at this offset. */
  readonly takeDoc: (offset: number) => string | undefined
}

export type Terminal<T> = {
  readonly kind: 'terminal'
  /** nearley compares `type` with the token's type, or `literal` with its text. */
  readonly type?: string
  readonly literal?: string
  /** In words, for error messages. */
  readonly says: string
  /** Only for type inference; never set. `build.ts` reads names and literals by the token's class. */
  readonly makes?: T
}
export type Nonterminal<T> = {
  readonly kind: 'nonterminal'
  readonly name: string
  /** In words, for error messages: stands for all that it may begin with. */
  readonly says?: string
  /** Rules of symbols that were made by `optional`, `many`, …: they travel with the symbol. */
  readonly rules?: readonly Rule[]
  /** Only for type inference; never set. */
  readonly makes?: T
}
export type GrammarSymbol<T> = Terminal<T> | Nonterminal<T>

export type Rule = {
  readonly head: string
  readonly symbols: readonly GrammarSymbol<unknown>[]
  /** Absent: the rule passes its one part through. */
  readonly build?: (parts: readonly unknown[], at: Span, building: Building) => unknown
}

type Parts<S extends readonly GrammarSymbol<unknown>[]> = {
  readonly [K in keyof S]: S[K] extends GrammarSymbol<infer T> ? T : never
}

export function nonterminal<T>(name: string, says?: string): Nonterminal<T> {
  return says === undefined ? { kind: 'nonterminal', name } : { kind: 'nonterminal', name, says }
}

/**
 * `head ::= symbols`; `makes` says what it makes of their values. In two steps, so that TypeScript knows what is to be made
 * before it looks at the function.
 */
export function rule<T, const S extends readonly GrammarSymbol<unknown>[]>(head: Nonterminal<T>, symbols: S) {
  return {
    makes(build: (parts: Parts<S>, at: Span, building: Building) => T): Rule {
      // The symbols' types are forgotten here and nowhere else: `build.ts` hands each rule the values of its own symbols.
      return { head: head.name, symbols, build: build as Rule['build'] & object }
    },
  }
}

/** `head ::= symbol`, value unchanged. */
export function same<T>(head: Nonterminal<T>, symbol: GrammarSymbol<T>): Rule {
  return { head: head.name, symbols: [symbol] }
}

/** A word with a meaning in its place: hard (`when`) or soft (`fields`). */
export function word(text: string, hard: ReadonlySet<string>): Terminal<unknown> {
  const says = `\`${text}\``
  return hard.has(text) ? { kind: 'terminal', type: text, says } : { kind: 'terminal', literal: text, says }
}

export function sign(text: string): Terminal<unknown> {
  return { kind: 'terminal', type: text, says: `\`${text}\`` }
}

/** A name that begins lower-case. */
export const lower: Terminal<Name> = { kind: 'terminal', type: 'lower', says: 'a name' }
/** A name that begins upper-case. */
export const upper: Terminal<Name> = { kind: 'terminal', type: 'upper', says: 'a type name' }
export const string: Terminal<StringLiteral> = literal('string', 'a string in double quotes')

/** A literal token; the lexer has read its value. */
export function literal<T>(type: string, says: string): Terminal<T> {
  return { kind: 'terminal', type, says }
}

/** `[ symbol ]` */
export function optional<T>(symbol: GrammarSymbol<T>): Nonterminal<T | undefined> {
  const head = nonterminal<T | undefined>(`${key(symbol)}?`)
  return { ...head, rules: [rule(head, []).makes(() => undefined), same<T | undefined>(head, symbol)] }
}

/** `{ symbol }`, any number. */
export function many<T>(symbol: GrammarSymbol<T>): Nonterminal<T[]> {
  const head = nonterminal<T[]>(`${key(symbol)}*`)
  return {
    ...head,
    rules: [rule(head, []).makes((): T[] => []), rule(head, [head, symbol]).makes(([list, last]) => push(list, last))],
  }
}

/** `symbol { separator symbol }`: a bare list, no trailing separator. */
export function separated<T>(symbol: GrammarSymbol<T>, separator: string): Nonterminal<T[]> {
  const head = nonterminal<T[]>(`${key(symbol)} ${separator}…`)
  return {
    ...head,
    rules: [
      rule(head, [symbol]).makes(([only]): T[] => [only]),
      rule(head, [head, sign(separator), symbol]).makes(([list, , last]) => push(list, last)),
    ],
  }
}

/** A list inside brackets: possibly empty, a trailing comma allowed. */
export function bracketed<T>(symbol: GrammarSymbol<T>): Nonterminal<T[]> {
  const list = separated(symbol, ',')
  const head = nonterminal<T[]>(`(${list.name})`)
  return {
    ...head,
    rules: [
      rule(head, []).makes((): T[] => []),
      same(head, list),
      rule(head, [list, sign(',')]).makes(([items]) => items),
    ],
  }
}

/** Lists grow in place: each is made by its own rule for one tree and has no other holder yet. */
function push<T>(list: T[], last: T): T[] {
  list.push(last)
  return list
}

export function key(symbol: GrammarSymbol<unknown>): string {
  if (symbol.kind === 'nonterminal') return symbol.name
  return symbol.literal === undefined ? (symbol.type ?? '') : `'${symbol.literal}'`
}
