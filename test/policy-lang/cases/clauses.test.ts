import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { readLines } from './expressions/read-lines.ts'

const spec = readFileSync(new URL('../../../policy-lang/SPEC.md', import.meta.url), 'utf8')
const clauses = new Set([...spec.matchAll(/\*\*(\d+\.\d+)\b/g)].map((match) => match[1] ?? ''))

/** Clauses that the corpus cites: lines of expressions, titles of tests, titles of questions, heads of refused texts. */
function cited(): ReadonlySet<string> {
  const texts = ['decided/', 'asked/', 'refused/', 'accepted/'].flatMap((folder) => {
    const url = new URL(folder, import.meta.url)
    return readdirSync(url).map((name) => readFileSync(new URL(name, url), 'utf8'))
  })
  const found = texts.flatMap((text) => [...text.matchAll(/SPEC (\d+\.\d+)/g)].map((match) => match[1] ?? ''))
  return new Set([...found, ...readLines().map((line) => line.clause)])
}

test('every clause that a case cites stands in SPEC.md', () => {
  expect([...cited()].filter((clause) => !clauses.has(clause))).toEqual([])
})

test('every clause of sections 3 to 6 has a case', () => {
  // Decided outside the compiler: what could not be loaded, schema change, editions. Tests of their own: 5.13, 6.10.
  const elsewhere = new Set(['5.9', '6.11', '6.12', '5.13', '6.10'])
  const mine = [...clauses].filter((clause) => /^[3-6]\./.test(clause) && !elsewhere.has(clause))
  expect(mine.length).toBeGreaterThan(55)
  expect(mine.filter((clause) => !cited().has(clause))).toEqual([])
})
