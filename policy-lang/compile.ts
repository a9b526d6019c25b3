// THE TABLE: the order in which policy text becomes a program (SPEC 7). Strings in, diagnostics and a program out.
import { type CheckMemory, checkSet } from './check/check-set.ts'
import { type FlowedRules, flowRules } from './check/flows.ts'
import { type DeclaredSet, declareSet } from './declare-set.ts'
import { isKnownEdition, knownEditions, newestEdition } from './editions.ts'
import { lowerProgram } from './ir/lower-program.ts'
import type { Program } from './ir/program.ts'
import { sourceVersion } from './ir/source-version.ts'
import { verifySchema } from './ir/verify.ts'
import { type ParsedSet, type PolicyFile, parseSet, type SetMemory } from './parse-set.ts'
import { createReporter } from './resolve/reporter.ts'
import type { Diagnostic } from './source/diagnostic.ts'
import { inSourceOrder } from './source/diagnostic-order.ts'
import { invariant } from './source/invariant.ts'
import { createLocate, locateDiagnostic } from './source/places.ts'
import type { SourceFile } from './source/span.ts'

export type CompileOptions = {
  /** What an earlier compilation left: what is the same since is not done again. Without it the result is the same. */
  readonly memory?: CompileMemory
  /** The set's own; the newest if it has none. An unknown one is an error (SPEC 6.12). */
  readonly edition?: number
}

/** Of use to `compileProgram` alone. Holds what belongs to one set; of a chain of edits the last is enough. */
export type CompileMemory = {
  readonly parsed: SetMemory
  readonly declared: DeclaredSet
  readonly checks: CheckMemory
  readonly flowed: FlowedRules
}

export type CompileResult = {
  /** Absent exactly when an error stands among the diagnostics. */
  readonly program?: Program
  /** In source order, each mistake once. */
  readonly diagnostics: readonly Diagnostic[]
  readonly sources: readonly SourceFile[]
  readonly memory: CompileMemory
}

/**
 * Compiles a composed set: every mistake at once, or a program.
 *
 * @example compileProgram([{ path: 'drive.fbac', text }]).program?.rules
 */
export function compileProgram(files: readonly PolicyFile[], options: CompileOptions = {}): CompileResult {
  const { memory, edition = newestEdition } = options
  const parsed = parseSet(files, memory?.parsed)
  const declared = declareSet(parsed.placed, memory?.declared)
  const reporter = createReporter()
  reporter.keep(declared.diagnostics)
  const items = parsed.placed.map((file) => file.items)
  // Whatever a declaration says may show anywhere.
  const known = memory && declared === memory.declared ? memory.checks : undefined
  const checked = checkSet(declared, items, known, reporter)
  const flowed = flowRules(checked.drafts, declared.environment, known && memory?.flowed)
  reporter.keep(flowed.diagnostics)
  if (!isKnownEdition(edition)) reporter.report('F5901', wholeSet, unknownEdition(edition))
  const diagnostics = allDiagnostics(parsed, reporter.diagnostics())
  const left = { parsed: parsed.memory, declared, checks: checked.memory, flowed }
  const result = { diagnostics, sources: parsed.sources, memory: left }
  if (diagnostics.some((entry) => entry.severity === 'error')) return result
  const version = sourceVersion(parsed.placed, parsed.sources, edition)
  const paths = parsed.sources.map((file) => file.path)
  invariant(declared.schema !== undefined, 'declarations without a mistake make a schema')
  const sources = { version, edition, files: paths, places: parsed.places }
  const program = lowerProgram(declared.schema, checked, flowed.partitions, sources)
  verifySchema(program)
  return { program, ...result }
}

/** Of no place in particular. */
const wholeSet = { file: 0, start: 0, end: 0 }
const unknownEdition = (edition: number): string =>
  `the set is of edition ${edition}, and this compiler knows ${knownEditions()}`

/** Located, in source order, each once. */
function allDiagnostics(parsed: ParsedSet, reported: readonly Diagnostic[]): readonly Diagnostic[] {
  const locate = createLocate(parsed.places)
  const located = reported.map((entry) => locateDiagnostic(entry, locate))
  return inSourceOrder(withoutEchoes([...parsed.diagnostics, ...located]))
}

/** A rule with a mistake allows nothing, so that an action is never allowed is told only of sets without errors. */
const withoutEchoes = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.some((entry) => entry.severity === 'error')
    ? diagnostics.filter((entry) => entry.code !== 'F9001')
    : diagnostics
