import {
  type AccessNode,
  createEntityStore,
  type EntityStore,
  type EntityValue,
  factsOf,
  type Program,
  type Request,
  relationNeeds,
  type Tuple,
  type Value,
} from '../../../policy-lang/index.ts'

/** A store with nothing but what `factsOf` says that this decision can touch (SPEC 7.3), read as a loader would read it. */
export function onlyDeclared(program: Program, whole: EntityStore, request: Request): EntityStore {
  const { action, subject, resource, context } = request
  const plan = factsOf(program, action, subject.type, resource.type)
  const loading: Loading = { program, whole, rows: new Map(), tuples: new Map(), asked: new Set() }
  load(loading, subject, plan.subject)
  load(loading, resource, plan.resource)
  for (const [name, value] of context) load(loading, value, plan.context.attributes[name])
  for (const { entity, node } of plan.constants) load(loading, entity, node)
  const part = createEntityStore(program)
  for (const { uid, attributes } of loading.rows.values()) part.putEntity({ uid, attributes })
  for (const tuple of loading.tuples.values()) part.putTuple(tuple)
  return part
}

type Loading = {
  readonly program: Program
  readonly whole: EntityStore
  readonly rows: Map<string, { readonly uid: EntityValue; readonly attributes: Map<string, Value> }>
  readonly tuples: Map<string, Tuple>
  readonly asked: Set<string>
}

function load(loading: Loading, value: Value, node: AccessNode | undefined): void {
  if (!node) return
  if (typeof value !== 'object' || value.kind === 'ip') return
  if (value.kind === 'set' || value.kind === 'map') {
    for (const item of value.kind === 'set' ? value.items : value.entries.values()) load(loading, item, node)
    return
  }
  if (value.kind === 'record') {
    for (const [name, child] of Object.entries(node.attributes)) load(loading, value.fields.get(name) ?? 0, child)
    return
  }
  for (const [name, child] of Object.entries(node.attributes)) load(loading, read(loading, value, name) ?? 0, child)
  for (const relation of node.relations) ask(loading, value, relation)
  if (node.ancestors) climb(loading, value)
  if (node.permitted) askRoles(loading, value)
}

/** One attribute, noted as read. */
function read({ whole, rows }: Loading, uid: EntityValue, name: string): Value | undefined {
  const value = whole.attribute(uid, name)
  const key = `${uid.type} ${uid.id}`
  const row = rows.get(key) ?? { uid, attributes: new Map<string, Value>() }
  rows.set(key, row)
  if (value !== undefined) row.attributes.set(name, value)
  return value
}

function readTuples({ whole, tuples }: Loading, of: EntityValue, relation: string): readonly Tuple[] {
  const found = [...whole.tuplesOf(of, relation)]
  for (const each of found) tuples.set(JSON.stringify([each.resource, each.relation, each.subject]), each)
  return found
}

function ask(loading: Loading, of: EntityValue, relation: string): void {
  const key = JSON.stringify([of, relation])
  if (loading.asked.has(key)) return
  loading.asked.add(key)
  const { attributes, tuples, next, holders } = relationNeeds(loading.program, of.type, relation)
  for (const name of attributes) read(loading, of, name)
  for (const name of tuples) {
    for (const { subject } of readTuples(loading, of, name)) {
      if (subject.kind !== 'one') continue
      for (const holder of holders) {
        if (holder.type === subject.entity.type) ask(loading, subject.entity, holder.relation)
      }
    }
  }
  for (const { path, relation: then } of next) {
    for (const end of ends(loading, [of], path)) ask(loading, end, then)
  }
}

function ends(
  loading: Loading,
  from: readonly EntityValue[],
  [name, ...rest]: readonly string[],
): readonly EntityValue[] {
  if (name === undefined) return from
  const reached = from.flatMap((each) => {
    const isAttribute = loading.program.entityTypes.get(each.type)?.attributes.has(name)
    if (isAttribute) return entitiesIn(read(loading, each, name))
    return readTuples(loading, each, name).flatMap(({ subject }) => (subject.kind === 'one' ? [subject.entity] : []))
  })
  return ends(loading, reached, rest)
}

function climb(loading: Loading, from: EntityValue): void {
  const key = `climb ${from.type} ${from.id}`
  if (loading.asked.has(key)) return
  loading.asked.add(key)
  for (const { name, link } of loading.program.entityTypes.get(from.type)?.attributes.values() ?? []) {
    if (link) for (const parent of entitiesIn(read(loading, from, name))) climb(loading, parent)
  }
}

/** Every role tuple here, of declared roles and of those that administrators made up. */
function askRoles(loading: Loading, of: EntityValue): void {
  for (const role of ['warden', 'auditor']) {
    readTuples(loading, of, role)
    ask(loading, of, role)
  }
}

function entitiesIn(value: Value | undefined): readonly EntityValue[] {
  if (typeof value !== 'object') return []
  if (value.kind === 'entity') return [value]
  return value.kind === 'set' ? value.items.flatMap(entitiesIn) : []
}
