import type { Database, Statement } from '../../adapters/database/port.ts'
import {
  type AttributeType,
  type EntityData,
  type EntityValue,
  type Json,
  type Program,
  readValue,
  type Type,
  type Value,
} from '../../policy-lang/index.ts'
import type { ChangeFeed } from '../events/change.ts'
import type { AttributeSource, EntityBinding } from './entity-binding.ts'
import { limits } from './limits.ts'

/** Reads entities of bound types from their tables. */
export type BoundRows = {
  isBound(type: string): boolean
  /** One query per type. An entity without a row is answered as null: it is known to be absent. */
  load(
    place: { readonly tenantId: string; readonly program: Program; readonly now: number },
    entities: readonly EntityValue[],
  ): Promise<readonly (readonly [EntityValue, EntityData | null])[]>
  /** A remembered row that is still good, or undefined. */
  recall(
    place: { readonly tenantId: string; readonly program: Program; readonly now: number },
    entity: EntityValue,
  ): EntityData | null | undefined
}

type Remembered = { readonly data: EntityData | null; readonly program: Program; readonly until: number }

/** Throws for two bindings of one type: decisions must not depend on which was registered last. */
export function createBoundRows(
  database: Pick<Database, 'query' | 'inTransaction'>,
  bindings: readonly EntityBinding[],
  changes: ChangeFeed,
): BoundRows {
  const byType = new Map<string, { readonly binding: EntityBinding; readonly statement: Statement }>()
  for (const binding of bindings) {
    if (byType.has(binding.type)) throw new Error(`two bindings of the entity type ${binding.type}`)
    byType.set(binding.type, { binding, statement: statementOf(binding) })
  }
  const remembered = new Map<string, Remembered>()
  // A row that was read before a change and arrives after it must not be remembered.
  const changesHeard = new Map<string, number>()
  changes.onChange(({ tenantId, changes: named }) => {
    changesHeard.set(tenantId, (changesHeard.get(tenantId) ?? 0) + 1)
    for (const change of named) {
      if (change.kind === 'entity') remembered.delete(keyOf(tenantId, change.entity))
      else if (change.kind === 'epoch') remembered.delete(keyOf(tenantId, change.of))
      else if (change.kind === 'client') remembered.delete(keyOf(tenantId, { type: 'Client', id: change.id }))
      else if (change.kind === 'tenant') remembered.delete(keyOf(tenantId, { type: 'Tenant', id: tenantId }))
      else if (change.kind === 'everything') remembered.clear()
    }
  })
  return {
    isBound: (type) => byType.has(type),
    recall({ tenantId, program, now }, entity) {
      const known = remembered.get(keyOf(tenantId, entity))
      return known && known.program === program && now < known.until ? known.data : undefined
    },
    async load({ tenantId, program, now }, entities) {
      const found: (readonly [EntityValue, EntityData | null])[] = []
      for (const [type, ids] of idsByType(entities)) {
        const bound = byType.get(type)
        if (!bound) continue
        const heard = changesHeard.get(tenantId)
        const rows = await database.query<Row>(bound.statement, [tenantId, [...ids]])
        // What a transaction sees may never come to be.
        const isCurrent = heard === changesHeard.get(tenantId) && !database.inTransaction()
        const byId = new Map(rows.map((row) => [String(row.$id), row]))
        for (const id of ids) {
          const uid: EntityValue = { kind: 'entity', type, id }
          const row = byId.get(id)
          const data = row ? entityOf(uid, row, { binding: bound.binding, program }) : null
          found.push([uid, data])
          if (!bound.binding.remembered || !isCurrent) continue
          if (remembered.size >= limits.rememberedRows) remembered.clear()
          remembered.set(keyOf(tenantId, uid), { data, program, until: now + limits.rememberedRowMilliseconds })
        }
      }
      return found
    },
  }
}

const keyOf = (tenantId: string, { type, id }: { readonly type: string; readonly id: string }): string =>
  `${tenantId}\u0000${type}\u0000${id}`

function idsByType(entities: readonly EntityValue[]): Map<string, Set<string>> {
  const types = new Map<string, Set<string>>()
  for (const { type, id } of entities) {
    const ids = types.get(type)
    if (ids) ids.add(id)
    // PostgreSQL has no NUL in text: such an id names no row.
    else if (!id.includes('\0')) types.set(type, new Set([id]))
  }
  return types
}

type Row = { readonly $id: unknown; readonly [column: string]: unknown }

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

function statementOf({ type, table, idColumn, tenantColumn = 'tenant_id', attributes }: EntityBinding): Statement {
  const columns = Object.entries(attributes).flatMap(([name, source]) => {
    const value = `${expressionOf(source)} as ${quoted(name)}`
    const hasType = typeof source === 'object' && 'typeColumn' in source && source.typeColumn !== undefined
    return hasType ? [value, `t.${quoted(source.typeColumn)} as ${quoted(`${name}$type`)}`] : [value]
  })
  return {
    name: `bound-${type}`,
    text: `select ${[`t.${quoted(idColumn)} as "$id"`, ...columns].join(', ')} from ${quoted(table)} t
where t.${quoted(tenantColumn)} = $1 and t.${quoted(idColumn)} = any($2::text[])`,
  }
}

function expressionOf(source: AttributeSource): string {
  if (typeof source === 'string') return `t.${quoted(source)}`
  if ('sql' in source) return `(${source.sql})`
  const column = `t.${quoted(source.column)}`
  return source.path ? `jsonb_extract_path(${[column, ...source.path.map(literal)].join(', ')})` : column
}

function entityOf(
  uid: EntityValue,
  row: Row,
  { binding, program }: { readonly binding: EntityBinding; readonly program: Program },
): EntityData {
  const attributes = new Map<string, Value>()
  const declared = program.entityTypes.get(uid.type)?.attributes
  for (const name of Object.keys(binding.attributes)) {
    const attribute = declared?.get(name)
    const value = attribute && attributeValue(row[name], attribute, row[`${name}$type`])
    if (value !== undefined) attributes.set(name, value)
  }
  return { uid, attributes }
}

/** A column's value as one of the attribute's declared type; undefined (missing) where it does not fit. */
function attributeValue(raw: unknown, attribute: AttributeType, typeColumn: unknown): Value | undefined {
  if (raw === null || raw === undefined) return undefined
  return readValue(jsonOf(raw, attribute.type, typeColumn), attribute.type)
}

function jsonOf(raw: unknown, type: Type, typeColumn: unknown, isMember = false): Json | undefined {
  if (raw instanceof Date) return raw.toISOString()
  if (type.kind === 'entity' && typeof raw === 'string') {
    const named = typeof typeColumn === 'string' ? typeColumn : type.types.length === 1 ? type.types[0] : undefined
    return named === undefined ? undefined : { type: named, id: raw }
  }
  if (type.kind === 'set' && Array.isArray(raw))
    return raw.map((item) => jsonOf(item, type.of, undefined, true) ?? null)
  if (!isMember && typeof raw === 'string') return numberIn(raw, type)
  // What pg parsed from text, numbers, booleans or jsonb is JSON already.
  return raw as Json
}

/** numeric arrives as text, so that no digit is lost; zeros at its end are its column's. */
function numberIn(text: string, { kind }: Type): Json {
  if (kind === 'decimal') return text.replace(/(\.\d{1,4})0+$/, '$1')
  const whole = kind === 'int' || kind === 'duration' ? /^(-?\d{1,19})(\.0+)?$/.exec(text)?.[1] : undefined
  return whole === undefined ? text : BigInt(whole)
}
