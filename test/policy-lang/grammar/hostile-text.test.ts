import { describe, expect, test } from '@jest/globals'
import { parseFile } from '../../../policy-lang/index.ts'
import { limits } from '../../../policy-lang/source/limits.ts'

const codesOf = (text: string) => [
  ...new Set(parseFile({ id: 0, path: 't.fbac', text }).diagnostics.map((one) => one.code)),
]
const chain = (length: number) => `const x = a${'\n  or a'.repeat(length)}\n`
const nested = (depth: number) => `const x = ${'('.repeat(depth)}a${')'.repeat(depth)}\n`
const ofLength = (length: number) => `const x = "${'a'.repeat(length - 12)}"`

// Each limit at it and one past it (SPEC 1: limits on everything).
describe('hostile text ends in a diagnostic', () => {
  test('source length', () => {
    const comments = `${'// x\n'.repeat(1000)}`
    const fits = comments.repeat(Math.floor(limits.sourceLength / comments.length))
    expect(codesOf(fits)).toEqual([])
    expect(codesOf(`${fits}${' '.repeat(limits.sourceLength - fits.length + 1)}`)).toEqual(['F8001'])
    expect(codesOf('x'.repeat(10_000_000))).toEqual(['F8001'])
  })

  test('line length', () => {
    expect(codesOf(ofLength(limits.lineLength))).toEqual([])
    expect(codesOf(ofLength(limits.lineLength + 1))).toEqual(['F8002'])
    expect(codesOf(`const x = "${'a'.repeat(1_000_000)}"`)).toEqual(['F8002'])
    expect(codesOf(`// ${'a'.repeat(1_000_000)}\nconst x = 1`)).toEqual(['F8002'])
  })

  test('items of a file', () => {
    expect(codesOf('const x = 1\n'.repeat(limits.itemsPerFile))).toEqual([])
    expect(codesOf('const x = 1\n'.repeat(limits.itemsPerFile + 1))).toEqual(['F8003'])
  })

  test('words and signs of an item', () => {
    const set = (tokens: number) => `const x = [${'\n  a,'.repeat((tokens - 5) / 2)}]\n`
    expect(codesOf(set(limits.tokensPerItem - 1))).toEqual([])
    expect(codesOf(set(limits.tokensPerItem + 1))).toEqual(['F8005'])
  })

  test('brackets in brackets', () => {
    expect(codesOf(nested(limits.bracketDepth))).toEqual([])
    expect(codesOf(nested(limits.bracketDepth + 1))).toEqual(['F8004'])
    expect(codesOf(`const x =${'\n  ('.repeat(40_000)}`)).toEqual(['F8004'])
    expect(codesOf(nested(100_000))).toEqual(['F8002'])
  })

  test('operators over operators, in chains as in brackets', () => {
    expect(codesOf(chain(limits.treeDepth))).toEqual([])
    expect(codesOf(chain(limits.treeDepth + 1))).toEqual(['F8004'])
    expect(codesOf(`const x = ${'not '.repeat(limits.treeDepth + 1)}a`)).toEqual(['F8004'])
    expect(codesOf(`const x = (a${' + a'.repeat(300)}\n  ) + (a${' + a'.repeat(300)}\n  )`)).toEqual([])
    expect(codesOf(`const x = (a${' + a'.repeat(300)}\n  + (a${' + a'.repeat(300)}\n  ))`)).toEqual(['F8004'])
    expect(codesOf(`type T = "a"${'\n  | "b"'.repeat(limits.treeDepth)}`)).toEqual([])
  })

  test('separate clauses do not add up', () => {
    expect(codesOf(`allow read on d: D to User${'\n  when d.a and d.b'.repeat(1000)}\n`)).toEqual([])
    expect(codesOf(`test "t" {${'\n  fact a.b is c of d.e'.repeat(1000)}\n}\n`)).toEqual([])
  })

  test('errors of a file: the rest is not read', () => {
    const { diagnostics } = parseFile({ id: 0, path: 't.fbac', text: 'const x =\n'.repeat(5000) })
    expect(diagnostics).toHaveLength(limits.errorsPerFile + 1)
    expect(diagnostics.at(-1)?.code).toBe('F8006')
    expect(codesOf('\u0000'.repeat(1_000_000)).sort()).toEqual(['F1002', 'F8002', 'F8006'])
  })

  test('deep chains of `if` and long broken sets', () => {
    expect(codesOf(`const x = ${'\n  if a then b else'.repeat(160)} c`)).toEqual([])
    expect(codesOf(`const x = [${'\n  "a",'.repeat(24_000)} when ]`)).toEqual(['F1021'])
  })
})
