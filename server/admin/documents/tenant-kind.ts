import type { Actor } from '../../events/unit-of-work.ts'
import type { Admin } from '../request.ts'
import { diffMembers } from './document.ts'
import type { Specs } from './specs.ts'
import type { Applied } from './work.ts'

/** A tenant of its own; pruning never deletes one. */
export async function applyTenant(admin: Admin, actor: Actor, id: string, spec: Specs['Tenant']): Promise<Applied> {
  const { tenants } = admin.kernel
  const { name, registration, status, issuer } = spec
  const wanted = {
    ...(name === undefined ? {} : { name }),
    ...(registration === undefined ? {} : { registration }),
    ...(status === undefined ? {} : { status }),
    ...(issuer === undefined ? {} : { issuer }),
  }
  const before = await tenants.find(id)
  if (!before) {
    await tenants.create(actor, { id, name: id, ...wanted })
    return { result: 'created', target: id }
  }
  const stored = Object.fromEntries(Object.entries(before).filter(([member]) => member in wanted))
  const diff = diffMembers(stored, wanted)
  if (diff.length > 0) await tenants.update(actor, id, wanted)
  return { result: diff.length > 0 ? 'changed' : 'unchanged', diff, target: id }
}
