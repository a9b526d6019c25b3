import type { EntityValue } from '../ir/nodes.ts'
import { type EntitySet, entitySet, keyOfEntity } from './entity-set.ts'
import { entityTypesIn, namingOf, step, typesAlong, type World } from './world.ts'

/** Entities of `from` from which the path may lead to one of `targets`; undefined: cannot be known from here. */
export function walkBack(
  world: World,
  from: readonly string[],
  path: readonly string[],
  targets: EntitySet,
): EntitySet | undefined {
  const along = typesAlong(world.program, from, path)
  let ends = targets
  for (let at = path.length - 1; at >= 0; at -= 1) {
    const before = entitySet()
    for (const type of along[at] ?? []) {
      for (const target of ends.values()) {
        const found = stepBack(world, target, type, path[at] ?? '')
        if (!found) return undefined
        for (const entity of found) before.set(keyOfEntity(entity), entity)
      }
    }
    ends = before
  }
  return ends
}

/** Entities of `type` that one step over an attribute, a link or a stored relation may lead from to `target`. */
function stepBack(world: World, target: EntityValue, type: string, name: string): readonly EntityValue[] | undefined {
  const declared = world.program.entityTypes.get(type)
  const attribute = declared?.attributes.get(name)
  if (attribute) return entityTypesIn(attribute.type).includes(target.type) ? namingOf(world, target, type, name) : []
  if (declared?.relations.get(name)?.kind !== 'stored') return []
  const found: EntityValue[] = []
  for (const { resource, relation, subject } of world.store.tuplesHeldBy(target)) {
    step(world)
    const isExact = subject.kind === 'one' && subject.relation === undefined
    if (isExact && relation === name && resource.type === type) found.push(resource)
  }
  return found
}

/** The entities and everything below them over links; undefined where rows that are elsewhere may lie between. */
export function below(world: World, tops: EntitySet): EntitySet | undefined {
  const found = entitySet(tops.values())
  for (const entity of found.values()) {
    if (isLinkedFromElsewhere(world, entity.type)) return undefined
    for (const child of world.store.childrenOf(entity)) {
      step(world)
      found.set(keyOfEntity(child), child)
    }
    for (const { uid, attributes } of world.given) {
      for (const { name, link } of world.program.entityTypes.get(uid.type)?.attributes.values() ?? []) {
        if (link && attributes.has(name)) found.set(keyOfEntity(uid), uid)
      }
    }
  }
  return found
}

const isLinkedFromElsewhere = ({ program, isElsewhere }: World, target: string): boolean =>
  [...program.entityTypes.values()].some(
    ({ name, attributes }) =>
      isElsewhere(name) &&
      [...attributes.values()].some(({ link, type }) => link && entityTypesIn(type).includes(target)),
  )
