import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { parseStrictJson, writeJson } from '../../../policy-lang/index.ts'

const read = (text: string, limits = {}) => {
  const result = parseStrictJson(text, limits)
  return result.ok ? result.value : result.message
}

describe('strict JSON (RFC 8259)', () => {
  test('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        if (text.includes('\\u0000') || /\d{16}/.test(text)) return
        expect(read(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test('integers are exact, fractions are numbers', () => {
    expect(read('[9223372036854775807, -9007199254740993, 9007199254740991, 1.5, 1e3, -0]')).toEqual([
      9223372036854775807n,
      -9007199254740993n,
      9007199254740991,
      1.5,
      1000,
      0,
    ])
    expect(writeJson([9223372036854775807n, { a: 'x' }])).toBe('[9223372036854775807,{"a":"x"}]')
  })

  test.each([
    ['{"a":1,"a":1}', 'duplicate member "a" at offset 10'],
    ['{"\\u0061":1,"a":1}', 'duplicate member "a" at offset 15'],
    ['[1,]', 'a value was expected at offset 3'],
    ['{"a":1,}', 'a member name was expected at offset 7'],
    ['01', 'text after the value at offset 1'],
    ['1 2', 'text after the value at offset 2'],
    ['"\t"', 'an unfinished string at offset 1'],
    ['"abc', 'an unfinished string at offset 4'],
    ['"\\x"', 'an unknown escape at offset 1'],
    ['1e999', 'a number out of range at offset 5'],
    ['"\\u0000"', 'a NUL character at offset 8'],
    ['', 'a value was expected at offset 0'],
    ['nul', 'a value was expected at offset 0'],
  ])('refuses %s', (text, message) => expect(read(text)).toBe(message))

  test('depth: the limit is read, one more is refused', () => {
    expect(read('[[[]]]', { depth: 3 })).toEqual([[[]]])
    expect(read('[[[]]]', { depth: 2 })).toBe('nested too deep at offset 2')
    expect(read('['.repeat(100_000))).toBe('nested too deep at offset 64')
  })

  test('lone surrogates and, where allowed, NUL stay; __proto__ is a member like any other', () => {
    expect(read('"\\ud800"')).toBe('\ud800')
    expect(read('"\\u0000"', { allowNul: true })).toBe('\0')
    const object = read('{"__proto__":{"admin":true}}')
    expect(Object.keys(object as object)).toEqual(['__proto__'])
    expect((object as { admin?: boolean }).admin).toBeUndefined()
  })
})
