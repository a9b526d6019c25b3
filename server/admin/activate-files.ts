import { renderDiagnostics } from '../../policy-lang/index.ts'
import { Refusal } from '../http/refusal.ts'
import type { Kernel } from '../kernel.ts'
import { checkGates } from './policy-gates.ts'
import { createPolicySets, type PolicyFiles } from './policy-store.ts'
import { entity } from './request.ts'

export type FilesOutcome = {
  /** False where exactly these files were active already, or something is wrong with them. */
  readonly activated: boolean
  /** What is wrong, for people, with code frames; the version before stays active. */
  readonly problems?: string
}

/**
 * Makes the set be `files`, by the same steps as the admin API: version, gates (compile, tests, nothing lost, nobody locked out),
 * swap. For files that an operator keeps on the server's own disk.
 */
export async function activatePolicyFiles(
  kernel: Kernel,
  { tenantId, set, files }: { readonly tenantId: string; readonly set: string; readonly files: PolicyFiles },
): Promise<FilesOutcome> {
  const sets = createPolicySets(kernel.database, kernel.policies, tenantId)
  const before = await sets.find(set)
  if (before?.activeVersion === kernel.policies.versionOf(files)) return { activated: false }
  const composed = await kernel.policies.compose(tenantId, set, files)
  if (!composed.policy) {
    const errors = composed.diagnostics.filter(({ severity }) => severity === 'error')
    return { activated: false, problems: renderDiagnostics(errors, composed.sources) }
  }
  const active = (await kernel.policies.current(tenantId)).program
  try {
    const { database, checkLists: lists } = kernel
    await checkGates({ database, tenantId, set, composed, active, now: kernel.clock.now(), lists })
  } catch (error) {
    if (error instanceof Refusal) return { activated: false, problems: describe(error) }
    throw error
  }
  const by = 'Operator:files'
  const actor = { tenantId, subject: entity('Anonymous', ''), reason: `files of the policy set ${set} changed on disk` }
  await kernel.withTransaction(actor, async (unit) => {
    const version = await sets.putVersion(set, files, by)
    await sets.activate(unit, set, { version, expected: before?.activeVersion, by, action: 'activate' })
  })
  await kernel.policies.settled(tenantId)
  return { activated: true }
}

/** The members that a gate gives: failing expectations with their place, or what is still used. */
function describe({ kind, options }: Refusal): string {
  const failures = (options.members?.failures ?? []) as readonly Failure[]
  const lines = failures.map(({ test, message, file, line }) => `  ${file}:${line}: test "${test}": ${message}`)
  return [`${kind.title} ${options.detail ?? ''}`.trimEnd(), ...lines].join('\n')
}

/** As `checkGates` puts them into `policy_tests_failed`. */
type Failure = { readonly test: string; readonly message: string; readonly file: string; readonly line: number }
