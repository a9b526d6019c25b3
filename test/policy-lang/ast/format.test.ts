import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { FileNode } from '../../../policy-lang/ast/nodes.ts'
import { formatFile, formatTree, parseFile } from '../../../policy-lang/index.ts'
import { readCorpus } from '../../kit/corpus.ts'
import { generateItem } from './generate-item.ts'
import { readTape } from './tape.ts'
import { withoutPlaces } from './without-places.ts'

const format = (text: string) => {
  const { text: formatted, diagnostics } = formatFile(text)
  expect(diagnostics).toEqual([])
  return formatted
}
const treeOf = (text: string) => withoutPlaces(parseFile({ id: 0, path: 't.fbac', text }).file.items)

const file = fc
  .array(fc.uint8Array({ maxLength: 120 }), { minLength: 1, maxLength: 3 })
  .map((tapes): FileNode => ({ file: 0, items: tapes.map((tape) => generateItem(readTape(tape))), trailing: [] }))

describe('the formatter', () => {
  test('keeps the tree: what is written of a generated tree parses to that tree', () => {
    fc.assert(
      fc.property(file, (tree) => {
        const text = formatTree(tree)
        const parsed = parseFile({ id: 0, path: 't.fbac', text })
        expect(parsed.diagnostics).toEqual([])
        expect(withoutPlaces(parsed.file.items)).toEqual(withoutPlaces(tree.items))
      }),
      { numRuns: 10_000 },
    )
  })

  test('is idempotent on generated trees', () => {
    fc.assert(
      fc.property(file, (tree) => {
        const once = format(formatTree(tree))
        expect(format(once)).toBe(once)
      }),
      { numRuns: 3000 },
    )
  })

  test('keeps lines within 120 columns but for comments and single words', () => {
    for (const source of readCorpus()) {
      const long = format(source.text)
        .split('\n')
        .filter((line) => line.replace(/ *\/\/.*$/, '').length > 120)
      expect(long.filter((line) => !/^\s*because "/.test(line))).toEqual([])
    }
  })

  test('keeps the trees of the corpus, and a second run changes nothing', () => {
    for (const source of readCorpus()) {
      const once = format(source.text)
      // Comments may move to the clause that they stand at; everything else stays.
      const items = (text: string) => JSON.stringify(treeOf(text), (key, value) => hidden(key, value))
      expect(items(once)).toBe(items(source.text))
      expect(format(once)).toBe(once)
    }
  })

  test('loses no comment, wherever it is put', () => {
    const texts = readCorpus().map((source) => source.text)
    const lines = texts.flatMap((text) => text.split('\n\n'))
    const commented = fc
      .tuple(fc.integer({ min: 0, max: lines.length - 1 }), fc.array(fc.nat(), { maxLength: 6 }))
      .map(([block, places]) => insertComments(lines[block] ?? '', places))
    fc.assert(
      fc.property(commented, (text) => {
        fc.pre(parseFile({ id: 0, path: 't.fbac', text }).diagnostics.length === 0)
        const once = format(text)
        expect(commentsOf(once)).toEqual(commentsOf(text))
        expect(format(once)).toBe(once)
      }),
      { numRuns: 3000 },
    )
  })

  test('sorts clauses, aligns relations, and keeps one blank line of the author', () => {
    const text = `@id("r") allow read on d: Doc to User fields a
    because   "x" unless d.b when d.a // why


entity E { role a: A, role bb: B
  role ccc: A|B
  /// About x.
  x?: String }
const n = 50_000
// last`
    expect(format(text)).toBe(`@id("r")
allow read on d: Doc to User
  when d.a                                         // why
  unless d.b
  fields a
  because "x"

entity E {
  role a:   A
  role bb:  B
  role ccc: A | B
  /// About x.
  x?: String
}
const n = 50_000
// last
`)
  })

  test('gives a text with errors back as it was', () => {
    const text = 'allow   read on'
    expect(formatFile(text)).toMatchObject({ text, diagnostics: [{ code: 'F1022' }] })
  })
})

const hidden = (key: string, value: unknown) =>
  key === 'comments' || key === 'leading' ? undefined : typeof value === 'bigint' ? `${value}` : value

function commentsOf(text: string): string[] {
  const { file } = parseFile({ id: 0, path: 't.fbac', text })
  const all = [...file.items.flatMap((item) => [...item.leading, ...item.comments]), ...file.trailing]
  return all.map((comment) => comment.text.replace(/^\/+ ?/, '')).sort()
}

/** Puts numbered comments at ends of lines, as a person would; the next word then stands on a line of its own. */
function insertComments(text: string, places: readonly number[]): string {
  const words = text.split(/(?<=[\s,{}()])/)
  places.forEach((place, index) => {
    const at = place % (words.length + 1)
    words.splice(at, 0, index % 3 === 2 ? `\n  // c${index}\n  ` : ` // c${index}\n  `)
  })
  return words.join('')
}
