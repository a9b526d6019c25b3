import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseExpression } from '../../../policy-lang/index.ts'
import { lex } from '../../../policy-lang/source/lex.ts'
import { makeSourceFile } from '../../../policy-lang/source/source-file.ts'
import { split } from '../../../policy-lang/source/split.ts'

const literal = (text: string) => {
  const { expression, diagnostics } = parseExpression({ id: 0, path: 't.fbac', text })
  return diagnostics[0]?.code ?? expression
}

describe('lexis (SPEC 2)', () => {
  test.each([
    ['50_000', { kind: 'int', value: 50_000n }],
    ['0', { kind: 'int', value: 0n }],
    ['1.5', { kind: 'decimal', text: '1.5' }],
    ['1_000.25', { kind: 'decimal', text: '1000.25' }],
    ['90m', { kind: 'duration', milliseconds: 5_400_000n, text: '90m' }],
    ['1w', { kind: 'duration', milliseconds: 604_800_000n }],
    ['50ms', { kind: 'duration', milliseconds: 50n }],
    ['2026-03-02T10:00:00Z', { kind: 'time', milliseconds: Date.UTC(2026, 2, 2, 10) }],
    ['2026-03-02T10:00:00.5+01:30', { kind: 'time', milliseconds: Date.UTC(2026, 2, 2, 8, 30, 0, 500) }],
    ['0001-01-01T00:00:00Z', { kind: 'time', milliseconds: -62_135_596_800_000 }],
    ['2024-02-29T00:00:00Z', { kind: 'time' }],
    ['"a\\"\\\\\\n\\t\\u{1F600}"', { kind: 'string', value: 'a"\\\n\t😀' }],
    ['"a\\*b*"', { kind: 'string', value: 'a\\*b*' }],
    ['true', { kind: 'bool', value: true }],
  ])('reads %s', (text, expected) => {
    expect(literal(text)).toMatchObject(expected)
  })

  test.each([
    ['007', 'F1013'],
    ['1__0', 'F1013'],
    ['1_', 'F1013'],
    ['1.5_', 'F1013'],
    ['9'.repeat(41), 'F1013'],
    ['3x', 'F1014'],
    ['1.5h', 'F1014'],
    ['1h30m', 'F1014'],
    ['2026-03-02', 'F1015'],
    ['2026-03-02T10:00:00', 'F1015'],
    ['2026-03-02T10:00Z', 'F1015'],
    ['2026-02-29T00:00:00Z', 'F1015'],
    ['2026-03-02T24:00:00Z', 'F1015'],
    ['2026-03-02T10:00:60Z', 'F1015'],
    ['2026-03-02T10:00:00.1234Z', 'F1015'],
    ['0000-01-01T00:00:00Z', 'F1015'],
    ['0001-01-01T00:00:00+01:00', 'F1015'],
    ['"\\q"', 'F1012'],
    ['"\\u{110000}"', 'F1012'],
    ['"\\u{d800}"', 'F1012'],
    ['"abc', 'F1011'],
    ['"\u2066"', 'F1004'],
    ['"\u0000"', 'F1002'],
    ['"\ud800"', 'F1003'],
    ['"\u2028"', 'F1002'],
  ])('refuses %j', (text, code) => {
    expect(literal(text)).toBe(code)
  })

  test('loses no character: tokens, comments and spaces make up the text', () => {
    const piece = fc.constantFrom(
      'allow',
      ' ',
      '\n',
      '"a"',
      '// c\n',
      '/// d\n',
      '??',
      '?.',
      '=',
      '5d',
      '(',
      '}',
      'Ab',
      '::',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join('')
        const { tokens, comments, docs, diagnostics } = lex({ id: 0, path: 't', text }, 0, text.length)
        fc.pre(diagnostics.length === 0)
        const covered = [...text].map((character) => /\s/.test(character))
        const spans = [...tokens, ...[...comments, ...docs.map((doc) => doc.comment)].map((one) => one.span)]
        for (const { start, end } of spans) covered.fill(true, start, end)
        expect(covered.every(Boolean)).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('source files (SPEC 2)', () => {
  test('CRLF reads as LF, and a byte order mark is nothing', () => {
    expect(makeSourceFile(1, 'a', '\ufeffa\r\nb').source.text).toBe('a\nb')
    expect(makeSourceFile(1, 'a', new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).source.text).toBe('a')
  })

  test('bytes that are not UTF-8 are refused', () => {
    const made = makeSourceFile(1, 'a', new Uint8Array([0x61, 0xff]))
    expect(made.diagnostics.map((one) => one.code)).toEqual(['F1001'])
    expect(made.source.text).toBe('')
  })
})

describe('splitting by column 1 (SPEC 2)', () => {
  const items = (text: string) => {
    const { chunks, trailing } = split({ id: 0, path: 't', text })
    return [...chunks.map((chunk) => text.slice(chunk.start, chunk.end)), text.slice(trailing)]
  }

  test('further lines are indented, a lone brace excepted', () => {
    expect(items('a {\n  b\n}\nc\n  d\n')).toEqual(['a {\n  b\n}', 'c\n  d', ''])
    expect(items('a {\n} // end\nb')).toEqual(['a {\n} // end', 'b', ''])
  })

  test('marks and comments belong to the item below', () => {
    expect(items('// x\n@id("a)b") // y\n@hot\nallow z\n// t')).toEqual([
      '// x\n@id("a)b") // y\n@hot\nallow z',
      '// t',
    ])
    expect(items('@id("x") allow a\nallow b')).toEqual(['@id("x") allow a', 'allow b', ''])
    expect(items('@id("x")\n  @hot\nallow a')).toEqual(['@id("x")\n  @hot\nallow a', ''])
  })

  test('marks are the column 1 of an item whose other lines are indented', () => {
    expect(items('@id("x")\n  allow a\n@hot\nallow b')).toEqual(['@id("x")\n  allow a', '@hot\nallow b', ''])
  })

  test('a comment in column 1 does not end an item whose next line is indented', () => {
    expect(items('a\n// x\n  b\nc')).toEqual(['a\n// x\n  b', 'c', ''])
  })
})
