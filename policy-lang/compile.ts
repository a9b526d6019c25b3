// THE TABLE: the order in which policy text becomes a program (SPEC 7). Strings in, diagnostics and a program out.
import { identityLibrary, identityPath } from './builtins/identity-library.ts'
import { checkSet } from './check/check-set.ts'
import { flowRules } from './check/flows.ts'
import { checkStratification } from './check/stratify.ts'
import { type ParseMemory, parseFile } from './grammar/parse.ts'
import { lowerProgram } from './ir/lower-program.ts'
import type { Layer, Program } from './ir/program.ts'
import { sourceVersion } from './ir/source-version.ts'
import { verifyProgram } from './ir/verify.ts'
import { resolveActions } from './resolve/actions.ts'
import { declareNames } from './resolve/declare.ts'
import { resolveMembers } from './resolve/entity-members.ts'
import type { Environment } from './resolve/environment.ts'
import { resolveImports } from './resolve/imports.ts'
import { resolveOrganizationPaths } from './resolve/organization-path.ts'
import { resolveRelations } from './resolve/relations.ts'
import { createReporter, type Reporter } from './resolve/reporter.ts'
import { resolveAliases, resolveSignatures } from './resolve/signatures.ts'
import { resolveStandardContext } from './resolve/standard-context.ts'
import { type PlacedFile, placeFiles } from './resolve/units.ts'
import type { Diagnostic } from './source/diagnostic.ts'
import { inSourceOrder } from './source/diagnostic-order.ts'
import { makeSourceFile } from './source/source-file.ts'
import type { SourceFile } from './source/span.ts'

/** One file of a composed set. Layer and organization are the caller's word; without it the file's own (SPEC 6). */
export type PolicyFile = {
  readonly path: string
  readonly text: string | Uint8Array
  readonly layer?: Layer
  readonly organization?: string
}

export type CompileOptions = {
  /** What an earlier compilation left: unchanged items are not parsed again. */
  readonly memory?: ParseMemory
}

export type CompileResult = {
  /** Absent exactly when an error stands among the diagnostics. */
  readonly program?: Program
  /** In source order, each mistake once. */
  readonly diagnostics: readonly Diagnostic[]
  readonly sources: readonly SourceFile[]
  readonly memory: ParseMemory
}

/** ORDER: each stage uses what the ones above it filled in; none stops at a mistake. */
const resolveStages: readonly { readonly stage: string; run(environment: Environment, reporter: Reporter): void }[] = [
  { stage: 'imports', run: resolveImports },
  { stage: 'aliases', run: resolveAliases },
  { stage: 'entity members', run: resolveMembers },
  { stage: 'organization paths', run: resolveOrganizationPaths },
  { stage: 'standard context', run: resolveStandardContext },
  { stage: 'externs and advice', run: resolveSignatures },
  { stage: 'actions', run: (environment, reporter) => resolveActions({ environment, reporter }) },
  { stage: 'relations', run: (environment, reporter) => resolveRelations({ environment, reporter }) },
  { stage: 'stratification', run: checkStratification },
]

/**
 * Compiles a composed set: every mistake at once, or a program.
 *
 * @example compileProgram([{ path: 'drive.fbac', text }]).program?.rules
 */
export function compileProgram(files: readonly PolicyFile[], options: CompileOptions = {}): CompileResult {
  const reporter = createReporter()
  const parsed = parseFiles(files, options.memory)
  const { units, spaces } = placeFiles(parsed.placed, reporter)
  const environment = declareNames(units, spaces, reporter)
  for (const { run } of resolveStages) run(environment, reporter)
  const checked = checkSet(environment, reporter)
  const partitions = flowRules(checked.drafts, environment, reporter)
  const diagnostics = inSourceOrder(withoutEchoes([...parsed.diagnostics, ...reporter.diagnostics()]))
  const result = { diagnostics, sources: parsed.sources, memory: parsed.memory }
  if (diagnostics.some((entry) => entry.severity === 'error')) return result
  const version = {
    version: sourceVersion(parsed.placed, parsed.sources),
    files: parsed.sources.map((file) => file.path),
  }
  const program = lowerProgram(environment, checked, partitions, version)
  verifyProgram(program)
  return { program, ...result }
}

/** A rule with a mistake allows nothing, so that an action is never allowed is told only of sets without errors. */
const withoutEchoes = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.some((entry) => entry.severity === 'error')
    ? diagnostics.filter((entry) => entry.code !== 'F9001')
    : diagnostics

type Parsed = {
  readonly placed: readonly PlacedFile[]
  readonly sources: readonly SourceFile[]
  readonly diagnostics: readonly Diagnostic[]
  readonly memory: ParseMemory
}

/** In order of path, so that nothing hangs on the order in which files came; the library of `writ:identity` is always last. */
function parseFiles(files: readonly PolicyFile[], memory?: ParseMemory): Parsed {
  const library: PolicyFile & { module?: string } = {
    path: identityPath,
    text: identityLibrary,
    layer: 'platform',
    module: identityPath,
  }
  const placed: PlacedFile[] = []
  const sources: SourceFile[] = []
  const diagnostics: Diagnostic[] = []
  const items: ParseMemory['items'] = new Map()
  let last = memory
  for (const file of [...inOrder(files), library]) {
    const made = makeSourceFile(sources.length, file.path, file.text)
    const tree = parseFile(made.source, last && { shapes: last.shapes, items: memory?.items ?? new Map() })
    for (const [key, item] of tree.memory.items) items.set(key, item)
    last = { shapes: tree.memory.shapes, items }
    sources.push(made.source)
    diagnostics.push(...made.diagnostics, ...tree.diagnostics)
    placed.push({ ...file, file: tree.file })
  }
  return { placed, sources, diagnostics, memory: last ?? { shapes: new Map(), items } }
}

/** The same file twice is one file. */
function inOrder(files: readonly PolicyFile[]): PolicyFile[] {
  const byKey = new Map<string, PolicyFile>()
  for (const file of files) {
    const text = typeof file.text === 'string' ? file.text : new TextDecoder().decode(file.text)
    byKey.set(JSON.stringify([file.path, file.layer ?? null, file.organization ?? null, text]), file)
  }
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)
}
