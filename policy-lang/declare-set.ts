// The stages that make declarations of items (SPEC 7), and what is kept of them while no declaration changes.
import type * as ast from './ast/nodes.ts'
import { type CheckedDeclarations, checkDeclarations } from './check/check-declarations.ts'
import { checkStratification } from './check/stratify.ts'
import { lowerSchema, type Schema } from './ir/lower-program.ts'
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

/** The declarations of a set. */
export type DeclaredSet = CheckedDeclarations & {
  readonly diagnostics: readonly Diagnostic[]
  /** Absent exactly when an error stands among the diagnostics. */
  readonly schema?: Schema
  readonly files: readonly DeclaringFile[]
}

/** All of a file that declarations can hang on. */
type DeclaringFile = Omit<PlacedFile, 'items'> & {
  readonly declarations: readonly ast.Item[]
  readonly beginsWithModule: boolean
}

/** ORDER: each stage uses what the ones above it filled in; none stops at a mistake. */
const stages: readonly { readonly stage: string; run(environment: Environment, reporter: Reporter): void }[] = [
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

/** Resolves and checks every declaration, or takes over what an earlier compilation found of the very same ones. */
export function declareSet(placed: readonly PlacedFile[], previous?: DeclaredSet): DeclaredSet {
  const files = placed.map(declaringFile)
  if (previous && isSame(files, previous.files)) return previous
  const reporter = createReporter()
  const { units, spaces } = placeFiles(placed, reporter)
  const environment = declareNames(units, spaces, reporter)
  for (const { run } of stages) run(environment, reporter)
  const checked = checkDeclarations(environment, reporter)
  const diagnostics = reporter.diagnostics()
  const isWhole = diagnostics.every((found) => found.severity !== 'error')
  return {
    ...checked,
    diagnostics,
    ...(isWhole ? { schema: lowerSchema(checked) } : {}),
    files,
  }
}

/** Without the rules: an old set of them must not live on here. */
const declaringFile = ({ items: { declarations, beginsWithModule }, ...place }: PlacedFile): DeclaringFile => ({
  ...place,
  declarations,
  beginsWithModule,
})

/** Items are the same where they are the same object: a parse takes over what stands there unchanged. */
const isSame = (left: readonly DeclaringFile[], right: readonly DeclaringFile[]): boolean =>
  left.length === right.length && left.every((file, index) => isSameFile(file, right[index]))

function isSameFile(left: DeclaringFile, right: DeclaringFile | undefined): boolean {
  return (
    left.path === right?.path &&
    left.layer === right.layer &&
    left.organization === right.organization &&
    left.module === right.module &&
    left.beginsWithModule === right.beginsWithModule &&
    left.declarations.length === right.declarations.length &&
    left.declarations.every((item, index) => item === right.declarations[index])
  )
}
