import {
  createEntityStore,
  type EntityStore,
  type EntityType,
  type EntityValue,
  type Json,
  type Program,
  readValue,
  type Tuple,
  type TupleSubject,
  type Value,
} from '../../../policy-lang/index.ts'
import { subjectColumns } from '../../relations/tuple-row.ts'
import type { AttributeSource, EntityBinding } from '../entity-binding.ts'
import type { FilterTables, TableColumn } from '../filter-tables.ts'
import { constantsOf, createDraw, type Sampling, sampleJson } from './sample-values.ts'
import type { ShadowRow } from './shadow-tables.ts'

export const sampleTenantId = 'sample'

/** A tenant that was never anybody's: rows, entities and tuples of every declared type, made from the rules themselves. */
export type SampleTenant = {
  readonly tables: ReadonlyMap<string, readonly ShadowRow[]>
  /** The graph as a node has it: without the rows of bound types. */
  readonly graph: EntityStore
  readonly ids: readonly string[]
  readonly subjects: readonly EntityValue[]
}

export type SampleWish = {
  readonly program: Program
  readonly action: string
  readonly type: string
  readonly rows: number
  readonly now: number
}

/** Rows of a type that is not the listed one. */
const others = 5
/** Tuples of one relation of a type, and of the listed one. */
const tuplesOfRelation = { other: 12, listed: 100 }

export function makeSampleTenant(
  wish: SampleWish,
  bindings: readonly EntityBinding[],
  known: FilterTables,
): SampleTenant {
  const { program, type: listed, now } = wish
  const draw = createDraw(0x5eed)
  const constants = constantsOf(program)
  const ids = new Map(
    [...program.entityTypes.keys()].map((type) => {
      const made = Array.from({ length: type === listed ? wish.rows : others }, (_, at) => `${type}-${at}`)
      const named = constants.ids.get(type) ?? []
      return [type, type === 'Tenant' ? [sampleTenantId] : [...named, ...made].slice(0, Math.max(made.length, others))]
    }),
  )
  const idsOf = (type: string): readonly string[] => [...(ids.get(type) ?? []).slice(0, others), 'gone']
  const at: Sampling = { draw, constants, now, idsOf }
  const tables = new Map<string, ShadowRow[]>(
    [...bindings.map(({ table }) => table), 'entity', 'relation'].map((table) => [table, []]),
  )
  const graph = createEntityStore(program)
  for (const type of program.entityTypes.values()) {
    const binding = bindings.find((each) => each.type === type.name)
    for (const [index, id] of (ids.get(type.name) ?? []).entries()) {
      const members = sampleMembers(type, index, at)
      if (binding)
        tables.get(binding.table)?.push(boundRow(binding, known.columnsOf(binding.table), { id, type, members }))
      else putEntity(graph, tables, { type, id, members })
    }
  }
  const tuples = sampleTuples(wish, { at, ids })
  for (const tuple of tuples) graph.putTuple(tuple)
  tables.set('relation', tuples.map(tupleRow))
  return { tables, graph, ids: ids.get(listed) ?? [], subjects: subjectsOf(wish, ids) }
}

type Members = ReadonlyMap<string, Json>

/** Links lead to earlier rows alone, so that none goes round. */
function sampleMembers(type: EntityType, index: number, at: Sampling): Members {
  const members = [...type.attributes.values()].flatMap((attribute) => {
    if (at.draw.chance(0.12)) return []
    const idsOf = (of: string) =>
      at
        .idsOf(of)
        .slice(0, index)
        .concat(index === 0 ? ['gone'] : [])
    const value = sampleJson(attribute.type, attribute.link ? { ...at, idsOf } : at)
    return value === undefined ? [] : [[attribute.name, value] as const]
  })
  return new Map(members)
}

function putEntity(
  graph: EntityStore,
  tables: ReadonlyMap<string, ShadowRow[]>,
  { type, id, members }: { readonly type: EntityType; readonly id: string; readonly members: Members },
): void {
  const attributes = new Map<string, Value>()
  for (const { name, type: of } of type.attributes.values()) {
    const value = members.has(name) ? readValue(members.get(name), of) : undefined
    if (value !== undefined) attributes.set(name, value)
  }
  const problems = graph.putEntity({ uid: { kind: 'entity', type: type.name, id }, attributes })
  if (problems.length > 0) return
  const row = { tenant_id: sampleTenantId, type: type.name, id, attributes: Object.fromEntries(members) }
  tables.get('entity')?.push(row)
}

function boundRow(
  binding: EntityBinding,
  columns: readonly TableColumn[],
  { id, type, members }: { readonly id: string; readonly type: EntityType; readonly members: Members },
): ShadowRow {
  const kinds = new Map(columns.map((column) => [column.name, column.type]))
  const row: { [column: string]: unknown } = Object.fromEntries(
    columns.map(({ name, type: kind }) => [name, plain(kind)]),
  )
  for (const [name, source] of Object.entries(binding.attributes)) {
    if (type.attributes.has(name)) Object.assign(row, columnsOf(source, members.get(name), { row, kinds }))
  }
  row[binding.idColumn] = id
  row[binding.tenantColumn ?? 'tenant_id'] = sampleTenantId
  return row
}

/** What an attribute puts into its columns; where the column cannot hold the value, it is NULL. */
function columnsOf(
  source: AttributeSource,
  value: Json | undefined,
  to: { readonly row: ShadowRow; readonly kinds: ReadonlyMap<string, string> },
): ShadowRow {
  if (typeof source === 'object' && 'sql' in source) return {}
  const { column, path, typeColumn } =
    typeof source === 'string' ? { column: source } : { typeColumn: undefined, path: undefined, ...source }
  if (path) {
    const before = to.row[column]
    const document = typeof before === 'object' && before !== null ? before : {}
    return { [column]: nested(document, path, value) }
  }
  const kind = to.kinds.get(column) ?? ''
  const named = typeof value === 'object' && value !== null && 'type' in value ? value : undefined
  const typed = typeColumn === undefined ? {} : { [typeColumn]: named?.type ?? null }
  return { [column]: value === undefined ? null : held(kind, value), ...typed }
}

function nested(document: object, [name, ...rest]: readonly string[], value: Json | undefined): object {
  if (name === undefined || value === undefined) return document
  const inner: unknown = Object.entries(document).find(([key]) => key === name)?.[1]
  const below = typeof inner === 'object' && inner !== null ? inner : {}
  return { ...document, [name]: rest.length === 0 ? value : nested(below, rest, value) }
}

function held(kind: string, value: Json): unknown {
  const text = typeof value === 'string' ? value : undefined
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined
  switch (kind) {
    case 'jsonb':
    case 'json':
      return value
    case 'text':
    case 'varchar':
      return text ?? id ?? null
    case 'bool':
      return typeof value === 'boolean' ? value : null
    case 'int8':
      return wholeOf(value, Number.MAX_SAFE_INTEGER)
    case 'int4':
      return wholeOf(value, 2 ** 31 - 1)
    case 'int2':
      return wholeOf(value, 2 ** 15 - 1)
    case 'numeric':
      return wholeOf(value, Number.MAX_SAFE_INTEGER)
    case 'timestamptz':
      return text !== undefined && /^\d{4}-.*Z$/.test(text) ? text : null
    case 'inet':
    case 'cidr':
      return text !== undefined && /^[\da-f.:/]+$/.test(text) ? text : null
    case '_text':
      return Array.isArray(value) ? value.map((item) => held('text', item)) : null
    default:
      return null
  }
}

/** Durations are whole milliseconds there. */
function wholeOf(value: Json, most: number): number | null {
  const number = typeof value === 'string' ? Number.parseFloat(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && Math.abs(number) <= most ? number : null
}

const plain = (kind: string): unknown => (kind === 'jsonb' ? {} : null)

type Sampled = { readonly at: Sampling; readonly ids: ReadonlyMap<string, readonly string[]> }

function sampleTuples({ program, type: listed }: SampleWish, sampled: Sampled): readonly Tuple[] {
  const { draw, now } = sampled.at
  return [...program.entityTypes.values()].flatMap((type) =>
    [...type.relations.values()].flatMap((relation) => {
      if (relation.kind !== 'stored') return []
      return Array.from(
        { length: tuplesOfRelation[type.name === listed ? 'listed' : 'other'] },
        (): Tuple | undefined => {
          const id = draw.pick(sampled.ids.get(type.name) ?? [])
          const holder = draw.pick(relation.holders.filter(({ condition }) => condition === undefined))
          const subject = holder && holderOf(holder, sampled)
          if (id === undefined || !subject) return undefined
          const resource = { kind: 'entity', type: type.name, id } as const
          const until = draw.chance(0.1) ? { until: now + draw.below(3) - 1 } : {}
          return { resource, relation: relation.name, subject, ...until }
        },
      ).filter((tuple) => tuple !== undefined)
    }),
  )
}

type Holder = {
  readonly kind: 'one' | 'userset' | 'anyOf' | 'anyone'
  readonly type?: string
  readonly relation?: string
}

function holderOf({ kind, type = '', relation }: Holder, { at, ids }: Sampled): TupleSubject | undefined {
  // Wildcards would hide what the others say: seldom.
  if (kind === 'anyone' || kind === 'anyOf') {
    if (!at.draw.chance(0.15)) return undefined
    return kind === 'anyone' ? { kind } : { kind, type }
  }
  const id = at.draw.pick((ids.get(type) ?? []).slice(0, others))
  if (id === undefined) return undefined
  const entity = { kind: 'entity', type, id } as const
  return kind === 'userset' && relation !== undefined ? { kind: 'one', entity, relation } : { kind: 'one', entity }
}

const tupleRow = ({ resource, relation, subject, until }: Tuple): ShadowRow => ({
  tenant_id: sampleTenantId,
  resource_type: resource.type,
  resource_id: resource.id,
  relation,
  ...subjectColumns(subject),
  until: until === undefined ? null : new Date(until).toISOString(),
})

/** Two of each type that may ask: some hold much, some nothing. */
function subjectsOf({ program, action, type }: SampleWish, ids: Sampled['ids']): readonly EntityValue[] {
  const declared = [...program.actions.values()].find((each) => each.name === action && each.resourceType === type)
  const holders = [...program.entityTypes.values()].flatMap((each) =>
    [...each.relations.values()].flatMap((relation) => (relation.kind === 'stored' ? relation.holders : [])),
  )
  const anyone = [
    'Anonymous',
    ...new Set(holders.flatMap((holder) => (holder.kind === 'one' ? (holder.type ?? []) : []))),
  ]
  const types = declared?.subjects === 'anyone' ? anyone : (declared?.subjects ?? [])
  return types.flatMap((each): readonly EntityValue[] => {
    if (each === 'Anonymous') return [{ kind: 'entity', type: each, id: '' }]
    return (ids.get(each) ?? []).slice(0, 2).map((id) => ({ kind: 'entity', type: each, id }))
  })
}
