import type { EntityValue } from '../ir/nodes.ts'
import type { RelationExpr, Tuple } from '../ir/program.ts'
import { type EntitySet, entitySet, keyOfEntity } from './entity-set.ts'
import { walkBack } from './walk-back.ts'
import { entityTypesIn, namingOf, step, typesAlong, type World } from './world.ts'

/**
 * Entities of `types` of which the subject may hold a relation: everything that its tuples and attributes lead back to,
 * whatever ends, conditions and `minus` take away again. undefined: cannot be known from here.
 */
export function heldBy(
  world: World,
  subject: EntityValue,
  relations: readonly string[],
  types: readonly string[],
): EntitySet | undefined {
  const search: Search = { world, subject, pairs: new Map(), open: [] }
  for (const type of types) for (const relation of relations) need(search, type, relation)
  const isKnown = [...search.pairs.values()].every((pair) => seed(search, pair))
  if (!isKnown) return undefined
  for (let next = search.open.pop(); next; next = search.open.pop()) {
    step(world)
    for (const feed of next.pair.feeds) {
      const reached = feed.from(next.entity)
      if (!reached) return undefined
      for (const entity of reached) put(search, feed.to, entity)
    }
  }
  const found = entitySet()
  for (const type of types) {
    for (const relation of relations) {
      for (const [key, entity] of search.pairs.get(pairKey(type, relation))?.entities ?? []) found.set(key, entity)
    }
  }
  return found
}

/** One relation of one type: the entities of which the subject may hold it, and what follows from each. */
type Pair = {
  readonly type: string
  readonly relation: string
  readonly entities: EntitySet
  readonly feeds: Feed[]
}
/** `undefined`: cannot be known from here. */
type Feed = { readonly to: Pair; readonly from: (entity: EntityValue) => Iterable<EntityValue> | undefined }
type Search = {
  readonly world: World
  readonly subject: EntityValue
  readonly pairs: Map<string, Pair>
  readonly open: { readonly pair: Pair; readonly entity: EntityValue }[]
}

const pairKey = (type: string, relation: string): string => `${type}\u0000${relation}`

/** The pair, and everything that it is made of. */
function need(search: Search, type: string, relation: string): Pair {
  const known = search.pairs.get(pairKey(type, relation))
  if (known) return known
  const pair: Pair = { type, relation, entities: entitySet(), feeds: [] }
  search.pairs.set(pairKey(type, relation), pair)
  const declared = search.world.program.entityTypes.get(type)
  if (!declared || declared.attributes.has(relation)) return pair
  const found = declared.relations.get(relation)
  if (found?.kind === 'computed') needExpr(search, pair, found.body)
  else
    needHolders(
      search,
      pair,
      found?.holders.flatMap((holder) => holder.type ?? []),
    )
  return pair
}

/** Holders of relations of holders; a role that exists only as data may have any. */
function needHolders(search: Search, pair: Pair, holderTypes: readonly string[] | undefined): void {
  const { program } = search.world
  for (const type of holderTypes ?? program.entityTypes.keys()) {
    for (const relation of program.entityTypes.get(type)?.relations.keys() ?? []) {
      if (holderTypes && !mayExpand(search, pair, type, relation)) continue
      const group = need(search, type, relation)
      group.feeds.push({ to: pair, from: (entity) => resourcesOf(search, pair, entity, relation) })
    }
  }
}

function mayExpand({ world }: Search, pair: Pair, type: string, relation: string): boolean {
  const declared = world.program.entityTypes.get(pair.type)?.relations.get(pair.relation)
  if (declared?.kind !== 'stored' || relation === 'member') return true
  return declared.holders.some((holder) => holder.type === type && holder.relation === relation)
}

function needExpr(search: Search, pair: Pair, expr: RelationExpr): void {
  switch (expr.kind) {
    case 'or':
      needExpr(search, pair, expr.left)
      needExpr(search, pair, expr.right)
      return
    // What holds both holds the left one; what `minus` takes away was there before.
    case 'and':
    case 'minus':
      needExpr(search, pair, expr.left)
      return
    case 'step': {
      const { path, relation } = expr
      for (const type of typesAlong(search.world.program, [pair.type], path).at(-1) ?? []) {
        const end = need(search, type, relation)
        const from = (entity: EntityValue) => walkBack(search.world, [pair.type], path, entitySet([entity]))?.values()
        end.feeds.push({ to: pair, from })
      }
    }
  }
}

/** What the subject holds itself. False: cannot be known from here. */
function seed(search: Search, pair: Pair): boolean {
  const { world, subject } = search
  const declared = world.program.entityTypes.get(pair.type)
  const attribute = declared?.attributes.get(pair.relation)
  if (attribute) {
    if (!entityTypesIn(attribute.type).includes(subject.type)) return true
    const found = namingOf(world, subject, pair.type, pair.relation)
    for (const entity of found ?? []) put(search, pair, entity)
    return found !== undefined
  }
  if (declared?.relations.get(pair.relation)?.kind === 'computed') return true
  for (const entity of resourcesOf(search, pair, subject, undefined)) put(search, pair, entity)
  for (const type of [subject.type, undefined]) {
    for (const { resource, relation } of world.store.tuplesHeldByAll(type)) {
      step(world)
      if (relation === pair.relation && resource.type === pair.type) put(search, pair, resource)
    }
  }
  return true
}

/** Resources whose tuples name the entity: itself, or the holders of its relation (a bare group means its members too). */
function resourcesOf(
  { world }: Search,
  pair: Pair,
  entity: EntityValue,
  held: string | undefined,
): readonly EntityValue[] {
  const found: EntityValue[] = []
  for (const { resource, relation, subject } of world.store.tuplesHeldBy(entity)) {
    step(world)
    if (relation !== pair.relation || resource.type !== pair.type) continue
    if (names(subject, held)) found.push(resource)
  }
  return found
}

const names = (subject: Tuple['subject'], held: string | undefined): boolean =>
  subject.kind === 'one' && (subject.relation === held || (held === 'member' && subject.relation === undefined))

function put(search: Search, pair: Pair, entity: EntityValue): void {
  const key = keyOfEntity(entity)
  if (entity.type !== pair.type || pair.entities.has(key)) return
  pair.entities.set(key, entity)
  search.open.push({ pair, entity })
}
