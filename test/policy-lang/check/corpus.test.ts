import { describe, expect, test } from '@jest/globals'
import { codes, compileProgram, createEvaluator, renderDiagnostics, runTests } from '../../../policy-lang/index.ts'
import { readCases, saidAbout } from '../cases/read-cases.ts'

const refused = readCases('refused')
const accepted = readCases('accepted')

describe('refused and told (SPEC 2 to 9)', () => {
  test.each(refused)('$clause ($name)', ({ files, expected }) => {
    expect(saidAbout(files)).toEqual(expected)
  })

  test('every code of names, types, flows, layers and tests is shown by a case', () => {
    const shown = new Set(refused.flatMap((entry) => entry.expected.map((line) => line.split(' ')[0])))
    // F8102 needs more text than a case should have, and has a test of its own below; F6010 is told when tests are run (server/cli).
    const elsewhere = ['F8102', 'F6010']
    const mine = Object.keys(codes).filter((code) => /^F([234569]|81)/.test(code) && !elsewhere.includes(code))
    expect(mine.filter((code) => !shown.has(code))).toEqual([])
  })

  test('a program is absent exactly when an error stands', () => {
    for (const { files } of [...refused, ...accepted]) {
      const { program, diagnostics } = compileProgram(files)
      expect(program === undefined).toBe(diagnostics.some((entry) => entry.severity === 'error'))
    }
  })
})

describe('accepted, and their tests pass', () => {
  test.each(accepted)('$clause ($name)', ({ files }) => {
    const { program, diagnostics, sources } = compileProgram(files)
    const errors = diagnostics.filter((entry) => entry.severity === 'error')
    expect(renderDiagnostics(errors, sources, { color: false })).toBe('')
    if (!program) throw new Error('no program')
    expect(runTests(program).cases.flatMap((entry) => entry.failures)).toEqual([])
    expect(runTests(program, createEvaluator(program).decide).failed).toBe(0)
  })
})

describe('limits', () => {
  test('refuses a set of more than 100,000 rules (SPEC 6)', () => {
    const schema = 'action read on User by User\n'
    const rules = (count: number) => 'allow read on User to User\n'.repeat(count)
    const set = (count: number) => [
      { path: 'a.fbac', text: schema + rules(50_000) },
      { path: 'b.fbac', text: rules(count - 50_000) },
    ]
    expect(compileProgram(set(100_000)).diagnostics).toEqual([])
    expect(compileProgram(set(100_001)).diagnostics.map((entry) => entry.message)).toEqual([
      'a set has at most 100000 rules, and this one has 100001',
    ])
  })
})
