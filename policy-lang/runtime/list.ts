import { compareCodePoints } from '../builtins/code-points.ts'
import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import { actionKey, type Program } from '../ir/program.ts'
import { type Listed, type Lister, listedIds } from '../listing/create-lister.ts'
import type { Decision, EvaluateOptions, Request } from './decision.ts'
import { interpret } from './interpret.ts'

/** Judges one question; `createEvaluator(program).decide` and `interpret` both fit. */
export type Decide = (facts: Facts, request: Request, options: EvaluateOptions) => Decision
export type ListQuestion<Asked> = Asked & {
  readonly facts: Facts
  readonly context: ReadonlyMap<string, Value>
  readonly options: EvaluateOptions
  /** Default: the reference interpreter. */
  readonly decide?: Decide
}

/** Ids of the entities of a type on which the action is allowed: complete (SPEC 8.2), sorted, each once. */
export function listResources(
  program: Program,
  question: ListQuestion<{ readonly subject: EntityValue; readonly action: string; readonly type: string }>,
): readonly string[] {
  const { subject, action, type, context } = question
  const request: Request = { subject, action, resource: { kind: 'entity', type, id: '' }, context }
  return listedIds(program, { ...question, side: 'resource', request }).filter((id) =>
    isAllowed(program, question, { ...request, resource: { kind: 'entity', type, id } }),
  )
}

/**
 * Ids of the subjects of a type that may. `*` stands first where everyone of the type may: one whom the data does not know is
 * allowed (SPEC 8.3); then the others are still listed.
 */
export function listSubjects(
  program: Program,
  question: ListQuestion<{ readonly resource: EntityValue; readonly action: string; readonly type: string }>,
): readonly string[] {
  const { resource, action, type, context } = question
  const request: Request = { subject: { kind: 'entity', type, id: '' }, action, resource, context }
  const named = listedIds(program, { ...question, side: 'subject', request })
  const may = (id: string) => isAllowed(program, question, { ...request, subject: { kind: 'entity', type, id } })
  const ids = named.filter((id) => id !== '*' && may(id))
  return may(unknownId(new Set(named))) ? ['*', ...ids] : ids
}

/** Names of the actions of the resource's type that the subject may do, sorted. */
export function listActions(
  program: Program,
  question: ListQuestion<{ readonly subject: EntityValue; readonly resource: EntityValue }>,
): readonly string[] {
  const { subject, resource, context } = question
  return actionNames(program, resource.type).filter((action) =>
    isAllowed(program, question, { subject, action, resource, context }),
  )
}

/** Names of the actions of a type, sorted. */
export const actionNames = (program: Program, resourceType: string): readonly string[] =>
  [...program.actions.values()]
    .filter((action) => action.resourceType === resourceType)
    .map(({ name }) => name)
    .sort(compareCodePoints)

export type ListPage = {
  /** Allowed ids, in order. */
  readonly ids: readonly string[]
  /** What to go on after; undefined at the end. A page may be short, even empty, and still not the last. */
  readonly next: string | undefined
}

/** Ids that follow `after`: at most `limit`, for at most `checks` checks; pages together are the whole list. */
export function listPage(
  lister: Lister,
  listed: Listed & { readonly decide: Decide },
  page: { readonly after: string | undefined; readonly limit: number; readonly checks: number },
): ListPage {
  const { after, limit, checks } = page
  const { request, side, facts, options, decide } = listed
  const candidates = lister.candidates(listed, { after, count: checks }).ids
  const ids: string[] = []
  for (const id of candidates) {
    const entity: EntityValue = { kind: 'entity', type: request[side].type, id }
    if (!decide(facts, { ...request, [side]: entity }, options).decision) continue
    if (ids.length === limit) return { ids, next: ids.at(-1) }
    ids.push(id)
  }
  return { ids, next: candidates.length === checks ? candidates.at(-1) : undefined }
}

function isAllowed(program: Program, question: ListQuestion<object>, request: Request): boolean {
  if (!program.actions.has(actionKey(request.action, request.resource.type))) return false
  const { facts, options } = question
  const decision = question.decide?.(facts, request, options) ?? interpret(program, facts, request, options)
  return decision.decision
}

/** An id that nothing in the data mentions, so that only rules about everyone of the type can hold for it. */
function unknownId(known: ReadonlySet<string>): string {
  let id = '\u0000unknown'
  while (known.has(id)) id += '\u0000'
  return id
}
