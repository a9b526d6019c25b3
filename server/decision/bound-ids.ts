import type { Database, Statement } from '../../adapters/database/port.ts'
import type { EntityBinding } from './entity-binding.ts'

/** Ids of the rows of bound types, for listing. */
export type BoundIds = {
  /** At most `count` ids that follow `after` ('' for the first: no row has it), by code point (SPEC 8.2); none for other types. */
  after(tenantId: string, type: string, from: { readonly after: string; readonly count: number }): Promise<string[]>
}

export function createBoundIds(database: Database, bindings: readonly EntityBinding[]): BoundIds {
  const statements = new Map(bindings.map((binding) => [binding.type, statementOf(binding)]))
  return {
    async after(tenantId, type, { after, count }) {
      const statement = statements.get(type)
      if (!statement) return []
      // PostgreSQL has no NUL in text; no id lies between a key and what stands before its NUL.
      const key = after.replace(/\0.*$/s, '')
      const rows = await database.query<{ readonly id: string }>(statement, [tenantId, key, count])
      return rows.map(({ id }) => id)
    },
  }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

function statementOf({ type, table, idColumn, tenantColumn = 'tenant_id' }: EntityBinding): Statement {
  const id = `t.${quoted(idColumn)}::text collate "C"`
  return {
    name: `bound-ids-${type}`,
    text: `select ${id} as id from ${quoted(table)} t
where t.${quoted(tenantColumn)} = $1 and ${id} > $2 order by ${id} limit $3`,
  }
}
