import { describe, expect, test } from '@jest/globals'
import { compileProgram, parseProgram, runTests, serialiseProgram } from '../../../policy-lang/index.ts'
import { programHash } from '../../../policy-lang/ir/canonical.ts'
import { readCases } from '../cases/read-cases.ts'

describe('programs as JSON (SPEC 7)', () => {
  test.each(readCases('accepted'))('$name reads back as the same program', ({ files }) => {
    const { program } = compileProgram(files)
    if (!program) throw new Error('no program')
    const read = parseProgram(serialiseProgram(program))
    if (!read) throw new Error('not read')
    expect(read).toEqual(program)
    expect(programHash(read)).toBe(program.hash)
    expect(runTests(read)).toEqual(runTests(program))
  })

  test('a text of another format is refused', () => {
    const { program } = compileProgram([{ path: 'a.fbac', text: 'entity A {\n}\n' }])
    if (!program) throw new Error('no program')
    const text = serialiseProgram(program)
    expect(parseProgram(text.replace('"format":1', '"format":2'))).toBeUndefined()
    expect(parseProgram('{"format":1,"shared":[],"program":{}}')).toBeUndefined()
  })

  test('a wire name that looks like a word of the format survives', () => {
    const text = '@wire("$map")\nentity A {\n  x: Int\n}\naction a on A by User\nallow a on A to User\n  fields x\n'
    const { program } = compileProgram([{ path: 'a.fbac', text }])
    if (!program) throw new Error('no program')
    expect(parseProgram(serialiseProgram(program))).toEqual(program)
  })
})
