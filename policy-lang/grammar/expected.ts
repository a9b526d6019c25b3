import type { Parser } from 'nearley'
import { saidNonterminals, saidTerminals } from './grammars.ts'

/** What may stand at one place of an item. */
export type Expected = {
  /** Token types, and soft keywords by their text. */
  readonly keys: ReadonlySet<string>
  /** The words among them, for "did you mean". */
  readonly keywords: readonly string[]
  /** For people: whole constructs in place of all that they may begin with, operators as one. */
  readonly said: readonly string[]
}

/** The parts of nearley's table that its type declarations leave out. */
type State = {
  readonly dot: number
  readonly reference: number
  readonly rule: { readonly name: string; readonly symbols: readonly (string | { type?: string; literal?: string })[] }
}
type Table = {
  readonly table: readonly { readonly states: readonly State[]; readonly index: number }[]
  readonly current: number
}

/** What may stand after the tokens that a parser was fed. */
export function expectedNow(parser: Parser): Expected {
  const { table, current } = parser as unknown as Table
  return expectedIn(table[current])
}

function expectedIn(column: Table['table'][number] | undefined): Expected {
  const keys = new Set<string>()
  /** Said constructs that may begin here, and what begins only because one of them may. */
  const constructs = new Set<string>()
  const direct = new Set<string>()
  for (const state of column?.states ?? []) {
    const symbol = state.rule.symbols[state.dot]
    const insideNew = state.dot === 0 && state.reference === column?.index && saidNonterminals.has(state.rule.name)
    if (typeof symbol === 'string') {
      const says = saidNonterminals.get(symbol)
      if (says !== undefined && !insideNew) constructs.add(says)
    } else if (symbol) {
      const key = symbol.literal === undefined ? (symbol.type ?? '') : symbol.literal
      keys.add(key)
      if (!insideNew) direct.add(symbol.literal === undefined ? key : `'${key}'`)
    }
  }
  const afterOperand = keys.has('??')
  const shown = [...direct].filter((key) => !(afterOperand && operators.has(key)))
  const terminals = shown.map((key) => saidTerminals.get(key) ?? key)
  const operator = afterOperand ? ['an operator'] : []
  const said = [...new Set([...constructs, ...terminals.sort(), ...operator])]
  return { keys, keywords: [...keys].filter((key) => /^[a-z]/.test(key) && !classes.has(key)), said }
}

/** What may go on after any operand: said as one. */
const operators: ReadonlySet<string> = new Set('== != < <= > >= in not is ?? + - * . ?. [ ( and or |'.split(' '))
const classes: ReadonlySet<string> = new Set(['lower', 'upper', 'string', 'int', 'decimal', 'duration', 'time', 'bool'])
