import type { Facts } from '../../entities/facts.ts'
import { type Graph, isGraph } from '../../entities/graph.ts'
import { actionKey, type Program } from '../../ir/program.ts'
import type { Decision, EvaluateOptions, Request } from '../../runtime/decision.ts'
import { interpret, isKnownSubject } from '../../runtime/interpret.ts'
import { refusal } from '../../runtime/judge.ts'
import { bail } from './bail.ts'
import { type Conditions, createConditions } from './compile-condition.ts'
import { Unsupported } from './compile-expression.ts'
import { compilePartition, type Partition } from './compile-partition.ts'
import type { Run } from './hold-relation.ts'
import { createRelationPlans, type RelationPlans } from './relation-plan.ts'

/** Judges requests against one program. Answers exactly what `interpret` answers. */
export type Evaluator = {
  readonly program: Program
  decide(facts: Facts, request: Request, options: EvaluateOptions): Decision
  allows(facts: Facts, request: Request, options: EvaluateOptions): boolean
  /** For the evaluator of a later program. Of use to `createEvaluator` alone. */
  readonly memory: EvaluatorMemory
}

/** Grows with what is asked, up to one entry for each partition that the schema has. */
export type EvaluatorMemory = {
  readonly schema: Schema
  readonly plans: RelationPlans
  readonly partitions: ReadonlyMap<string, Partition>
}

/** All of a program that compiled code hangs on, rules aside. */
type Schema = Pick<Program, 'entityTypes' | 'actions' | 'externs' | 'tupleConditions' | 'delegates'>

/**
 * The JavaScript backend: one compiled function for each (action, subject type, resource type), made when first asked for.
 * Data never recompiles. The interpreter serves where code generation is forbidden, where facts are not this package's own,
 * and whenever compiled code meets an E. `memory` is that of an earlier program's evaluator: partitions whose rules are the
 * same are taken over, with all that they have found out.
 */
export function createEvaluator(program: Program, { memory }: { readonly memory?: EvaluatorMemory } = {}): Evaluator {
  const before = memory && isSameSchema(memory.schema, program) ? memory : undefined
  const plans = before?.plans ?? createRelationPlans({ entityTypes: program.entityTypes })
  const partitions = new Map(before?.partitions)
  const find = createPartitions(program, plans, partitions)
  const fits = createSchemaCheck(program)
  const condition = createConditions(program, plans)
  let idle: Run | undefined
  const decide = (facts: Facts, request: Request, options: EvaluateOptions): Decision => {
    const { subject, resource } = request
    const partition = find(request.action, resource.type, subject.type)
    if (typeof partition !== 'object' || !isGraph(facts) || !fits(facts)) {
      return partition === 'unknown' ? unknownAction : interpret(program, facts, request, options)
    }
    const run = idle ?? newRun(plans, condition, facts)
    // An extern may ask for a decision itself: it gets a run of its own.
    idle = undefined
    try {
      run.graph = facts
      run.subject = facts.find(subject.type, subject.id)
      run.resource = facts.find(resource.type, resource.id)
      run.context = request.context
      run.now = options.now
      run.externs = options.externs
      run.memo = undefined
      run.depth = 0
      run.members = 0
      const state = partition.evaluate(run)
      return state.decision ?? partition.states.decide(state) ?? interpret(program, facts, request, options)
    } catch (error) {
      if (error !== bail) throw error
      return interpret(program, facts, request, options)
    } finally {
      idle = run
    }
  }
  const { entityTypes, actions, externs, tupleConditions, delegates } = program
  return {
    program,
    decide,
    allows: (facts, request, options) => decide(facts, request, options).decision,
    memory: { schema: { entityTypes, actions, externs, tupleConditions, delegates }, plans, partitions },
  }
}

/** The compiler hands on the very same schema while no declaration changes. */
const isSameSchema = (left: Schema, right: Schema): boolean =>
  left.entityTypes === right.entityTypes &&
  left.actions === right.actions &&
  left.externs === right.externs &&
  left.tupleConditions === right.tupleConditions &&
  left.delegates === right.delegates

function newRun(plans: RelationPlans, condition: Conditions, graph: Graph): Run {
  const nobody = graph.find('Anonymous', '')
  const { memo, externs } = { memo: undefined, externs: undefined }
  const start = { depth: 0, members: 0, unionOnly: true, metItself: false, now: 0 }
  return { plans, condition, graph, subject: nobody, resource: nobody, context: new Map(), externs, memo, ...start }
}

const unknownAction = Object.freeze(refusal('unknown-action'))

/** `interpreted`: no code for it; `unknown`: no such action or type. */
type Found = Partition | 'interpreted' | 'unknown'

/** The types that an action was last asked about: mostly the same again. */
type Asked = { resource: string; subject: string; found: Found; readonly all: Map<string, Map<string, Found>> }

function createPartitions(
  program: Program,
  plans: RelationPlans,
  partitions: Map<string, Partition>,
): (action: string, resource: string, subject: string) => Found {
  const actions = new Map<string, Asked>()
  const slow = (action: string, resource: string, subject: string): Found => {
    const asked = actions.get(action)
    const known = asked?.all.get(resource)?.get(subject)
    if (asked !== undefined && known !== undefined) {
      asked.resource = resource
      asked.subject = subject
      asked.found = known
      return known
    }
    const found = makePartition({ program, plans, partitions }, { action, resource, subject })
    // Only names that the schema has are remembered: a caller cannot fill the memory.
    if (found === 'unknown') return found
    const all = asked?.all ?? new Map<string, Map<string, Found>>()
    const bySubject = all.get(resource) ?? new Map<string, Found>()
    all.set(resource, bySubject.set(subject, found))
    if (asked) {
      asked.resource = resource
      asked.subject = subject
      asked.found = found
    } else actions.set(action, { resource, subject, found, all })
    return found
  }
  return (action, resource, subject) => {
    const asked = actions.get(action)
    return asked !== undefined && asked.resource === resource && asked.subject === subject
      ? asked.found
      : slow(action, resource, subject)
  }
}

type Making = {
  readonly program: Program
  readonly plans: RelationPlans
  /** By `actionKey` and subject type; of this program, or of an earlier one until it is asked for. */
  readonly partitions: Map<string, Partition>
}

function makePartition(
  { program, plans, partitions }: Making,
  asked: { readonly action: string; readonly resource: string; readonly subject: string },
): Found {
  const action = program.actions.get(actionKey(asked.action, asked.resource))
  const uid = (type: string) => ({ kind: 'entity', type, id: '' }) as const
  const request = {
    subject: uid(asked.subject),
    action: asked.action,
    resource: uid(asked.resource),
    context: new Map(),
  }
  if (!action || !isKnownSubject(program, request)) return 'unknown'
  try {
    const key = `${actionKey(asked.action, asked.resource)}\u0000${asked.subject}`
    const made = compilePartition(program, action, asked.subject, { plans, previous: partitions.get(key) })
    partitions.set(key, made)
    return made
  } catch (error) {
    // EvalError: the process forbids code from strings.
    if (error instanceof Unsupported || error instanceof EvalError) return 'interpreted'
    throw error
  }
}

/** Slots and holders are those of the program that the graph was made for: it must have the same types. */
function createSchemaCheck(program: Program): (graph: Graph) => boolean {
  let own: string | undefined
  const known = new WeakMap<Program, boolean>([[program, true]])
  return (graph) => {
    if (graph.program.entityTypes === program.entityTypes) return true
    own ??= schemaText(program)
    let same = known.get(graph.program)
    if (same === undefined) {
      same = schemaText(graph.program) === own
      known.set(graph.program, same)
    }
    return same
  }
}

const schemaText = (program: Program): string =>
  JSON.stringify(
    [...program.entityTypes].map(([name, type]) => [name, [...type.attributes.values()], [...type.relations.values()]]),
  )
