import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { compileProgram, makeSourceFile, type PolicyFile, parseFile } from '../../../policy-lang/index.ts'

const shipped = ['administration', 'issuance'].map((name) => ({
  path: `${name}.fbac`,
  text: readFileSync(new URL(`../../../server/policy/${name}.fbac`, import.meta.url), 'utf8'),
}))

const hashOf = (files: readonly PolicyFile[]) => {
  const { program, diagnostics } = compileProgram(files)
  if (!program) throw new Error(diagnostics.map((entry) => entry.message).join('\n'))
  return program.hash
}

/** The items of a file with what stands above each; the module item stays first. */
function itemsOf(file: { path: string; text: string }): string[] {
  const { file: tree } = parseFile(makeSourceFile(0, file.path, file.text).source)
  const ends = tree.items.map((item) => item.span.end)
  return ends.map((end, index) => file.text.slice(ends[index - 1] ?? 0, end).trim())
}

/** A small generator, so that a failure can be repeated. */
function shuffler(seed: number) {
  let state = seed
  const next = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
  return <T>(list: readonly T[]): T[] => {
    const shuffled = [...list]
    for (let index = shuffled.length - 1; index > 0; index -= 1) {
      const other = next(index + 1)
      const [a, b] = [shuffled[index], shuffled[other]]
      if (a === undefined || b === undefined) continue
      shuffled[index] = b
      shuffled[other] = a
    }
    return shuffled
  }
}

const document = `entity Document {
  owner: User
  size: Int
  open: Bool
}
action read on Document by User
`
const rule = (condition: string) =>
  hashOf([{ path: 'a.fbac', text: `${document}allow read on d: Document to User\n  when ${condition}\n` }])

describe('program hash (SPEC 6, identity)', () => {
  test('1,000 shuffles of files and items give one hash', () => {
    const expected = hashOf(shipped)
    const shuffle = shuffler(7)
    const parts = shipped.map((file) => ({ path: file.path, items: itemsOf(file) }))
    const hashes = new Set<string>()
    for (let round = 0; round < 1_000; round += 1) {
      const files = parts.map(({ path, items: [first = '', ...rest] }) => ({
        path,
        text: `${[first, ...shuffle(rest)].join('\n\n')}\n`,
      }))
      hashes.add(hashOf(shuffle(files)))
    }
    expect([...hashes]).toEqual([expected])
  }, 120_000)

  test('the same bytes in any order have one source version', () => {
    const versions = [shipped, [...shipped].reverse()].map((files) => compileProgram(files).program?.sourceVersion)
    expect(versions[0]).toBe(versions[1])
    const more = shipped.map((file) => ({ ...file, text: `${file.text}// more\n` }))
    expect(compileProgram(more).program?.sourceVersion).not.toBe(versions[0])
    expect(hashOf(more)).toBe(hashOf(shipped))
  })

  test.each([
    ['order of operands', 'd.open and d.size > 3', 'd.size > 3 and d.open'],
    ['repeated operands', 'd.open or d.open', 'd.open'],
    ['order of a set', 'd.size in [1, 2]', 'd.size in [2, 1, 2]'],
    ['sides of an equality', 'd.owner == subject', 'subject == d.owner'],
    ['parentheses', '(d.open and d.size > 3) and true', 'd.open and (d.size > 3 and true)'],
    ['names of variables', 'any(x in [1]: x == d.size)', 'any(y in [1]: y == d.size)'],
  ])('does not change with %s', (_, one, other) => {
    expect(rule(one)).toBe(rule(other))
  })

  test.each([
    ['a constant', 'd.size > 3', 'd.size > 4'],
    ['and for or', 'd.open and d.size > 3', 'd.open or d.size > 3'],
    ['sides of an order', 'd.size < 3', '3 < d.size'],
    ['all for any', 'any(x in [1]: x == d.size)', 'all(x in [1]: x == d.size)'],
  ])('changes with %s', (_, one, other) => {
    expect(rule(one)).not.toBe(rule(other))
  })
})
