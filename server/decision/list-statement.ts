import type { Statement } from '../../adapters/database/port.ts'
import type { FilterTables, TableColumn } from './filter-tables.ts'
import type { ListPlace } from './list-cursor.ts'
import type { RowListing } from './row-listing.ts'

/** The rows after a place, in order. `condition`: beside what the list is about; its bindings are the last. */
export type RowsWish = {
  readonly tenantId: string
  readonly part: ListPlace['part']
  readonly after: Pick<ListPlace, 'key' | 'id'> | undefined
  readonly count: number
  readonly condition: { readonly sql: string; readonly bindings: readonly unknown[] }
}
/** Number of the first binding of `condition`: tenant, and what the list is about, are before. */
export const firstOfCondition = ({ where }: Pick<RowListing<unknown>, 'where'>): number =>
  2 + (where?.values.length ?? 0)

/** Rows with the members `$key` and `$id`. Not prepared: a filter is asked once, and planned for its own values. */
export function listStatement(
  tables: FilterTables,
  listing: RowListing<unknown>,
  wish: RowsWish,
): { readonly statement: Statement; readonly values: readonly unknown[] } {
  const { type, columns, where, order } = listing
  const table = tables.types.get(type)
  if (!table) throw new ListMistake(`${type} has no table`)
  const found = tables.columnsOf(table.table)
  const id = orderOf(found, table.idColumn)
  const key = wish.part === 'shown' && order.column !== table.idColumn ? orderOf(found, order.column) : undefined
  const values: unknown[] = [wish.tenantId, ...(where?.values ?? []), ...wish.condition.bindings]
  const bind = (value: unknown, as: string): string => {
    values.push(value)
    return `$${values.length}::${as}`
  }
  const sorted = key ? [key, id] : [id]
  const after = wish.after && { key: wish.after.key, id: wish.after.id }
  const bounds = after && (key ? [bind(after.key, key.type), bind(after.id, id.type)] : [bind(after.id, id.type)])
  const conditions = [
    `t.${quoted(table.tenantColumn)} = $1`,
    ...(where ? [`(${where.sql})`] : []),
    ...(bounds ? [`(${sorted.map(({ sql }) => sql).join(', ')}) > (${bounds.join(', ')})`] : []),
    wish.condition.sql,
  ]
  const text = `select ${columns}, ${(key ?? id).plain}::text as "$key", ${id.plain}::text as "$id"
from ${quoted(table.table)} t where ${conditions.join('\n and ')}
order by ${sorted.map(({ sql }) => sql).join(', ')} limit ${bind(wish.count, 'int')}`
  return { statement: { name: '', text }, values }
}

/** A listing that its module wrote wrongly. */
export class ListMistake extends Error {}

function orderOf(columns: readonly TableColumn[], name: string) {
  const column = columns.find((each) => each.name === name)
  // A row whose order is NULL would be after no other, and so on no page.
  if (!column || column.isNullable) throw new ListMistake(`lists cannot be ordered by ${name}`)
  const plain = `t.${quoted(name)}`
  const isOther = (column.type === 'text' || column.type === 'varchar') && column.collation !== 'C'
  return { plain, sql: isOther ? `${plain} collate "C"` : plain, type: column.type }
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
