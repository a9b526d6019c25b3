import { describe, expect, test } from '@jest/globals'
import {
  compileProgram,
  formatFile,
  newestEdition,
  parseProgram,
  serialiseProgram,
} from '../../../policy-lang/index.ts'

const files = [{ path: 'a.fbac', text: 'entity Note { owner: User }\naction read on Note by User\n' }]

describe('edition of a set (SPEC 6.12)', () => {
  test('a set that says none is of the newest, and a program says its own', () => {
    expect(compileProgram(files).program?.edition).toBe(newestEdition)
    expect(compileProgram(files, { edition: 1 }).program?.edition).toBe(1)
  })

  test('an edition that is not known is an error, and there is no program', () => {
    for (const edition of [0, 2, 1.5, Number.NaN]) {
      const { program, diagnostics } = compileProgram(files, { edition })
      expect(program).toBeUndefined()
      expect(diagnostics.map(({ code }) => code)).toEqual(['F5901'])
      expect(diagnostics[0]?.message).toContain('this compiler knows 1')
    }
  })

  test('a node refuses a stored program of an edition that it does not know', () => {
    const { program } = compileProgram(files)
    if (!program) throw new Error('the set is right')
    expect(parseProgram(serialiseProgram(program))?.hash).toBe(program.hash)
    expect(parseProgram(serialiseProgram({ ...program, edition: 2 }))).toBeUndefined()
  })

  test('upgrading to the same edition only formats', () => {
    expect(formatFile('const  x=1', 'a.fbac', { from: 1, to: 1 }).text).toBe(formatFile('const  x=1').text)
  })
})
