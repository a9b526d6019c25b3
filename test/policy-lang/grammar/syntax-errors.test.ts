import { describe, expect, test } from '@jest/globals'
import { parseExpression, parseFile } from '../../../policy-lang/index.ts'

/** `place code message (help)` of each diagnostic; the place is the text that is underlined. */
function say(text: string): string[] {
  return parseFile({ id: 0, path: 't.fbac', text }).diagnostics.map(
    ({ code, message, help, span }) =>
      `${text.slice(span.start, span.end)} | ${code} ${message}${help === undefined ? '' : ` (${help})`}`,
  )
}

const rule = 'allow read on doc: Document to User'

// What is written, and what is said of it.
const table: readonly (readonly [title: string, text: string, said: string])[] = [
  ['a misspelt item', 'alow read on D to User', 'alow | F1020 `alow` does not begin an item (did you mean `allow`?)'],
  [
    'a misspelt clause',
    `${rule}\n  wehn doc.x`,
    'wehn | F1021 unexpected `wehn`: expected `advise`, `because`, `fields`, `or`, `unless`, `when` or `|` (did you mean `when`?)',
  ],
  [
    'a misspelt member, which passes for a name',
    'entity E {\n  relaton viewer: User\n}',
    'viewer | F1021 unexpected `viewer`: expected `:` or `?` (did you mean `relation` in place of `relaton`?)',
  ],
  [
    'a misspelt test step',
    'test "x" {\n  expct allow read on a by b\n}',
    'expct | F1021 unexpected `expct`: expected `expect`, `fact`, `let` or `}` (did you mean `expect`?)',
  ],
  [
    'a chain of comparisons',
    `${rule}\n  when a < b < c`,
    '< | F1025 a second comparison `<` cannot follow the first (join two comparisons with `and`: `a < b and b < c`)',
  ],
  [
    'a quantifier without parentheses',
    `${rule}\n  when any d in xs: d.y`,
    'd | F1021 `any` needs parentheses here (write `any(x in xs: …)`: without them its body has no end)',
  ],
  [
    '`not` under a tighter operator',
    'const x = a == not b',
    'not | F1021 unexpected `not`: expected an expression (put parentheses around it: `(not …)`)',
  ],
  ['`=` for `==`', 'const x = a = 3', '= | F1021 unexpected `=`: expected an operator (to compare, write `==`)'],
  [
    'a type in lower case',
    'allow read on document to User',
    'to | F1021 unexpected `to`: expected `:` (types begin upper-case: `Document`)',
  ],
  [
    'a reserved word as a name',
    'fn count(x: Int): Int = x',
    'count | F1021 unexpected `count`: expected a name (`count` is a reserved word and cannot be a name here)',
  ],
  [
    'a clause in column 1',
    `${rule}\nwhen doc.x`,
    'when | F1027 `when` continues an item, but column 1 begins a new one (indent this line)',
  ],
  [
    'an indented item',
    '  allow read on D to User',
    'allow | F1020 an item begins in column 1, and this line is indented (remove the spaces before it)',
  ],
  [
    'an item that ends early',
    'allow read on doc: Document',
    'Document | F1022 this item ends too early: expected `to` or `|`',
  ],
  [
    'indented marks',
    '// first\n  @id("x") allow read on D to User',
    'allow | F1020 an item begins in column 1, and this line is indented (remove the spaces before it)',
  ],
  ['an item without an expression', 'const x =', '= | F1022 this item ends too early: expected an expression'],
  ['marks without an item', '@id("x")', ') | F1022 marks stand above an item, and here is none'],
  ['a bracket that stays open', 'const x = [1, (2]', '] | F1024 this `]` does not close the `(` before it'],
  [
    'a body that stays open',
    'entity E {\n  a: Int\nconst x = 1',
    '{ | F1023 this `{` is never closed (an item ends where the next line begins in column 1: indent its lines)',
  ],
  ['a bracket too many', 'const x = (1))', ') | F1024 this `)` closes nothing'],
  [
    'a clause twice',
    `${rule}\n  because "a"\n  because "b"`,
    'because "b" | F1026 `because` stands twice (write one clause)',
  ],
  ['`&&`', 'const x = a && b', '&& | F1010 `&&` is not part of the language (write `and`)'],
  [
    'division',
    'const x = a / b',
    '/ | F1010 `/` is not part of the language (there is no division: pass a computed argument)',
  ],
  [
    'a name that is not ASCII',
    'const gräte = 1',
    'ä | F1010 `ä` is not part of the language (names are ASCII; @wire("…") gives the name in data)',
  ],
  ['an open string', 'const x = "abc', '"abc | F1011 this string does not end on its line (add the closing `"`)'],
  [
    'an unknown first word after extend',
    'extend User { }',
    'extend | F1020 `extend` is followed by `entity` or `action`',
  ],
  ['an ordered enum that is also a choice', 'type T = "a" | "b" < "c"', '< | F1021 unexpected `<`: expected `|`'],
  ['no `on` after named actions', 'allow read to User', 'to | F1021 unexpected `to`: expected `,` or `on`'],
  [
    'a bidirectional control in a comment',
    'const x = 1 // \u202e',
    '\u202e | F1004 the bidirectional control U+202E may not stand in policy text (in a string, write \\u{202E})',
  ],
]

describe('syntax errors', () => {
  test.each(table)('%s', (_, text, said) => {
    expect(say(text)[0]).toBe(said)
  })

  test('each broken item is reported in one pass, and hides nothing in the others (SPEC 2)', () => {
    const text = 'alow x\n\nconst a = 1\n\ndeny read on\n\nconst b = (\n\nconst c = 3\n'
    const { file, diagnostics } = parseFile({ id: 0, path: 't.fbac', text })
    expect(diagnostics.map((one) => one.code)).toEqual(['F1020', 'F1022', 'F1023'])
    expect(file.items.map((item) => (item.kind === 'const' ? item.name.text : ''))).toEqual(['a', 'c'])
  })

  test('an expression alone is reported as one', () => {
    const parsed = parseExpression({ id: 0, path: 't.fbac', text: 'a.b ==' })
    expect(parsed.expression).toBeUndefined()
    expect(parsed.diagnostics[0]?.message).toBe('this expression ends too early: expected an expression')
    expect(parseExpression({ id: 0, path: 't.fbac', text: '' }).diagnostics[0]?.code).toBe('F1022')
  })
})
