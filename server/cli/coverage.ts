import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { compileProgram, measureCoverage } from '../../policy-lang/index.ts'
import { coverageHtml, coverageText, type LocatedCoverage, locateCoverage } from './coverage-report.ts'
import { exit } from './exit-codes.ts'
import type { CommandIo } from './io.ts'
import { watchLongWork } from './long-work.ts'
import { readEdition } from './read-edition.ts'
import { readOptions } from './read-options.ts'
import { readPolicies, sizeOf } from './read-policies.ts'
import { hasErrors, reportDiagnostics } from './report-diagnostics.ts'
import { UsageMistake } from './usage-mistake.ts'

export async function run(args: readonly string[], io: CommandIo): Promise<number> {
  const { values, positionals, format } = readOptions(args, {
    threshold: { type: 'string' },
    html: { type: 'string' },
    edition: { type: 'string' },
    progress: { type: 'boolean' },
  })
  const threshold = readThreshold(values.threshold)
  const own = readPolicies(positionals, io.folder)
  const work = watchLongWork(io, { size: sizeOf(own), isAsked: values.progress === true })
  const { program, diagnostics, sources } = compileProgram(own, { edition: readEdition(values.edition) })
  if (!program || hasErrors(diagnostics)) {
    work.end()
    reportDiagnostics(diagnostics, sources, io)
    return exit.no
  }
  work.begin('measuring coverage of', program.tests.length)
  const coverage = locateCoverage(measureCoverage(program, work.step), sources)
  work.end()
  if (values.html !== undefined) writeHtml(resolve(io.folder, values.html), coverage)
  await io.out(format === 'json' ? `${JSON.stringify(coverage)}\n` : coverageText(coverage))
  return isEnough(coverage, threshold) ? exit.fine : exit.no
}

type Threshold = { readonly rules: number; readonly conditions: number }

/** `80` is for rules and conditions alike, `100,80` says both in percent. Without it nothing is demanded. */
function readThreshold(text: string | undefined): Threshold {
  if (text === undefined) return { rules: 0, conditions: 0 }
  const match = /^(\d{1,3})(?:,(\d{1,3}))?$/.exec(text)
  const rules = Number(match?.[1])
  const conditions = Number(match?.[2] ?? match?.[1])
  if (!match || rules > 100 || conditions > 100)
    throw new UsageMistake('--threshold is a percentage such as 80, or 100,80 for rules and conditions')
  return { rules, conditions }
}

/** Compared without rounding: 799 of 1,000 is not 80 %. A deny has to be shown both denying and not (SPEC 9). */
const isEnough = ({ summary }: LocatedCoverage, threshold: Threshold): boolean =>
  summary.coveredRules * 100 >= threshold.rules * summary.rules &&
  summary.coveredConditions * 100 >= threshold.conditions * summary.conditions

function writeHtml(file: string, coverage: LocatedCoverage): void {
  try {
    writeFileSync(file, coverageHtml(coverage))
  } catch (error) {
    throw new UsageMistake(`cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
