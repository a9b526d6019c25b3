import type { Facts } from '../entities/facts.ts'
import { namedIn } from '../entities/references.ts'
import { mergeIds, sortIds } from '../entities/sorted-ids.ts'
import type { EntityValue } from '../ir/nodes.ts'
import { actionKey, type EntityData, type Program } from '../ir/program.ts'
import { walk } from '../ir/walk.ts'
import { type Row, rowsOf } from '../optimise/plan-partition.ts'
import type { EvaluateOptions, Request } from '../runtime/decision.ts'
import { environmentOf } from '../runtime/interpret.ts'
import { LimitReached } from '../runtime/limits.ts'
import { limits, TooWide } from './limits.ts'
import { narrowAll } from './narrow-condition.ts'
import type { World } from './world.ts'

/** A list of subjects or resources: the request with any id in the place of `side`, whose type counts. */
export type Listed = {
  readonly side: 'subject' | 'resource'
  readonly request: Request
  readonly options: EvaluateOptions
  /** What the decisions will read. */
  readonly facts: Facts
  /** The stored graph below `facts`, read backwards; without it nothing is narrowed. */
  readonly store?: World['store']
  /** Rows that `facts` has over the store. */
  readonly given?: readonly EntityData[]
  /** Types whose rows are not in the store. */
  readonly isElsewhere?: (type: string) => boolean
}
export type Candidates = {
  /** Sorted; at most as many as asked for. */
  readonly ids: readonly string[]
  /** There are no others, also not among rows that are elsewhere. */
  readonly isNarrowed: boolean
}

/** Finds what a list has to check, for one program. */
export type Lister = {
  /**
   * Ids after `after` that may be allowed, never too few: those that tuples, attributes and constants lead to where that is
   * cheap, else every id that data, rules or the request name (SPEC 8.2).
   */
  candidates(listed: Listed, from: { readonly after: string | undefined; readonly count: number }): Candidates
}

export function createLister(program: Program): Lister {
  const plans = new Map<string, readonly Row[]>()
  let constants: ReadonlyMap<string, ReadonlySet<string>> | undefined
  const allowsOf = ({ action, subject, resource }: Request): readonly Row[] => {
    const key = `${action}\u0000${subject.type}\u0000${resource.type}`
    const rows =
      plans.get(key) ??
      rowsOf(program, action, subject.type, resource.type).filter(({ rule }) => program.rules[rule]?.effect === 'allow')
    const isKnown = program.entityTypes.has(subject.type) && program.actions.has(actionKey(action, resource.type))
    // Names that the schema does not have are not remembered: a caller cannot fill the memory.
    if (isKnown) plans.set(key, rows)
    return rows
  }
  return {
    candidates(listed, { after, count }) {
      const { request, side, facts } = listed
      if (!program.actions.has(actionKey(request.action, request.resource.type))) return { ids: [], isNarrowed: true }
      const narrowed = narrow(program, listed, allowsOf(request))
      if (narrowed) return { ids: mergeIds([], narrowed, { after, count }), isNarrowed: true }
      const { type } = request[side]
      constants ??= constantsOf(program)
      const others = [...(constants.get(type) ?? []), ...namedByRequest(listed, type)]
      return { ids: mergeIds(facts.idsNamed(type, after, count), others, { after, count }), isNarrowed: false }
    },
  }
}

/** Every id of a type that a list is made of, sorted. */
export function listedIds(program: Program, listed: Listed): readonly string[] {
  const { type } = listed.request[listed.side]
  const others = [...(constantsOf(program).get(type) ?? []), ...namedByRequest(listed, type)]
  return sortIds([...new Set([...listed.facts.idsNamed(type), ...others])])
}

/**
 * Every way to be allowed is a rule whose conjuncts all hold: one conjunct that bounds the ids is enough for the rule, and
 * one rule that none bounds lets everything in (undefined).
 */
function narrow(program: Program, listed: Listed, rows: readonly Row[]): ReadonlySet<string> | undefined {
  const { side, request, options, facts, store, given = [], isElsewhere = () => false } = listed
  const action = program.actions.get(actionKey(request.action, request.resource.type))
  if (!action || !store) return undefined
  const world: World = { program, facts, store, given, isElsewhere, cost: { steps: 0, allSteps: 0 } }
  const env = environmentOf(program, facts, request, { options, action })
  const found = new Set<string>()
  try {
    for (const row of rows) {
      const asking = { world, side, type: request[side].type, env: { ...env, action: row.as }, bound: new Map() }
      const ids = narrowAll(asking, row.conjuncts)
      if (!ids) return undefined
      for (const id of ids) found.add(id)
      if (found.size > limits.candidates) return undefined
    }
  } catch (error) {
    if (error instanceof TooWide || error instanceof LimitReached) return undefined
    throw error
  }
  return found
}

/** Ids that rules name. */
function constantsOf(program: Program): ReadonlyMap<string, ReadonlySet<string>> {
  const named: EntityValue[] = []
  for (const { condition } of [...program.rules, ...program.delegates]) {
    walk(condition, (expr) => {
      if (expr.kind === 'literal') namedIn(expr.value, named)
    })
  }
  return byType(named)
}

function namedByRequest({ side, request, given = [] }: Listed, type: string): ReadonlySet<string> {
  // No subject is one value (SPEC 3.13).
  if (type === 'Anonymous') return new Set([''])
  const named: EntityValue[] = [side === 'subject' ? request.resource : request.subject]
  for (const value of request.context.values()) namedIn(value, named)
  for (const { uid, attributes } of given) {
    // The row of whom is listed is about nobody.
    if (uid.type !== request[side].type || uid.id !== request[side].id) named.push(uid)
    for (const value of attributes.values()) namedIn(value, named)
  }
  return byType(named).get(type) ?? new Set()
}

function byType(entities: readonly EntityValue[]): ReadonlyMap<string, ReadonlySet<string>> {
  const types = new Map<string, Set<string>>()
  for (const { type, id } of entities) {
    const ids = types.get(type)
    if (ids) ids.add(id)
    else types.set(type, new Set([id]))
  }
  return types
}
