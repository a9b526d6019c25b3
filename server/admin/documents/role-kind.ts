import type { Role } from '../../rbac/closure.ts'
import { createRoleStore } from '../../rbac/role-store.ts'
import { diffMembers } from './document.ts'
import type { Specs } from './specs.ts'
import type { DocumentKind, Work } from './work.ts'

/** The document's name is the role's; `on` is the type that it is a role of. */
export const roleKind: DocumentKind<Specs['Role']> = {
  async apply(work, { name }, { on, description, inherits, permissions }) {
    const store = storeOf(work)
    const wanted: Role = { scopeType: on, name, description, inherits, permissions }
    const target = { on, name }
    const before = await store.find(on, name)
    if (!before) {
      await store.create(work.unit, wanted)
      return { result: 'created', target }
    }
    const { version: _, ...stored } = before
    const diff = diffMembers({ ...stored }, { ...wanted })
    if (diff.length > 0) await store.update(work.unit, wanted, undefined)
    return { result: diff.length > 0 ? 'changed' : 'unchanged', diff, target }
  },
  async remove(work, name, target) {
    const scopeType = typeof target === 'object' && target !== null && 'on' in target ? String(target.on) : ''
    await storeOf(work).remove(work.unit, { scopeType, name })
  },
  async export(work) {
    const all = await storeOf(work).all()
    return all.map(({ scopeType, name, description, inherits, permissions }) => ({
      name,
      spec: { on: scopeType, description, inherits, permissions },
    }))
  },
}

const storeOf = ({ admin, tenantId }: Work) => createRoleStore(admin.kernel.database, tenantId)
