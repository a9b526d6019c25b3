import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { compileProgram, createEvaluator, interpret, runTests } from '../../../policy-lang/index.ts'

/** The examples of the design stand beside the project; copies, if any, inside the tests. */
const folders = ['../../../../shared/design/examples/', '../examples/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .filter((folder) => existsSync(folder))
const files = folders.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.fbac'))
    .map((name) => ({ name, text: readFileSync(`${folder}${name}`, 'utf8') })),
)

if (files.length === 0) {
  // biome-ignore lint/suspicious/noConsole: a skipped suite says so
  console.warn('the example policies are not here: their tests do not run')
  test('the examples are absent', () => expect(folders).toEqual([]))
} else {
  describe.each(files)('$name', ({ name, text }) => {
    const { program, diagnostics } = compileProgram([{ path: name, text }])
    const failures = (report: ReturnType<typeof runTests>) =>
      report.cases.flatMap(({ title, failures: found }) => found.map(({ message }) => `${title}: ${message}`))

    test('compiles', () => {
      expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
    })
    test('its tests pass in the interpreter and in JavaScript, with equal decisions (SPEC 7)', () => {
      if (!program) throw new Error('it does not compile')
      const { decide } = createEvaluator(program)
      const judged = runTests(program, (facts, request, options) => {
        const decision = decide(facts, request, options)
        expect(decision).toEqual(interpret(program, facts, request, options))
        return decision
      })
      expect(failures(judged)).toEqual([])
      expect(failures(runTests(program))).toEqual([])
      expect(judged.passed).toBeGreaterThan(0)
    })
  })
}
