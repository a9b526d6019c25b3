import { type Decide, type Diagnostic, diagnosticsToJson, runTests } from '../../policy-lang/index.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { watchLongWork } from './long-work.ts'
import { readPolicies, readShippedPolicies, sizeOf } from './read-policies.ts'
import { reportDiagnostics } from './report-diagnostics.ts'
import { runWatched, type WatchedAsk } from './run-watched.ts'

export const run = (args: readonly string[], io: CommandIo): Promise<number> => runWatched(args, io, testOnce)

async function testOnce(asked: WatchedAsk, io: CommandIo): Promise<number> {
  const { paths, isShipped, format, compile } = asked
  const own = readPolicies(paths, io.folder)
  const work = watchLongWork(io, { size: sizeOf(own), isAsked: asked.isProgressAsked })
  const { evaluator, diagnostics, sources } = compile([...(isShipped ? readShippedPolicies() : []), ...own])
  if (!evaluator) {
    work.end()
    if (format === 'json')
      await io.out(`${JSON.stringify({ diagnostics: diagnosticsToJson(diagnostics, sources), tests: [] })}\n`)
    else reportDiagnostics(diagnostics, sources, io)
    return exit.no
  }
  work.begin('testing', evaluator.program.tests.length)
  const decide: Decide = (facts, request, options) => evaluator.decide(facts, request, options)
  const report = runTests(evaluator.program, decide, work.step)
  work.end()
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
