import type { Literal, Name, StringLiteral } from '../../../policy-lang/ast/nodes.ts'

/** Answers a number below `count`. Bytes that fast-check draws decide, so a failing tree shrinks with its bytes. */
export type Choose = (count: number) => number

/** Reads choices from bytes; after the last, every choice is the first one, so that trees end. */
export function readTape(bytes: Uint8Array): Choose {
  let next = 0
  return (count) => {
    const byte = bytes[next] ?? 0
    next += 1
    return byte % count
  }
}

/** Generated trees stand in no file. */
export const nowhere = { file: 0, start: 0, end: 0 }

// Soft keywords among the names: each is a name wherever it is not a keyword in its place (SPEC 2).
const lowerNames =
  'a doc owner to on by of list fields test from is_it relation role fact expect let via with scope implies within fails except until fail advise because sealed entity'.split(
    ' ',
  )
const upperNames = ['User', 'Document', 'Set', 'Anonymous', 'T9']
const strings = [
  'x',
  '',
  'two words',
  'quote " and \\ and \n',
  'a\\*b',
  'é 😀 \u202e',
  'a long text that makes lines break'.repeat(3),
]

export const lowerName = (choose: Choose): Name => ({
  text: lowerNames[choose(lowerNames.length)] ?? 'a',
  span: nowhere,
})
export const upperName = (choose: Choose): Name => ({
  text: upperNames[choose(upperNames.length)] ?? 'T',
  span: nowhere,
})
export const stringLiteral = (choose: Choose): StringLiteral => ({
  kind: 'string',
  value: strings[choose(strings.length)] ?? '',
  span: nowhere,
})
export const timeLiteral = (choose: Choose): Literal =>
  choose(2)
    ? { kind: 'time', milliseconds: 1_772_445_600_000, text: '2026-03-02T10:00:00Z', span: nowhere }
    : { kind: 'time', milliseconds: 1_772_441_999_500, text: '2026-03-02T09:59:59.5+01:00', span: nowhere }

/** One to three. */
export const listOf = <T>(choose: Choose, make: (choose: Choose) => T): T[] =>
  Array.from({ length: 1 + choose(3) }, () => make(choose))

/** `{ key: value }`, or nothing. */
export function maybe<K extends string, T>(choose: Choose, key: K, make: (choose: Choose) => T): { [P in K]?: T } {
  // A mapped type over one literal key is this object, which TypeScript cannot see.
  return choose(2) ? ({ [key]: make(choose) } as { [P in K]: T }) : {}
}
