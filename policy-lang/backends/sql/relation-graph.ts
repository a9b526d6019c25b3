import type { Holder, Program, RelationExpr } from '../../ir/program.ts'
import { entityTypesIn } from '../../listing/world.ts'

/** A relation of a type. */
export type Pair = { readonly type: string; readonly relation: string }
export const pairKey = ({ type, relation }: Pair): string => `${type}\u0000${relation}`

/** Pairs that depend on this one and on which it depends, itself included; empty where it is not recursive. */
export function knotOf(program: Program, pair: Pair): readonly Pair[] {
  const own = reachable(program, pair)
  if (!own.has(pairKey(pair))) return []
  return [...own.values()].filter((other) => reachable(program, other).has(pairKey(pair)))
}

/** Everything that the pair is made of, however far; itself only where it is recursive. */
export function reachable(program: Program, pair: Pair): ReadonlyMap<string, Pair> {
  const found = new Map<string, Pair>()
  const open = [pair]
  for (let next = open.pop(); next; next = open.pop()) {
    for (const needed of dependencies(program, next)) {
      if (found.has(pairKey(needed))) continue
      found.set(pairKey(needed), needed)
      open.push(needed)
    }
  }
  return found
}

function dependencies(program: Program, { type, relation }: Pair): readonly Pair[] {
  const declared = program.entityTypes.get(type)
  if (!declared || declared.attributes.has(relation)) return []
  const found = declared.relations.get(relation)
  if (!found) return []
  if (found.kind === 'computed') return pairsIn(program, type, found.body)
  return found.holders.flatMap((holder) => pairOf(program, holder) ?? [])
}

/** The relation whose holders hold through this holder. */
export function pairOf(program: Program, holder: Holder): Pair | undefined {
  if (holder.type === undefined) return undefined
  if (holder.kind === 'userset' && holder.relation !== undefined)
    return { type: holder.type, relation: holder.relation }
  return holder.kind === 'one' && isGroup(program, holder.type) ? { type: holder.type, relation: 'member' } : undefined
}

/** A bare G that declares `member` means the object and its members (SPEC 3.6). */
export const isGroup = (program: Program, type: string): boolean =>
  program.entityTypes.get(type)?.relations.has('member') ?? false

export function pairsIn(program: Program, type: string, expr: RelationExpr): readonly Pair[] {
  if (expr.kind !== 'step') return [...pairsIn(program, type, expr.left), ...pairsIn(program, type, expr.right)]
  return endTypes(program, type, expr.path).map((end) => ({ type: end, relation: expr.relation }))
}

/** Types at the end of a path. */
export function endTypes(program: Program, type: string, path: readonly string[]): readonly string[] {
  return path.reduce<readonly string[]>(
    (types, name) => [...new Set(types.flatMap((from) => stepTypes(program, from, name)))],
    [type],
  )
}

function stepTypes(program: Program, type: string, name: string): readonly string[] {
  const declared = program.entityTypes.get(type)
  const attribute = declared?.attributes.get(name)
  if (attribute) return entityTypesIn(attribute.type)
  const relation = declared?.relations.get(name)
  return relation?.kind === 'stored' ? relation.holders.flatMap((holder) => holder.type ?? []) : []
}
