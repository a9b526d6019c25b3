import type { Facts } from '../entities/facts.ts'
import type { EntityValue, Expr, Value } from '../ir/nodes.ts'
import { type ActionType, actionKey, type PartitionEntry, type Program, type Rule } from '../ir/program.ts'
import type { EvaluateOptions, Request } from '../runtime/decision.ts'
import type { Environment } from '../runtime/evaluate.ts'
import { environmentOf, partitionOf, ruleAt } from '../runtime/interpret.ts'
import { LimitReached } from '../runtime/limits.ts'
import type { Outcome } from '../runtime/outcome.ts'
import { type Reduced, reduce, type Unknown } from './reduce.ts'

/** A question of which parts are not known yet; `now` always is (SPEC 7.6). */
export type PartialQuestion = {
  readonly subject: EntityValue | UnknownEntity
  /** Undefined: any action of the resource's type. */
  readonly action: string | undefined
  readonly resource: EntityValue | UnknownEntity
  readonly context: ReadonlyMap<string, Value>
  /** Names of the context that are unknown, which is not absent. Default: none. */
  readonly unknownContext?: 'all' | readonly string[]
}
/**
 * Without a type: any type that the program declares. `known`: attributes that it has all the same, of a resource of one type:
 * what every row of a list has.
 */
export type UnknownEntity = {
  readonly kind: 'unknown'
  readonly type?: string
  readonly known?: ReadonlyMap<string, Value>
}

/** What is left to be known: one branch for each action and pair of types that the question still allows. */
export type Residual = { readonly branches: readonly Branch[] }
export type Branch = {
  readonly action: string
  readonly subjectType: string
  readonly resourceType: string
  /** Every rule that may still count or fail, sorted by index. One that certainly does neither is left out. */
  readonly rules: readonly ResidualRule[]
}
/** A rule holds as the `or` of its entries. */
export type ResidualRule = {
  readonly index: number
  readonly rule: Rule
  readonly entries: readonly ResidualEntry[]
}
export type ResidualEntry = {
  /** The action whose name the rule sees. */
  readonly as: string
  readonly condition: Expr
  /** Of the whole condition, where it is known. */
  readonly outcome?: Outcome
  /** Parts of the condition that are known to be E, absent, or made by a failed extern. */
  readonly settled: ReadonlyMap<Expr, Outcome>
}

/** `'limit'`: what is known already costs more than a decision may. */
export function partialEvaluate(
  program: Program,
  facts: Facts,
  question: PartialQuestion,
  options: EvaluateOptions,
): Residual | 'limit' {
  try {
    const over = withKnown(facts, question.resource)
    const branches = requestsOf(program, question).flatMap((request) => {
      const action = program.actions.get(actionKey(request.action, request.resource.type))
      return action
        ? [branchOf(program, question, environmentOf(program, over, request, { options, action }), action)]
        : []
    })
    return { branches }
  } catch (error) {
    if (error instanceof LimitReached) return 'limit'
    throw error
  }
}

/** One request for each branch; an unknown entity is a placeholder of its type, whose id is never read. */
function requestsOf(program: Program, question: PartialQuestion): readonly Request[] {
  const { subject, resource, context } = question
  const types = [...program.entityTypes.keys()].sort()
  const subjects = typesOf(subject, [...types, 'Anonymous'])
  const resources = typesOf(resource, types)
  const actions = (type: string) =>
    question.action !== undefined
      ? [question.action]
      : [...program.actions.values()].filter(({ resourceType }) => resourceType === type).map(({ name }) => name)
  return subjects.flatMap((subjectType) =>
    resources.flatMap((resourceType) =>
      actions(resourceType).map((action) => ({
        subject: subject.kind === 'entity' ? subject : placeholder(subjectType),
        action,
        resource: resource.kind === 'entity' ? resource : placeholder(resourceType),
        context,
      })),
    ),
  )
}

/** The placeholder has the attributes that are known of what it stands for. */
function withKnown(facts: Facts, resource: PartialQuestion['resource']): Facts {
  const known = resource.kind === 'unknown' ? resource.known : undefined
  if (!known) return facts
  const { type } = resource
  return {
    ...facts,
    attribute: (entity, name) =>
      entity.id === '' && entity.type === type && known.has(name) ? known.get(name) : facts.attribute(entity, name),
  }
}

const typesOf = (entity: EntityValue | UnknownEntity, all: readonly string[]): readonly string[] =>
  entity.type === undefined ? all : entity.type === 'Anonymous' || all.includes(entity.type) ? [entity.type] : []
const placeholder = (type: string): EntityValue => ({ kind: 'entity', type, id: '' })

function branchOf(program: Program, question: PartialQuestion, env: Environment, action: ActionType): Branch {
  const { subject, resource } = env.request
  const unknown = unknownOf(question, action)
  const byRule = Map.groupBy(partitionOf(program, env.request), (entry) => entry.rule)
  const rules: ResidualRule[] = []
  for (const [index, own] of [...byRule].sort(([a], [b]) => a - b)) {
    const entries = own.map((entry) => reduceEntry(program, entry, env, unknown)).filter(mayMatter)
    const [first] = own
    if (first && entries.length > 0) rules.push({ index, rule: ruleAt(program, first), entries })
  }
  return { action: action.name, subjectType: subject.type, resourceType: resource.type, rules }
}

function unknownOf({ subject, resource, unknownContext = [] }: PartialQuestion, action: ActionType): Unknown {
  const names = new Set(unknownContext === 'all' ? Object.keys(action.context.fields) : unknownContext)
  names.delete('now')
  return {
    // No subject is one value (SPEC 3.13): its type says all.
    subject: subject.kind === 'unknown' && subject.type !== 'Anonymous',
    resource: resource.kind === 'unknown',
    attribute: (name) => !(resource.kind === 'unknown' && resource.known?.has(name)),
    context: (name) => names.has(name),
    someContext: names.size > 0,
    locals: new Set(),
  }
}

/** A false that no failed extern made says nothing in a decision. */
const mayMatter = ({ outcome }: ResidualEntry): boolean =>
  outcome?.kind !== 'value' || outcome.value !== false || outcome.degraded

function reduceEntry(program: Program, entry: PartitionEntry, env: Environment, unknown: Unknown): ResidualEntry {
  const rule = ruleAt(program, entry)
  const settled = new Map<Expr, Outcome>()
  const condition = withDelegates(program, rule, entry.as, env.request.resource.type)
  const reduced: Reduced = reduce(condition, {
    env: { ...env, action: entry.as, effect: rule.effect },
    unknown,
    settled,
  })
  return {
    as: entry.as,
    condition: reduced.expr,
    settled,
    ...(reduced.outcome && { outcome: reduced.outcome }),
  }
}

/** An organization's allow counts only where a delegate of the module or tenant also holds (SPEC 6.7). */
function withDelegates(program: Program, rule: Rule, as: string, resourceType: string): Expr {
  if (rule.layer !== 'organization' || rule.effect === 'deny') return rule.condition
  const { type, span } = rule.condition
  const operands = program.delegates
    .filter(({ actions }) => actions.some((each) => each.action === as && each.resourceType === resourceType))
    .map(({ condition }) => condition)
  return { kind: 'and', type, span, operands: [rule.condition, { kind: 'or', type, span, operands }] }
}
