import { describe, expect, test } from '@jest/globals'
import { compileProgram, createEvaluator, interpret, renderDiagnostics, runTests } from '../../../policy-lang/index.ts'
import { readCases } from './read-cases.ts'

const files = readCases('decided').map((entry) => ({ ...entry, ...compileProgram(entry.files) }))
const cases = files.flatMap(({ name, program }) =>
  (program?.tests ?? []).map((item) => ({
    name,
    title: item.title,
    program: program && { ...program, tests: [item] },
  })),
)

describe('policies of the corpus (SPEC 3, SPEC 5, SPEC 6)', () => {
  test.each(files)('$name compiles', ({ diagnostics, sources }) => {
    const errors = diagnostics.filter((entry) => entry.severity === 'error')
    expect(renderDiagnostics(errors, sources, { color: false })).toBe('')
  })

  test.each(cases)('$title ($name)', ({ program, title }) => {
    if (!program) throw new Error('it does not compile')
    expect(title).toMatch(/^SPEC \d+\.\d+: /)
    const { decide } = createEvaluator(program)
    const report = runTests(program, (facts, request, options) => {
      const decision = decide(facts, request, options)
      expect(decision).toEqual(interpret(program, facts, request, options))
      return decision
    })
    expect(report.cases.flatMap((entry) => entry.failures.map(({ message }) => message))).toEqual([])
  })
})
