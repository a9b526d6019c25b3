import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import { actionKey, type Program } from '../ir/program.ts'
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

/** Ids of the known entities of a type on which the action is allowed: complete, sorted, each once. */
export function listResources(
  program: Program,
  question: ListQuestion<{ readonly subject: EntityValue; readonly action: string; readonly type: string }>,
): readonly string[] {
  const { subject, action, type } = question
  return question.facts
    .idsOf(type)
    .filter((id) => isAllowed(program, question, { subject, action, resource: { kind: 'entity', type, id } }))
}

/**
 * Ids of the known subjects of a type that may. `*` stands first where everyone of the type may: one whom the data does not
 * know is allowed (SPEC 7, listing); then the known ones are still listed.
 */
export function listSubjects(
  program: Program,
  question: ListQuestion<{ readonly resource: EntityValue; readonly action: string; readonly type: string }>,
): readonly string[] {
  const { resource, action, type } = question
  const known = question.facts.idsOf(type)
  const may = (id: string) => isAllowed(program, question, { subject: { kind: 'entity', type, id }, action, resource })
  const anybody = unknownId(new Set(known))
  const ids = known.filter((id) => id !== '*' && may(id))
  return may(anybody) ? ['*', ...ids] : ids
}

/** Names of the actions of the resource's type that the subject may do, sorted. */
export function listActions(
  program: Program,
  question: ListQuestion<{ readonly subject: EntityValue; readonly resource: EntityValue }>,
): readonly string[] {
  const { subject, resource } = question
  const names = [...program.actions.values()]
    .filter(({ resourceType }) => resourceType === resource.type)
    .map(({ name }) => name)
  return names.sort().filter((action) => isAllowed(program, question, { subject, action, resource }))
}

function isAllowed(program: Program, question: ListQuestion<object>, request: Omit<Request, 'context'>): boolean {
  if (!program.actions.has(actionKey(request.action, request.resource.type))) return false
  const { facts, context, options } = question
  const asked = { ...request, context }
  return (question.decide ? question.decide(facts, asked, options) : interpret(program, facts, asked, options)).decision
}

/** An id that nothing in the data mentions, so that only rules about everyone of the type can hold for it. */
function unknownId(known: ReadonlySet<string>): string {
  let id = '\u0000unknown'
  while (known.has(id)) id += '\u0000'
  return id
}
