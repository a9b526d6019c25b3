import { organizationId } from '../organization-routes.ts'
import { createOrganizationStore, type Organization } from '../organization-store.ts'
import { diffMembers } from './document.ts'
import { DocumentMistake } from './document-mistake.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/** The document's name is the organization's id. */
export const organizationKind: DocumentKind<Specs['Organization']> = {
  async apply(work, { name: id }, { name = id, status, domains, parent }) {
    if (!organizationId.safeParse(id).success)
      throw new DocumentMistake('/name', 'invalid_name', 'This is no id of an organization.')
    const store = storeOf(work)
    const wanted: Organization = { id, name, status, domains, ...(parent === undefined ? {} : { parent }) }
    const before = await store.find(id)
    if (!before) {
      await store.create(work.unit, wanted)
      return { result: 'created', target: id }
    }
    const diff = diffMembers(before, wanted)
    if (diff.length > 0) await store.update(work.unit, before, wanted)
    return { result: diff.length > 0 ? 'changed' : 'unchanged', diff, target: id }
  },
  remove: (work, name) => storeOf(work).remove(work.unit, name),
  async export(work) {
    const all = await storeOf(work).list(undefined, 100_000)
    return all.map(({ id, ...spec }) => ({ name: id, spec }))
  },
}

const storeOf = ({ admin, tenantId }: Work) => createOrganizationStore(admin.kernel.database, tenantId)
