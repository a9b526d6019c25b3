import type { EntityData, EntityValue, Facts, Program, Value } from '../../policy-lang/index.ts'

/** Rows of one request by type and id; null: known to be absent. */
export type RequestRows = {
  get(entity: EntityValue): EntityData | null | undefined
  put(entity: EntityValue, row: EntityData | null): void
  readonly size: number
}

export function createRequestRows(given: readonly EntityData[]): RequestRows {
  const types = new Map<string, Map<string, EntityData | null>>()
  let size = 0
  const rows: RequestRows = {
    get: ({ type, id }) => types.get(type)?.get(id),
    put({ type, id }, row) {
      const ids = types.get(type) ?? new Map<string, EntityData | null>()
      types.set(type, ids)
      ids.set(id, row)
      size += 1
    },
    get size() {
      return size
    },
  }
  for (const entity of given) rows.put(entity.uid, entity)
  return rows
}

/**
 * The tenant's graph with the rows of one request over it, noting every bound entity that was asked for and is not there yet.
 * The caller loads those and evaluates again until nothing is missing: the last evaluation saw everything that it asked for.
 */
export function trackFacts(
  base: Facts,
  over: { readonly program: Program; readonly rows: RequestRows; readonly isBound: (type: string) => boolean },
): { readonly facts: Facts; readonly missing: readonly EntityValue[] } {
  const { program, rows, isBound } = over
  const missing: EntityValue[] = []
  const attribute = (entity: EntityValue, name: string): Value | undefined => {
    const row = rows.get(entity)
    if (row !== undefined) return row?.attributes.get(name)
    if (!isBound(entity.type)) return base.attribute(entity, name)
    missing.push(entity)
    return undefined
  }
  const parentsOf = (entity: EntityValue): EntityValue[] => {
    const parents: EntityValue[] = []
    for (const declared of program.entityTypes.get(entity.type)?.attributes.values() ?? []) {
      if (declared.link) collectEntities(attribute(entity, declared.name), parents)
    }
    return parents
  }
  const isWithin = (entity: EntityValue, ancestor: EntityValue): boolean => {
    const isStored = rows.get(entity) === undefined && !isBound(entity.type)
    if (isStored && base.isWithin(entity, ancestor)) return true
    const seen = new Set<string>()
    const open = [entity]
    for (let at = open.pop(); at; at = open.pop()) {
      if (at.type === ancestor.type && at.id === ancestor.id) return true
      const key = `${at.type}\u0000${at.id}`
      if (seen.has(key)) continue
      seen.add(key)
      open.push(...parentsOf(at))
    }
    return false
  }
  const facts: Facts = {
    attribute,
    isWithin,
    tuplesOf: (resource, relation) => base.tuplesOf(resource, relation),
    idsOf: (type) => base.idsOf(type),
    idsNamed: (type, after, count) => base.idsNamed(type, after, count),
    permittingRoles: (type, action, resourceType) => base.permittingRoles(type, action, resourceType),
  }
  return { facts, missing }
}

function collectEntities(value: Value | undefined, into: EntityValue[]): void {
  if (typeof value !== 'object') return
  if (value.kind === 'entity') into.push(value)
  else if (value.kind === 'set') for (const item of value.items) collectEntities(item, into)
}
