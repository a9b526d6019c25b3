import { namedIn } from '../entities/references.ts'
import type { EntityValue, Expr, Value } from '../ir/nodes.ts'
import { childrenOf } from '../ir/walk.ts'
import { type Environment, evaluate } from '../runtime/evaluate.ts'
import { type EntitySet, entitySet, keyOfEntity } from './entity-set.ts'
import { heldBy } from './held-by.ts'
import { holdersOf, roleHoldersOf } from './holders-of.ts'
import { TooWide } from './limits.ts'
import { below, walkBack } from './walk-back.ts'
import { entityTypesIn, step, typesAlong, type World } from './world.ts'

export type Asking = {
  readonly world: World
  readonly side: 'subject' | 'resource'
  /** Of what is listed. */
  readonly type: string
  readonly env: Environment
  /** Locals of `let`, where what they stand for hangs on what is listed. */
  readonly bound: ReadonlyMap<string, Expr>
}

/** Ids for which all the conditions may be true; undefined: any id. */
export function narrowAll(asking: Asking, conditions: readonly Expr[]): ReadonlySet<string> | undefined {
  let best: ReadonlySet<string> | undefined
  // What does not hang on the listed side costs one evaluation and may end the search.
  const order = [...conditions].sort((a, b) => Number(hangs(asking, a)) - Number(hangs(asking, b)))
  for (const condition of order) {
    const ids = narrowApart(asking, condition)
    if (ids && (!best || ids.size < best.size)) best = ids
    if (best && best.size <= enough) return best
  }
  return best
}

/** So few are judged sooner than told apart. */
const enough = 16

/** A condition that is too wide leaves it to the others. */
function narrowApart(asking: Asking, condition: Expr): ReadonlySet<string> | undefined {
  asking.world.cost.steps = 0
  try {
    return narrowOne(asking, condition)
  } catch (error) {
    if (error instanceof TooWide) return undefined
    throw error
  }
}

function narrowOne(asking: Asking, expr: Expr): ReadonlySet<string> | undefined {
  if (!hangs(asking, expr)) return canHold(asking, expr) ? undefined : none
  switch (expr.kind) {
    case 'and':
      return narrowAll(asking, expr.operands)
    case 'or':
      return narrowAny(asking, expr.operands)
    case 'if':
      return narrowAny(asking, [expr.then, expr.otherwise])
    case 'attempt':
      return narrowAny(asking, [expr.operand, expr.otherwise])
    case 'let':
      return narrowOne(withLocal(asking, expr), expr.body)
    case 'compare':
      if (expr.op !== 'eq') return undefined
      return equals(asking, expr.left, expr.right) ?? equals(asking, expr.right, expr.left)
    case 'in':
      return narrowIn(asking, expr)
    case 'holds':
      return narrowHolds(asking, expr)
    case 'permitted':
      return narrowPermitted(asking, expr.of)
    default:
      return undefined
  }
}

const none: ReadonlySet<string> = new Set()

function narrowAny(asking: Asking, conditions: readonly Expr[]): ReadonlySet<string> | undefined {
  const all = new Set<string>()
  for (const condition of conditions) {
    const ids = narrowOne(asking, condition)
    if (!ids) return undefined
    for (const id of ids) all.add(id)
  }
  return all
}

/** `path == value`, for entities. */
function equals(asking: Asking, path: Expr, value: Expr): ReadonlySet<string> | undefined {
  const names = pathOf(asking, path)
  if (!names || hangs(asking, value) || path.type.kind !== 'entity') return undefined
  return endingIn(asking, names, entitySet(entitiesOf(asking, value)))
}

function narrowIn(
  asking: Asking,
  { mode, left, right }: Expr & { readonly kind: 'in' },
): ReadonlySet<string> | undefined {
  if (mode === 'ip') return undefined
  const [member, container] = [pathOf(asking, left), pathOf(asking, right)]
  if (member && !hangs(asking, right)) {
    if (left.type.kind !== 'entity') return undefined
    const tops = entitySet(entitiesOf(asking, right))
    const targets = mode === 'hierarchy' ? below(asking.world, tops) : tops
    return targets && endingIn(asking, member, targets)
  }
  if (!container || hangs(asking, left) || entityTypesIn(right.type).length === 0) return undefined
  const items = entitiesOf(asking, left)
  return endingIn(asking, container, mode === 'hierarchy' ? above(asking.world, items) : entitySet(items))
}

/** The entities and everything above them over links. */
function above(world: World, entities: readonly EntityValue[]): EntitySet {
  const { program, facts } = world
  const found = entitySet(entities)
  for (const entity of found.values()) {
    step(world)
    for (const { name, link } of program.entityTypes.get(entity.type)?.attributes.values() ?? []) {
      const parents: EntityValue[] = []
      if (link) namedIn(facts.attribute(entity, name), parents)
      for (const parent of parents) found.set(keyOfEntity(parent), parent)
    }
  }
  return found
}

function narrowHolds(asking: Asking, expr: Expr & { readonly kind: 'holds' }): ReadonlySet<string> | undefined {
  const { world } = asking
  const [who, what] = [pathOf(asking, expr.subject), pathOf(asking, expr.of)]
  if (what && !hangs(asking, expr.subject)) {
    const [subject] = entitiesOf(asking, expr.subject)
    if (!subject) return none
    const held = heldBy(world, subject, [expr.relation], endsOf(asking, what))
    return held && endingIn(asking, what, held)
  }
  if (!who || hangs(asking, expr.of)) return undefined
  const [resource] = entitiesOf(asking, expr.of)
  if (!resource) return none
  const targets = entitySet()
  for (const type of endsOf(asking, who)) {
    const holders = holdersOf(world, type, expr.relation, resource)
    if (!holders) return undefined
    for (const [key, entity] of holders) targets.set(key, entity)
  }
  return endingIn(asking, who, targets)
}

/** `permitted of x`: the request's subject with any role of x that permits the rule's action. */
function narrowPermitted(asking: Asking, of: Expr): ReadonlySet<string> | undefined {
  const { world, side, type, env } = asking
  const rolesOf = (at: string) => env.facts.permittingRoles(at, env.action, env.request.resource.type)
  if (side === 'subject') {
    if (hangs(asking, of)) return undefined
    const [at] = entitiesOf(asking, of)
    if (!at) return none
    const holders = roleHoldersOf(world, type, rolesOf(at.type), at)
    return holders && idsIn(holders)
  }
  const path = pathOf(asking, of)
  if (!path) return undefined
  const targets = entitySet()
  for (const at of endsOf(asking, path)) {
    const held = heldBy(world, env.request.subject, rolesOf(at), [at])
    if (!held) return undefined
    for (const [key, entity] of held) targets.set(key, entity)
  }
  return endingIn(asking, path, targets)
}

function endingIn(asking: Asking, path: readonly string[], targets: EntitySet): ReadonlySet<string> | undefined {
  const found = walkBack(asking.world, [asking.type], path, targets)
  if (!found) return undefined
  return idsIn(entitySet([...found.values()].filter(({ type }) => type === asking.type)))
}

/** Types that the path may end in. */
const endsOf = ({ world, type }: Asking, path: readonly string[]): readonly string[] =>
  typesAlong(world.program, [type], path).at(-1) ?? []

const idsIn = (entities: EntitySet): ReadonlySet<string> => new Set(Array.from(entities.values(), ({ id }) => id))

/** Names of attributes from what is listed to the end of the expression. */
function pathOf(asking: Asking, expr: Expr): readonly string[] | undefined {
  if (expr.kind === 'variable') {
    if (expr.scope === 'request') return expr.name === asking.side ? [] : undefined
    const bound = asking.bound.get(expr.name)
    return bound && pathOf(asking, bound)
  }
  if (expr.kind !== 'attribute' || expr.key || entityTypesIn(expr.of.type).length === 0) return undefined
  const before = pathOf(asking, expr.of)
  return before && [...before, expr.name]
}

/** Does its value depend on what is listed, or on an extern, which only the check fetches? */
function hangs(asking: Asking, expr: Expr): boolean {
  if (expr.kind === 'extern') return true
  if (expr.kind === 'variable') {
    return expr.scope === 'request' ? expr.name === asking.side : asking.bound.has(expr.name)
  }
  if (expr.kind === 'permitted' && asking.side === 'subject') return true
  return childrenOf(expr).some((child) => hangs(asking, child))
}

/** A condition that is not true makes the rule no way to be allowed. */
function canHold(asking: Asking, expr: Expr): boolean {
  const outcome = evaluate(expr, asking.env)
  return outcome.kind === 'value' && outcome.value === true
}

function withLocal(asking: Asking, { name, value }: Expr & { readonly kind: 'let' }): Asking {
  if (hangs(asking, value)) return { ...asking, bound: new Map(asking.bound).set(name, value) }
  const locals = new Map(asking.env.locals).set(name, evaluate(value, asking.env))
  return { ...asking, env: { ...asking.env, locals } }
}

/** The entity, or the members of the set, that an expression is. */
function entitiesOf(asking: Asking, expr: Expr): readonly EntityValue[] {
  const outcome = evaluate(expr, asking.env)
  if (outcome.kind !== 'value') return []
  const { value } = outcome
  const items: readonly Value[] = typeof value === 'object' && value.kind === 'set' ? value.items : [value]
  return items.flatMap((item) => (typeof item === 'object' && item.kind === 'entity' ? [item] : []))
}
