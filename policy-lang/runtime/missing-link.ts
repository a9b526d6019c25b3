import { compareCodePoints } from '../builtins/code-points.ts'
import { keyOfValue } from '../builtins/equal-values.ts'
import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Program } from '../ir/program.ts'

/** The first by path of the required links that the entity, or anything above it, lacks (SPEC 5.1, 5.5). */
export function missingLink(program: Program, facts: Facts, entity: EntityValue): string | undefined {
  const reached = new Map([[keyOfValue(entity), entity]])
  let first: string | undefined
  for (const each of reached.values()) {
    for (const { name, link, optional } of program.entityTypes.get(each.type)?.attributes.values() ?? []) {
      if (!link) continue
      const value = facts.attribute(each, name)
      const path = `${each.type}.${name}`
      if (value === undefined && !optional && (first === undefined || compareCodePoints(path, first) < 0)) first = path
      for (const parent of entitiesIn(value)) reached.set(keyOfValue(parent), parent)
    }
  }
  return first
}

function entitiesIn(value: Value | undefined): readonly EntityValue[] {
  if (typeof value !== 'object') return []
  if (value.kind === 'entity') return [value]
  return value.kind === 'set' ? value.items.flatMap(entitiesIn) : []
}
