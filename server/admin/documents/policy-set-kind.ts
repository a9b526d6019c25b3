import { setName } from '../policy-routes.ts'
import { createPolicySets } from '../policy-store.ts'
import { diffMembers } from './document.ts'
import { DocumentMistake } from './document-mistake.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/** Versions are put and made active here; the gates judge all sets of the tenant together afterwards (`apply-documents.ts`). */
export const policySetKind: DocumentKind<Specs['PolicySet']> = {
  async apply(work, { name }, { files }) {
    if (!setName.safeParse(name).success) {
      throw new DocumentMistake('/name', 'invalid_name', 'A set is named by lower-case letters, digits and hyphens.')
    }
    const sets = setsOf(work)
    const before = await sets.find(name)
    const version = work.admin.kernel.policies.versionOf(files)
    if (before?.activeVersion === version) return { result: 'unchanged', target: name }
    const active = before?.activeVersion === undefined ? undefined : await sets.findVersion(name, before.activeVersion)
    await sets.putVersion(name, files, work.by)
    await sets.activate(work.unit, name, { version, expected: before?.activeVersion, by: work.by, action: 'activate' })
    const changed = diffMembers(active?.files ?? {}, files).map(({ member }) => ({ member: `files/${member}` }))
    return { result: before ? 'changed' : 'created', diff: changed, target: name }
  },
  remove: (work, name) => setsOf(work).remove(work.unit, name),
  async export(work) {
    const sets = setsOf(work)
    const found = await Promise.all(
      (await sets.list(undefined, 1_000)).map(async ({ name, activeVersion }) => {
        const active = activeVersion === undefined ? undefined : await sets.findVersion(name, activeVersion)
        return active ? [{ name, spec: { files: active.files } }] : []
      }),
    )
    return found.flat()
  },
}

const setsOf = ({ admin, tenantId }: Work) => createPolicySets(admin.kernel.database, admin.kernel.policies, tenantId)
