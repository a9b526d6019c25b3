import type { EntityStore } from '../../entities/facts.ts'
import type { EntityData, Program } from '../../ir/program.ts'
import { heldBy } from '../../listing/held-by.ts'
import { TooWide } from '../../listing/limits.ts'
import type { World } from '../../listing/world.ts'
import type { Environment } from '../../runtime/evaluate.ts'
import { LimitReached } from '../../runtime/limits.ts'
import { isTrue, type Outcome } from '../../runtime/outcome.ts'
import { reachable } from './relation-graph.ts'
import type { Compiling, HeldIds } from './sql-value.ts'

/** The graph in memory, for relations of the subject that asks. */
export type Memory = {
  readonly store: World['store'] & Pick<EntityStore, 'attribute'>
  readonly given?: readonly EntityData[]
  /** Types whose rows memory does not have. */
  readonly isElsewhere: (type: string) => boolean
}

/** More ids than these are left to SQL. */
export const heldLimit = 20_000

type From = {
  readonly env: Environment | undefined
  readonly memory: Memory | undefined
  readonly isOpaque: boolean
}

/** What the subject of the request holds, as ids: exactly what the interpreter says of each that tuples lead to. */
export function heldIds(program: Program, from: From): Pick<Compiling, 'held' | 'permitted'> {
  const { env, memory, isOpaque } = from
  // At load time nobody asks yet; whoever will may hold none.
  if (isOpaque) {
    const none = { holds: [], fails: [] }
    const isRole = (relation: string, type: string): boolean => {
      const declared = program.entityTypes.get(type)?.relations.get(relation)
      return declared?.kind === 'stored' && declared.role
    }
    // Roles are always asked of memory; what else memory does not find, SQL must be able to say.
    const held = (relation: string, type: string) =>
      isRole(relation, type) && isInMemory(program, { relation, type }, memory) ? none : undefined
    return { held, permitted: () => none }
  }
  if (!env || !memory) return { held: undefined, permitted: undefined }
  const { subject, resource } = env.request
  const world = (): World => ({
    program,
    facts: env.facts,
    store: memory.store,
    given: memory.given ?? [],
    isElsewhere: memory.isElsewhere,
    cost: { steps: 0, allSteps: 0 },
  })
  const judged = (relations: readonly string[], type: string, judge: (id: string) => Outcome): HeldIds | undefined => {
    const found = attempted(() => heldBy(world(), subject, relations, [type]))
    if (!found || found.size > heldLimit) return undefined
    const [holds, fails]: [string[], string[]] = [[], []]
    for (const { id } of found.values()) {
      const outcome = attempted(() => judge(id))
      if (!outcome) return undefined
      if (isTrue(outcome)) holds.push(id)
      else if (outcome.kind === 'error') fails.push(id)
    }
    return { holds: holds.filter(isHeld), fails: fails.filter(isHeld) }
  }
  const known = new Map<string, HeldIds | undefined>()
  const remembered = (key: string, find: () => HeldIds | undefined): HeldIds | undefined => {
    if (!known.has(key)) known.set(key, find())
    return known.get(key)
  }
  return {
    held: (relation, type) =>
      remembered(`${relation} ${type}`, () =>
        isInMemory(program, { relation, type }, memory)
          ? judged([relation], type, (id) => env.relations.holds(subject, relation, { kind: 'entity', type, id }))
          : undefined,
      ),
    permitted: (type) =>
      judged(env.facts.permittingRoles(type, env.action, resource.type), type, (id) =>
        env.relations.isPermitted(subject, { kind: 'entity', type, id }, env.action, resource.type),
      ),
  }
}

/** Is the relation made of tuples alone? What attributes say may fail where nothing leads to it. */
function isInMemory(
  program: Program,
  pair: { readonly relation: string; readonly type: string },
  memory: Memory | undefined,
): boolean {
  const pairs = [pair, ...reachable(program, pair).values()]
  return pairs.every(({ type, relation }) => {
    if (memory?.isElsewhere(type) && program.entityTypes.get(type)?.attributes.has(relation)) return false
    return program.entityTypes.get(type)?.relations.get(relation)?.kind === 'stored'
  })
}

/** No stored id has what PostgreSQL cannot hold. */
const isHeld = (id: string): boolean => !id.includes('\0') && id.isWellFormed()

function attempted<Result>(run: () => Result): Result | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof TooWide || error instanceof LimitReached) return undefined
    throw error
  }
}
