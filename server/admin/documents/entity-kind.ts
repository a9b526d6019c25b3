import type { JsonValue } from '../../decision/decision-point.ts'
import { createEntityRows } from '../entity-store.ts'
import { isEntityType, readEntityInput } from '../read-entity.ts'
import { entity } from '../request.ts'
import { diffMembers } from './document.ts'
import { DocumentMistake } from './document-mistake.ts'
import type { Specs } from './specs.ts'
import { type DocumentKind, resolveNames, unresolveNames } from './work.ts'

/** Named `Type/id`. */
export const entityKind: DocumentKind<Specs['Entity']> = {
  async apply(work, { name }, spec) {
    const uid = uidOf(name)
    const program = await work.program()
    // Documents are JSON: they came through a strict reader.
    const attributes = resolveNames(work, spec.attributes as JsonValue) as { readonly [member: string]: JsonValue }
    const parents = resolveNames(work, spec.parents) as typeof spec.parents
    const read = readEntityInput(program, uid, { attributes, parents })
    const [mistake] = read.mistakes
    if (mistake)
      throw new DocumentMistake(
        `/spec${mistake.pointer}`,
        mistake.code,
        read.mistakes.map(({ message }) => message).join(' '),
      )
    const rows = createEntityRows(work.admin.kernel.database, work.tenantId)
    const before = await rows.find(uid)
    const cycle = await rows.findCycle(program, uid, read.attributes)
    if (cycle) throw new DocumentMistake('/spec/parents', 'link_cycle', cycle)
    const isPut = await rows.put(work.unit, uid, read.attributes)
    if (isPut) work.unit.audit({ action: 'entity.put', resource: uid })
    if (!before) return { result: 'created', target: name }
    return {
      result: isPut ? 'changed' : 'unchanged',
      diff: diffMembers(before.attributes, read.attributes),
      target: name,
    }
  },
  async remove(work, name) {
    const isRemoved = await createEntityRows(work.admin.kernel.database, work.tenantId).remove(work.unit, uidOf(name))
    if (isRemoved) work.unit.audit({ action: 'entity.remove', resource: uidOf(name) })
  },
  async export(work) {
    const program = await work.program()
    const rows = createEntityRows(work.admin.kernel.database, work.tenantId)
    const types = (await rows.types()).filter((type) => isEntityType(program, type)).sort()
    const found = await Promise.all(types.map((type) => rows.list(type, undefined, 1_000_000)))
    return found.flat().map(({ uid, attributes }) => ({
      name: `${uid.type}/${uid.id}`,
      // Links are attributes, so parents need not be said again.
      spec: { attributes: unresolveNames(work, attributes) },
    }))
  },
}

function uidOf(name: string) {
  const slash = name.indexOf('/')
  if (slash < 1 || slash === name.length - 1)
    throw new DocumentMistake('/name', 'invalid_name', 'An entity is named Type/id.')
  return entity(name.slice(0, slash), name.slice(slash + 1))
}
