import { expect, test } from '@jest/globals'
import { compileProgram } from '../../../policy-lang/index.ts'

const codesOf = (text: string) => compileProgram([{ path: 'a.fbac', text }]).diagnostics.map((entry) => entry.code)

test.each([
  ['a control', 'const a = \u0000 1\n', 'F1002'],
  ['a bidirectional control', 'const a = \u202e 1\n', 'F1004'],
  ['a letter that is no name', 'const a = 1 é\n', 'F1010'],
])('%s outside a string is told once (SPEC 2.1)', (_, text, code) => {
  expect(codesOf(text)).toEqual([code])
})
