import type { EntityStore, Facts } from '../entities/facts.ts'
import { namedIn } from '../entities/references.ts'
import type { EntityValue } from '../ir/nodes.ts'
import type { EntityData, Program } from '../ir/program.ts'
import type { Type } from '../ir/types.ts'
import { limits, TooWide } from './limits.ts'

/** Where candidates are looked for, and what that has cost. */
export type World = {
  readonly program: Program
  /** Reads forwards: what the decision will read. */
  readonly facts: Facts
  /** Reads backwards: who names whom. */
  readonly store: Pick<EntityStore, 'tuplesHeldBy' | 'tuplesHeldByAll' | 'naming' | 'childrenOf'>
  /** Rows that stand over the stored ones. */
  readonly given: readonly EntityData[]
  /** Types whose rows the store does not have: their attributes cannot be read backwards. */
  readonly isElsewhere: (type: string) => boolean
  readonly cost: { steps: number; allSteps: number }
}

export function step(world: World): void {
  const { cost } = world
  cost.steps += 1
  cost.allSteps += 1
  if (cost.steps > limits.steps || cost.allSteps > limits.allSteps) throw new TooWide()
}

/** Entities of `type` whose attribute may be `target` or a set with it; undefined: cannot be known from here. */
export function namingOf(
  world: World,
  target: EntityValue,
  type: string,
  attribute: string,
): EntityValue[] | undefined {
  if (world.isElsewhere(type)) return undefined
  const found: EntityValue[] = []
  for (const entity of world.store.naming(target, type, attribute)) {
    step(world)
    found.push(entity)
  }
  for (const row of world.given) {
    if (row.uid.type !== type) continue
    const named: EntityValue[] = []
    namedIn(row.attributes.get(attribute), named)
    if (named.some((each) => each.type === target.type && each.id === target.id)) found.push(row.uid)
  }
  return found
}

export function entityTypesIn(type: Type | undefined): readonly string[] {
  if (type?.kind === 'entity') return type.types
  return type?.kind === 'set' ? entityTypesIn(type.of) : []
}

/** Types at the ends of one step over an attribute, a link or a stored relation. */
export function endTypes(program: Program, type: string, name: string): readonly string[] {
  const declared = program.entityTypes.get(type)
  const attribute = declared?.attributes.get(name)
  if (attribute) return entityTypesIn(attribute.type)
  const relation = declared?.relations.get(name)
  return relation?.kind === 'stored' ? relation.holders.flatMap((holder) => holder.type ?? []) : []
}

/** Types after each step of a path, from the first. */
export function typesAlong(
  program: Program,
  from: readonly string[],
  path: readonly string[],
): readonly (readonly string[])[] {
  const along: (readonly string[])[] = [from]
  for (const name of path) {
    const ends = (along.at(-1) ?? []).flatMap((type) => endTypes(program, type, name))
    along.push([...new Set(ends)])
  }
  return along
}
