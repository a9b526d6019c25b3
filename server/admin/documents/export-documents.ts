import { stringify } from 'yaml'
import type { Actor } from '../../events/unit-of-work.ts'
import type { Admin } from '../request.ts'
import { documentKinds } from './apply-documents.ts'
import { type Document, kindNames } from './document.ts'
import { readDocumentNames, type Work } from './work.ts'

/** The state of one tenant as documents that make it again. Secrets are left out: an absent one leaves what is stored. */
export async function exportDocuments(admin: Admin, actor: Actor, now: number): Promise<Document[]> {
  const { kernel } = admin
  const { tenantId } = actor
  const policy = await kernel.policies.current(tenantId)
  const names = await readDocumentNames(admin, tenantId)
  const { value } = await kernel.withTransaction(actor, async (unit) => {
    unit.recordOnly()
    unit.audit({ action: 'documents.export', resource: { kind: 'entity', type: 'Tenant', id: tenantId } })
    const by = `${actor.subject.type}:${actor.subject.id}`
    const work: Work = { admin, tenantId, unit, now, by, isPlan: true, program: async () => policy.program, names }
    const documents: Document[] = []
    for (const kind of kindNames) {
      if (kind === 'Tenant') continue
      for (const document of await documentKinds[kind].export(work)) documents.push({ kind, ...document })
    }
    return documents
  })
  return value
}

/** Multi-document YAML. */
export const writeDocuments = (documents: readonly Document[]): string =>
  documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n')
