import { namedIn } from '../entities/references.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type {
  AttributeType,
  EntityData,
  EntityType,
  Program,
  StoredParameters,
  Tuple,
  TupleSubject,
} from '../ir/program.ts'
import { matchingHolder } from './hold-relation.ts'
import { readInstant } from './read-instant.ts'
import { isArray, isObject, readEntity, readValue } from './read-value.ts'
import type { Json } from './strict-json.ts'

/** What the data says, and what is wrong with it. An `error` means that nothing of it may be used (SPEC 8). */
export type ReadData = {
  readonly entities: readonly EntityData[]
  readonly tuples: readonly Tuple[]
  readonly problems: readonly DataProblem[]
}
export type DataProblem = {
  readonly severity: 'error' | 'warning'
  readonly code:
    | 'malformed'
    | 'unknown-type'
    | 'duplicate-entity'
    | 'wrong-type'
    | 'dangling'
    | 'unknown-parent'
    | 'ambiguous-parent'
    | 'unknown-relation'
    | 'holder-not-allowed'
  readonly message: string
  /** `entities[3].attrs.owner` */
  readonly path: string
}

/** The data format of `writ decide --entities`: `{entities, tuples}`, or a bare array of entities. */
export function readData(program: Program, json: Json | undefined): ReadData {
  const reader: Reader = { program, problems: [], entities: new Map() }
  const data = isArray(json) ? { entities: json } : json
  if (data !== undefined && !isObject(data))
    report(reader, 'malformed', '', 'data is an object or an array of entities')
  const { entities = [], tuples = [] } = isObject(data) ? data : {}
  if (!isArray(entities)) report(reader, 'malformed', 'entities', 'entities is an array')
  else for (const [index, row] of entities.entries()) readRow(reader, row, `entities[${index}]`)
  const read = readTuples(program, tuples)
  return {
    entities: [...reader.entities.values()],
    tuples: read.tuples,
    problems: [...reader.problems, ...read.problems],
  }
}

/**
 * Links and attributes that lead to no row: allowed, an entity without attributes (SPEC 5.5), and mostly a slip. Apart from
 * `readData`, because data of tuples alone has no rows at all.
 */
export function findDangling(entities: readonly EntityData[]): readonly DataProblem[] {
  const known = new Set(entities.map(({ uid }) => `${uid.type}\u0000${uid.id}`))
  return entities.flatMap(({ uid, attributes }, index) =>
    [...attributes].flatMap(([name, value]) => {
      const named: EntityValue[] = []
      namedIn(value, named)
      const lost = named.filter(({ type, id }) => !known.has(`${type}\u0000${id}`))
      return lost.map(({ type, id }): DataProblem => {
        const message = `${uid.type}::"${uid.id}" names ${type}::"${id}", which has no row`
        return { severity: 'warning', code: 'dangling', message, path: `entities[${index}].attrs.${name}` }
      })
    }),
  )
}

/** Tuples alone: those of a request, which hold for it only. */
export function readTuples(program: Program, json: Json): Pick<ReadData, 'tuples' | 'problems'> {
  const reader: Reader = { program, problems: [], entities: new Map() }
  if (!isArray(json)) {
    report(reader, 'malformed', 'tuples', 'tuples is an array')
    return { tuples: [], problems: reader.problems }
  }
  const tuples = json.flatMap((row, index) => readTuple(reader, row, `tuples[${index}]`) ?? [])
  return { tuples, problems: reader.problems }
}

type Reader = {
  readonly program: Program
  readonly problems: DataProblem[]
  readonly entities: Map<string, EntityData>
}

function report(reader: Reader, code: DataProblem['code'], path: string, message: string): undefined {
  const isHarmless = code === 'wrong-type' || code === 'holder-not-allowed'
  reader.problems.push({ severity: isHarmless ? 'warning' : 'error', code, message, path })
  return undefined
}

function readRow(reader: Reader, row: Json, path: string): undefined {
  const uid = isObject(row) ? readUid(row.uid) : undefined
  if (!isObject(row) || !uid) return report(reader, 'malformed', path, 'an entity needs a uid with type and id')
  const type = reader.program.entityTypes.get(uid.type)
  if (!type) return report(reader, 'unknown-type', path, `no entity type "${uid.type}"`)
  const key = `${uid.type}\u0000${uid.id}`
  if (reader.entities.has(key)) return report(reader, 'duplicate-entity', path, `${uid.type}::"${uid.id}" stands twice`)
  const { attrs = {}, parents = [], tags } = row
  if (!isObject(attrs) || !isArray(parents))
    return report(reader, 'malformed', path, 'attrs is an object, parents an array')
  const attributes = new Map<string, Value>()
  for (const attribute of type.attributes.values()) {
    const given = Object.hasOwn(attrs, attribute.name)
      ? attrs[attribute.name]
      : attribute.name === 'tags' && attribute.type.kind === 'map'
        ? tags
        : undefined
    const value = readValue(given, attribute.type)
    if (value !== undefined) attributes.set(attribute.name, value)
    else if (given !== undefined && given !== null) {
      report(
        reader,
        'wrong-type',
        `${path}.attrs.${attribute.name}`,
        `${attribute.name} is of another type: it counts as missing`,
      )
    }
  }
  for (const [index, parent] of parents.entries()) {
    readParent(reader, { type, attributes, json: parent, path: `${path}.parents[${index}]` })
  }
  reader.entities.set(key, { uid, attributes })
}

const readUid = (json: Json | undefined): EntityValue | undefined =>
  readEntity(isObject(json) && '__entity' in json ? json.__entity : json)

type ParentRow = {
  readonly type: EntityType
  readonly attributes: Map<string, Value>
  readonly json: Json
  readonly path: string
}

/** A parent goes to the link of its type; where two links share a type, `attrs` says which (SPEC 9). */
function readParent(reader: Reader, { type, attributes, json, path }: ParentRow): undefined {
  const parent = readUid(json)
  if (!parent) return report(reader, 'malformed', path, 'a parent needs type and id')
  const links = [...type.attributes.values()].filter((attribute) => attribute.link && leadsTo(attribute, parent.type))
  if (links.some((link) => holds(attributes.get(link.name), parent))) return
  const [link, other] = links
  if (!link) return report(reader, 'unknown-parent', path, `${type.name} has no link to ${parent.type}`)
  if (other) {
    const names = links.map(({ name }) => name).join(', ')
    return report(reader, 'ambiguous-parent', path, `name the link in attrs: ${names}`)
  }
  const before = attributes.get(link.name)
  if (link.type.kind === 'set') {
    const items = typeof before === 'object' && before.kind === 'set' ? before.items : []
    attributes.set(link.name, { kind: 'set', items: [...items, parent] })
  } else if (before === undefined) attributes.set(link.name, parent)
  else report(reader, 'ambiguous-parent', path, `${type.name} has one ${link.name}, the data names two`)
}

const leadsTo = ({ type }: AttributeType, parent: string): boolean => {
  const target = type.kind === 'set' ? type.of : type
  return target.kind === 'entity' && target.types.includes(parent)
}

function holds(value: Value | undefined, entity: EntityValue): boolean {
  if (typeof value !== 'object') return false
  if (value.kind === 'set') return value.items.some((item) => holds(item, entity))
  return value.kind === 'entity' && value.type === entity.type && value.id === entity.id
}

function readTuple(reader: Reader, row: Json, path: string): Tuple | undefined {
  if (!isObject(row) || typeof row.relation !== 'string')
    return report(reader, 'malformed', path, 'a tuple needs a relation')
  const resource = readUid(row.resource)
  const subject = readSubject(row.subject)
  if (!resource || !subject) return report(reader, 'malformed', path, 'a tuple needs a subject and a resource')
  const type = reader.program.entityTypes.get(resource.type)
  if (!type) return report(reader, 'unknown-type', path, `no entity type "${resource.type}"`)
  const relation = type.relations.get(row.relation)
  if (relation?.kind !== 'stored') {
    return report(reader, 'unknown-relation', path, `${type.name} has no stored relation "${row.relation}"`)
  }
  const until = typeof row.expires === 'string' ? readInstant(row.expires) : undefined
  if (row.expires !== undefined && until === undefined) return report(reader, 'malformed', path, 'expires is RFC 3339')
  const bare: Tuple = { resource, relation: row.relation, subject, ...(until !== undefined && { until }) }
  if (row.condition === undefined) {
    return matchingHolder(reader.program, relation.holders, bare) ? bare : notAllowed(reader, path, bare)
  }
  const condition = readCondition(reader, row.condition, `${path}.condition`)
  if (!condition) return report(reader, 'malformed', path, 'a condition has a declared name and a context')
  const tuple = { ...bare, condition }
  return matchingHolder(reader.program, relation.holders, tuple) ? tuple : notAllowed(reader, path, tuple)
}

/** Kept for a later schema, never counted: the model does not allow it. */
function notAllowed(reader: Reader, path: string, tuple: Tuple): Tuple {
  report(reader, 'holder-not-allowed', path, `${tuple.relation} of ${tuple.resource.type} does not allow this subject`)
  return tuple
}

/** `"anyone"`, `{type, id: "*"}` for everyone of the type, `{type, id, relation?}`. */
function readSubject(json: Json | undefined): TupleSubject | undefined {
  if (json === 'anyone') return { kind: 'anyone' }
  const entity = readUid(json)
  if (!entity || !isObject(json)) return undefined
  if (entity.id === '*') return entity.type === 'anyone' ? { kind: 'anyone' } : { kind: 'anyOf', type: entity.type }
  if (json.relation === undefined) return { kind: 'one', entity }
  return typeof json.relation === 'string' ? { kind: 'one', entity, relation: json.relation } : undefined
}

function readCondition(reader: Reader, json: Json, path: string): Tuple['condition'] {
  if (!isObject(json) || typeof json.name !== 'string') return undefined
  const declared = reader.program.tupleConditions.get(json.name)
  const given = json.context ?? {}
  if (!declared || !isObject(given)) return undefined
  const context = readStoredParameters(reader.program, json.name, given)
  for (const [name, value] of context) {
    if (value === undefined)
      report(reader, 'wrong-type', `${path}.context.${name}`, `${name} is of another type: it counts as missing`)
  }
  return { name: json.name, context }
}

/** Parameters that a tuple keeps for its condition, by the types that the program declares; unknown names are ignored. */
export function readStoredParameters(
  program: Program,
  condition: string,
  json: { readonly [name: string]: Json },
): StoredParameters {
  const context = new Map<string, Value | undefined>()
  for (const { name, field } of program.tupleConditions.get(condition)?.params ?? []) {
    const parameter = Object.hasOwn(json, name) ? json[name] : undefined
    if (parameter !== undefined && parameter !== null) context.set(name, readValue(parameter, field.type))
  }
  return context
}
