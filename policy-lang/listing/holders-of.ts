import { namedIn } from '../entities/references.ts'
import type { EntityValue } from '../ir/nodes.ts'
import type { RelationExpr, Tuple } from '../ir/program.ts'
import { type EntitySet, entitySet, keyOfEntity } from './entity-set.ts'
import { step, type World } from './world.ts'

/**
 * Entities of a type that may hold a relation of a resource: everyone whom its tuples and attributes lead to, whatever ends,
 * conditions and `minus` take away again. undefined: everyone of the type may.
 */
export function holdersOf(
  world: World,
  wanted: string,
  relation: string,
  resource: EntityValue,
): EntitySet | undefined {
  const search: Search = { world, wanted, found: entitySet(), seen: new Set() }
  return visit(search, relation, resource) ? search.found : undefined
}

/** The same for roles, which may exist only as data (SPEC 3.6). */
export function roleHoldersOf(
  world: World,
  wanted: string,
  roles: readonly string[],
  at: EntityValue,
): EntitySet | undefined {
  const search: Search = { world, wanted, found: entitySet(), seen: new Set() }
  const declared = world.program.entityTypes.get(at.type)?.relations
  const isBounded = roles.every((role) =>
    declared?.has(role) ? visit(search, role, at) : visitTuples(search, role, at),
  )
  return isBounded ? search.found : undefined
}

type Search = {
  readonly world: World
  readonly wanted: string
  readonly found: EntitySet
  readonly seen: Set<string>
}

/** False: everyone of the wanted type may. */
function visit(search: Search, relation: string, resource: EntityValue): boolean {
  const { world, seen } = search
  const key = `${relation}\u0000${keyOfEntity(resource)}`
  if (seen.has(key)) return true
  seen.add(key)
  step(world)
  const type = world.program.entityTypes.get(resource.type)
  if (type?.attributes.has(relation)) {
    for (const entity of namedBy(world, resource, relation)) take(search, entity)
    return true
  }
  const declared = type?.relations.get(relation)
  if (!declared) return true
  return declared.kind === 'computed'
    ? visitExpr(search, declared.body, resource)
    : visitTuples(search, relation, resource)
}

function visitTuples(search: Search, relation: string, resource: EntityValue): boolean {
  for (const tuple of search.world.facts.tuplesOf(resource, relation)) {
    step(search.world)
    if (!visitSubject(search, tuple.subject)) return false
  }
  return true
}

function visitSubject(search: Search, subject: Tuple['subject']): boolean {
  if (subject.kind === 'anyone') return false
  if (subject.kind === 'anyOf') return subject.type !== search.wanted
  const { entity, relation } = subject
  if (relation !== undefined) return visit(search, relation, entity)
  take(search, entity)
  return visit(search, 'member', entity)
}

function visitExpr(search: Search, expr: RelationExpr, resource: EntityValue): boolean {
  switch (expr.kind) {
    case 'or':
      return visitExpr(search, expr.left, resource) && visitExpr(search, expr.right, resource)
    case 'and':
      // One side is enough; the other where everyone may hold the first.
      return visitApart(search, expr.left, resource) || visitExpr(search, expr.right, resource)
    case 'minus':
      return visitExpr(search, expr.left, resource)
    case 'step': {
      let ends: readonly EntityValue[] = [resource]
      for (const name of expr.path) ends = ends.flatMap((end) => follow(search.world, end, name))
      return ends.every((end) => visit(search, expr.relation, end))
    }
  }
}

function visitApart(search: Search, expr: RelationExpr, resource: EntityValue): boolean {
  const apart: Search = { ...search, found: entitySet(), seen: new Set(search.seen) }
  if (!visitExpr(apart, expr, resource)) return false
  for (const [key, entity] of apart.found) search.found.set(key, entity)
  for (const key of apart.seen) search.seen.add(key)
  return true
}

function follow(world: World, from: EntityValue, name: string): readonly EntityValue[] {
  step(world)
  if (world.program.entityTypes.get(from.type)?.attributes.has(name)) return namedBy(world, from, name)
  return [...world.facts.tuplesOf(from, name)].flatMap(({ subject }) =>
    subject.kind === 'one' && subject.relation === undefined ? [subject.entity] : [],
  )
}

function namedBy(world: World, entity: EntityValue, attribute: string): readonly EntityValue[] {
  const found: EntityValue[] = []
  namedIn(world.facts.attribute(entity, attribute), found)
  return found
}

function take(search: Search, entity: EntityValue): void {
  if (entity.type === search.wanted) search.found.set(keyOfEntity(entity), entity)
}
