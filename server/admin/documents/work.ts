import type { Program } from '../../../policy-lang/index.ts'
import type { JsonValue } from '../../decision/decision-point.ts'
import type { UnitOfWork } from '../../events/unit-of-work.ts'
import type { Admin } from '../request.ts'
import { canonical, type Document, type DocumentResult, type MemberChange } from './document.ts'

/** One tenant's share of a set of documents, inside its transaction. */
export type Work = {
  readonly admin: Admin
  readonly tenantId: string
  readonly unit: UnitOfWork
  readonly now: number
  /** Who applies, as `type:id`. */
  readonly by: string
  /** Where nothing is kept, nothing slow is done for its own sake. */
  readonly isPlan: boolean
  /** With the sets of these documents active. */
  readonly program: () => Promise<Program>
  /** What earlier documents made, by kind and name. */
  readonly names: DocumentNames
}

export type Applied = {
  readonly result: DocumentResult
  readonly diff?: readonly MemberChange[]
  /** What stands under the document's name: an account's id, a tuple. */
  readonly target: JsonValue
  /** Made here and shown once. */
  readonly secret?: { readonly [name: string]: string }
}

export type DocumentKind<Spec> = {
  apply(work: Work, document: Document, spec: Spec): Promise<Applied>
  /** Takes away what was made under the name. */
  remove(work: Work, name: string, target: JsonValue): Promise<void>
  /** Everything of the kind, as documents that make it again. Secrets are left out: an absent one leaves what is stored. */
  export(work: Work): Promise<readonly Omit<Document, 'kind'>[]>
}

/** The table `document_name` of one tenant, read once and kept in step. */
export type DocumentNames = {
  targetOf(kind: string, name: string): JsonValue | undefined
  nameOf(kind: string, target: JsonValue): string | undefined
  all(): readonly { readonly kind: string; readonly name: string; readonly target: JsonValue }[]
  put(kind: string, name: string, target: JsonValue): Promise<void>
  remove(kind: string, name: string): Promise<void>
}

export async function readDocumentNames(admin: Admin, tenantId: string): Promise<DocumentNames> {
  const { database } = admin.kernel
  const rows: { kind: string; name: string; target: JsonValue }[] = await database
    .table('document_name')
    .select('kind', 'name', 'target')
    .where('tenant_id', tenantId)
  const key = (kind: string, name: string) => JSON.stringify([kind, name])
  const byName = new Map(rows.map((row) => [key(row.kind, row.name), row]))
  const byTarget = new Map(rows.map((row) => [JSON.stringify([row.kind, canonical(row.target)]), row.name]))
  return {
    targetOf: (kind, name) => byName.get(key(kind, name))?.target,
    nameOf: (kind, target) => byTarget.get(JSON.stringify([kind, canonical(target)])),
    all: () => [...byName.values()],
    async put(kind, name, target) {
      const known = byName.get(key(kind, name))
      if (known && canonical(known.target) === canonical(target)) return
      byName.set(key(kind, name), { kind, name, target })
      byTarget.set(JSON.stringify([kind, canonical(target)]), name)
      await database
        .table('document_name')
        .insert({ tenant_id: tenantId, kind, name, target: JSON.stringify(target) })
        .onConflict(['tenant_id', 'kind', 'name'])
        .merge(['target'])
    },
    async remove(kind, name) {
      byName.delete(key(kind, name))
      await database.table('document_name').where({ tenant_id: tenantId, kind, name }).delete()
    },
  }
}

/** `{type: User, id: alice}` may use the name of a User document; everything else stays (surface.md, CLI). */
export function resolveNames(work: Work, json: JsonValue): JsonValue {
  return replaceUsers(json, (id) => {
    const target = work.names.targetOf('User', id)
    return typeof target === 'string' ? target : id
  })
}

/** The way back, for export. */
export const unresolveNames = (work: Work, json: JsonValue): JsonValue =>
  replaceUsers(json, (id) => work.names.nameOf('User', id) ?? id)

function replaceUsers(json: JsonValue, replace: (id: string) => string): JsonValue {
  if (typeof json !== 'object' || json === null) return json
  if (isList(json)) return json.map((item) => replaceUsers(item, replace))
  if (json.type === 'User' && typeof json.id === 'string') return { ...json, id: replace(json.id) }
  return Object.fromEntries(Object.entries(json).map(([name, member]) => [name, replaceUsers(member, replace)]))
}

/** `Array.isArray` does not narrow readonly lists. */
const isList = (json: object): json is readonly JsonValue[] => Array.isArray(json)
