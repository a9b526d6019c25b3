import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Expr } from '../../../policy-lang/ast/nodes.ts'
import { derive } from '../../../policy-lang/grammar/derive.ts'
import { findItemKind } from '../../../policy-lang/grammar/item-kind.ts'
import { type FileMemory, parseAgain } from '../../../policy-lang/grammar/parse-again.ts'
import { formatTree, parseExpression, parseFile } from '../../../policy-lang/index.ts'
import { lex } from '../../../policy-lang/source/lex.ts'
import { split } from '../../../policy-lang/source/split.ts'
import { readCorpus } from '../../kit/corpus.ts'
import { generateItem } from '../ast/generate-item.ts'
import { readTape } from '../ast/tape.ts'

const parse = (text: string) => parseFile({ id: 0, path: 't.fbac', text })
const expression = (text: string) => {
  const parsed = parseExpression({ id: 0, path: 't.fbac', text })
  expect(parsed.diagnostics).toEqual([])
  return parsed.expression ? shape(parsed.expression) : undefined
}

/** Every item's number of parses, asked of nearley without a cache. */
function parsesOf(text: string): number[] {
  const source = { id: 0, path: 't.fbac', text }
  return split(source).chunks.map((chunk) => {
    const { tokens } = lex(source, chunk.start, chunk.end)
    const kind = findItemKind(source, tokens)
    const derived = kind.problem ? undefined : derive(kind.words, tokens, new Map())
    return derived && 'parses' in derived ? derived.parses : 0
  })
}

describe('the grammar', () => {
  test('reads every item of the corpus in exactly one way (SPEC 11)', () => {
    for (const source of readCorpus()) {
      expect(parse(source.text).diagnostics).toEqual([])
      expect(new Set(parsesOf(source.text))).toEqual(new Set([1]))
    }
  })

  test('reads every generated item in exactly one way (SPEC 11)', () => {
    const tape = fc.uint8Array({ maxLength: 160 })
    fc.assert(
      fc.property(tape, (bytes) => {
        const text = formatTree({ file: 0, items: [generateItem(readTape(bytes))], trailing: [] })
        expect(parsesOf(text)).toEqual([1])
      }),
      { numRuns: 5000 },
    )
  })

  test('binds as SPEC 2 says, loose to tight', () => {
    expect(expression('if a then b else c or d')).toBe('(if a b (or c d))')
    expect(expression('a or b and not c == d')).toBe('(or a (and b (not (== c d))))')
    expect(expression('a ?? b ?? c + d * -e')).toBe('(?? (?? a b) (+ c (* d (- e))))')
    expect(expression('a - b - c')).toBe('(- (- a b) c)')
    expect(expression('a not in b.c and has x?.y')).toBe('(and (not in a b.c) (has x?.y))')
    expect(expression('a.b(c)[d] is User')).toBe('(is a.b(c)[d] User)')
    expect(expression('any(d in xs: d.ok or d.old)')).toBe('(any d xs (or d.ok d.old))')
  })

  test('takes every word as a name after `.` and before `:` in braces, soft keywords everywhere (SPEC 2)', () => {
    expect(expression('a.in.all?.when')).toBe('a.in.all?.when')
    expect(expression('{ in: 1, not: { any: to } }')).toBe('{in: 1, not: {any: to}}')
    const text = 'entity E { relation: Bool, role?: Int relation relation: User if fn all: String }\n'
    expect(parse(text).diagnostics).toEqual([])
    expect(parse('allow on, to, fields on on: E to to: User\n').diagnostics).toEqual([])
  })

  test.each([
    'test "x" { let a = U { x: 1, }, fact a is b, c of d, expect allow r on a by b from "x", "y", let fact = T { } }',
    'test "x" { expect list list on T by b is [a, ], expect allow a on b by c fields from, fields from "x" }',
    'test "x" { fact fact is fact of fact until fact if { } fact fact = fact fact fact fails }',
    'entity E { a: A | B, relation: C relation relation: A | B if c, role role: any T relation x = a or b, role?: T }',
    'action action, on on On by A | B via C with { a: A, b?: { c: D, }, } scope "x" implies with, by',
    'allow a on b: C to u: U | V or anyone or x: anyone or a, b of c[d](e,).f fields all except fields, except',
    'deny when2 on T to to of to.of when when2 fields fields, because because "x" advise advise(because: fields,)',
    'prove "x": never allow never on always: T to T when when2 fields a, fields',
    'extern fn fn(fn: Fn,): Set<Map<T>> else fail within 50ms',
    'import import, from, T from "x"',
    'actions actions = actions, on on On | Off',
    'const const = if if a then b else c then d else -a - -b * -c ?? has d.e - f',
    'type T = { a: "x" | "y", b?: "x" < "y", c: Set<"x">, d: U | V<W>, }',
    '@a @b("x") @c(1) @d(true) module m',
  ])('reads in one way, keywords as names, commas between members and at ends: %s', (text) => {
    expect(parse(text).diagnostics).toEqual([])
    expect(parsesOf(text)).toEqual([1])
  })

  test('keeps documents, marks and comments beside their items (SPEC 2)', () => {
    const { file } = parse('// a\n/// one\n/// two\n@id("x") @hot\nallow read on E to User // b\n  // c\n// d\n')
    expect(file.items).toMatchObject([
      {
        doc: 'one\ntwo',
        marks: [{ name: { text: 'id' }, value: { value: 'x' } }, { name: { text: 'hot' } }],
        leading: [{ text: '// a' }],
        comments: [{ text: '// b' }, { text: '// c' }],
      },
    ])
    expect(file.trailing).toMatchObject([{ text: '// d' }])
  })

  test('gives every node the place of its text', () => {
    const text = 'const x = a + (b.c)\n'
    const { file } = parse(text)
    const item = file.items[0]
    const value = item?.kind === 'const' ? item.value : undefined
    const at = (node: Expr | undefined) => text.slice(node?.span.start, node?.span.end)
    expect([at(value), value?.kind === 'binary' ? at(value.right) : '']).toEqual(['a + (b.c)', '(b.c)'])
  })

  test('reads an item again only if its text changed, wherever it stands, and a shape only once', () => {
    const shapes = new Map()
    const read = (text: string, before?: FileMemory) => {
      let number = before?.items.length ?? 0
      const newNumber = () => {
        number += 1
        return number
      }
      return parseAgain({ id: 0, path: 't.fbac', text }, before, { shapes, newNumber })
    }
    const before = read('const a = 1\n\nconst b = 2\n\nconst c = 3\n').memory
    const after = read('// moves all below\n\n\nconst c = 3\n\nconst b = 9\n\nconst a = 1\n', before).memory
    const [first, , last] = before.items
    expect([after.items[0] === last, after.items[2] === first, shapes.size]).toEqual([false, true, 1])
    expect(after.items[1]?.item).toMatchObject({ value: { value: 9n } })
  })

  test('answers a tree or a diagnostic for every item of a damaged text, and never throws', () => {
    const texts = readCorpus().map((source) => source.text)
    const damage = fc.record({
      text: fc.constantFrom(...texts),
      from: fc.nat(),
      cuts: fc.array(
        fc.tuple(
          fc.nat(700),
          fc.nat(12),
          fc.constantFrom('', '(', '}', '"', 'when', ' in ', '\n', '@', '/', '\u0000', '😀', '0'),
        ),
        { minLength: 1, maxLength: 4 },
      ),
    })
    fc.assert(
      fc.property(damage, ({ text, from, cuts }) => {
        const start = from % text.length
        let damaged = text.slice(start, start + 700)
        for (const [at, length, put] of cuts) damaged = damaged.slice(0, at) + put + damaged.slice(at + length)
        const source = { id: 0, path: 't.fbac', text: damaged }
        const { file, diagnostics } = parseFile(source)
        const chunks = split(source).chunks.length
        expect(file.items.length + diagnostics.length).toBeGreaterThanOrEqual(Math.min(chunks, 100))
        for (const { span } of diagnostics) {
          expect(span.start >= 0 && span.start <= span.end && span.end <= damaged.length).toBe(true)
        }
      }),
      { numRuns: 10_000 },
    )
  })
})

/** A tree as an s-expression. */
function shape(expr: Expr): string {
  switch (expr.kind) {
    case 'name':
      return expr.name.text
    case 'int':
      return String(expr.value)
    case 'member':
      return `${shape(expr.of)}${expr.optional ? '?.' : '.'}${expr.name.text}`
    case 'call':
      return `${shape(expr.callee)}(${expr.args.map(shape).join(' ')})`
    case 'index':
      return `${shape(expr.of)}[${shape(expr.key)}]`
    case 'binary':
      return `(${expr.op} ${shape(expr.left)} ${shape(expr.right)})`
    case 'not':
    case 'has':
      return `(${expr.kind} ${shape(expr.operand)})`
    case 'negate':
      return `(- ${shape(expr.operand)})`
    case 'is':
      return `(is ${shape(expr.operand)} ${expr.type.text})`
    case 'if':
      return `(if ${shape(expr.test)} ${shape(expr.then)} ${shape(expr.otherwise)})`
    case 'quantifier':
      return `(${expr.quantifier} ${expr.variable.text} ${shape(expr.over)} ${shape(expr.body)})`
    case 'record':
      return `{${expr.fields.map((field) => `${field.name.text}: ${shape(field.value)}`).join(', ')}}`
    case 'group':
      return shape(expr.inner)
    default:
      return expr.kind
  }
}
