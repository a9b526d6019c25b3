import { type Diagnostic, diagnosticsToJson, runTests } from '../../policy-lang/index.ts'
import { type Compiler, createCompiler } from './compile-watched.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { readOptions } from './read-options.ts'
import { readPolicies, readShippedPolicies } from './read-policies.ts'
import { reportDiagnostics } from './report-diagnostics.ts'
import { watchFiles } from './watch-files.ts'

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    watch: { type: 'boolean' },
    shipped: { type: 'boolean' },
  })
  const compile = createCompiler()
  const test = () => testOnce(positionals, values.shipped === true, { format, io, compile })
  const code = await test()
  if (!values.watch) return code
  await watchFiles(positionals, io, test)
  return exit.fine
}

async function testOnce(
  paths: readonly string[],
  isShipped: boolean,
  { format, io, compile }: { readonly format: string; readonly io: CommandIo; readonly compile: Compiler },
): Promise<number> {
  const own = readPolicies(paths, io.folder)
  const { evaluator, diagnostics, sources } = compile([...(isShipped ? readShippedPolicies() : []), ...own])
  if (!evaluator) {
    if (format === 'json')
      await io.out(`${JSON.stringify({ diagnostics: diagnosticsToJson(diagnostics, sources), tests: [] })}\n`)
    else reportDiagnostics(diagnostics, sources, io)
    return exit.no
  }
  const report = runTests(evaluator.program, (facts, request, options) => evaluator.decide(facts, request, options))
  const failures: Diagnostic[] = report.cases.flatMap((item) =>
    item.failures.map(({ message, span }) => ({
      code: 'F6010',
      severity: 'error' as const,
      span,
      message: `${item.title}: ${message}`,
      notes: [],
    })),
  )
  if (format === 'json') {
    const tests = report.cases.map(({ title, failures: found }) => ({ title, passed: found.length === 0 }))
    await io.out(
      `${JSON.stringify({ diagnostics: diagnosticsToJson([...diagnostics, ...failures], sources), tests })}\n`,
    )
  } else {
    reportDiagnostics([...diagnostics, ...failures], sources, io)
    await io.out(`${report.passed} passed, ${report.failed} failed\n`)
  }
  return report.failed > 0 ? exit.no : exit.fine
}
