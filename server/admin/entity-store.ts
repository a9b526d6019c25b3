import type { Database, Statement } from '../../adapters/database/port.ts'
import type { EntityValue, Json, Program } from '../../policy-lang/index.ts'
import { parseStrictJson } from '../../policy-lang/index.ts'
import type { UnitOfWork } from '../events/unit-of-work.ts'
import { jsonText } from '../http/write-reply.ts'
import { limits } from './limits.ts'
import { parentsOf } from './read-entity.ts'

export type StoredEntity = {
  readonly uid: EntityValue
  readonly attributes: { readonly [name: string]: Json }
  readonly version: number
}
type Attributes = StoredEntity['attributes']

/** Entities of the types that a tenant's own policies declare. Changes are made inside `withTransaction`. */
export function createEntityRows(database: Database, tenantId: string) {
  const find = async ({ type, id }: EntityValue): Promise<StoredEntity | undefined> => {
    const [row] = await database.query<EntityRow>(findEntity, [tenantId, type, id])
    return row && entityOf(row)
  }
  return {
    find,
    async list(type: string, after: string | undefined, limit: number): Promise<StoredEntity[]> {
      const rows = await database.query<EntityRow>(listEntities, [tenantId, type, after ?? '', limit])
      return rows.map(entityOf)
    },
    async types(): Promise<string[]> {
      const rows: { readonly type: string }[] = await database
        .table('entity')
        .distinct('type')
        .where('tenant_id', tenantId)
      return rows.map(({ type }) => type)
    },
    /** False if it stood there so. */
    async put(unit: UnitOfWork, uid: EntityValue, attributes: Attributes): Promise<boolean> {
      const rows = await database.query(putEntity, [tenantId, uid.type, uid.id, jsonText(attributes)])
      if (rows.length > 0) unit.changed({ kind: 'entity', entity: { type: uid.type, id: uid.id } })
      return rows.length > 0
    },
    async remove(unit: UnitOfWork, uid: EntityValue): Promise<boolean> {
      const rows = await database.query(deleteEntity, [tenantId, uid.type, uid.id])
      if (rows.length > 0) unit.changed({ kind: 'entity', entity: { type: uid.type, id: uid.id } })
      return rows.length > 0
    },
    /** Would it lie below itself? Then the way up, as text (SPEC 3: cycles in links are refused on write). */
    async findCycle(program: Program, uid: EntityValue, attributes: Attributes): Promise<string | undefined> {
      const linksOf = (of: EntityValue, stored: Attributes): readonly EntityValue[] => {
        const type = program.entityTypes.get(of.type)
        return type ? parentsOf(type, stored) : []
      }
      let level = linksOf(uid, attributes)
      // ORDER: two writers that each make half of a cycle see each other: the second waits until the first has committed.
      if (level.length > 0) await database.query(holdLinks, [tenantId])
      const seen = new Set<string>()
      for (let depth = 0; level.length > 0 && depth < limits.linkDepth; depth += 1) {
        const above = level.find((parent) => parent.type === uid.type && parent.id === uid.id)
        if (above) return `${uid.type} ${uid.id} would lie below itself`
        const fresh = level.filter((parent) => !seen.has(JSON.stringify([parent.type, parent.id])))
        for (const parent of fresh) seen.add(JSON.stringify([parent.type, parent.id]))
        const rows = await Promise.all(fresh.map(find))
        level = rows.flatMap((row) => (row ? linksOf(row.uid, row.attributes) : []))
      }
      return level.length > 0 ? `${uid.type} ${uid.id} lies too deep` : undefined
    },
  }
}

type EntityRow = {
  readonly type: string
  readonly id: string
  readonly attributes: string
  readonly version: string | number
}

/** As text, so that integers beyond 2^53 stay exact. */
function entityOf({ type, id, attributes, version }: EntityRow): StoredEntity {
  const parsed = parseStrictJson(attributes, { depth: 64, allowNul: true })
  if (!parsed.ok) throw new Error('a stored entity is JSON')
  // The column holds what `put` wrote, an object.
  return { uid: { kind: 'entity', type, id }, attributes: parsed.value as Attributes, version: Number(version) }
}

const holdLinks: Statement = {
  name: 'entity-hold-links',
  text: 'select position from tenant_revision where tenant_id = $1 for update',
}
const findEntity: Statement = {
  name: 'entity-find',
  text: 'select type, id, attributes::text as attributes, version from entity where tenant_id = $1 and type = $2 and id = $3',
}
const listEntities: Statement = {
  name: 'entity-list',
  text: `select type, id, attributes::text as attributes, version from entity
where tenant_id = $1 and type = $2 and id > $3 order by id limit $4`,
}
const putEntity: Statement = {
  name: 'entity-put',
  text: `
insert into entity (tenant_id, type, id, attributes) values ($1, $2, $3, $4::jsonb)
on conflict (tenant_id, type, id) do update set attributes = excluded.attributes, version = entity.version + 1, updated_at = now()
where entity.attributes is distinct from excluded.attributes
returning id`,
}
const deleteEntity: Statement = {
  name: 'entity-delete',
  text: 'delete from entity where tenant_id = $1 and type = $2 and id = $3 returning id',
}
