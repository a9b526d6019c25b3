import type { Facts } from '../../entities/facts.ts'
import { type Graph, isGraph } from '../../entities/graph.ts'
import { actionKey, type Program } from '../../ir/program.ts'
import type { Decision, EvaluateOptions, Request } from '../../runtime/decision.ts'
import { interpret, isKnownSubject } from '../../runtime/interpret.ts'
import { refusal } from '../../runtime/judge.ts'
import { bail } from './bail.ts'
import { Unsupported } from './compile-expression.ts'
import { compilePartition, type Partition } from './compile-partition.ts'
import { newRun } from './hold-relation.ts'
import { createRelationPlans } from './relation-plan.ts'

/** Judges requests against one program. Answers exactly what `interpret` answers. */
export type Evaluator = {
  readonly program: Program
  decide(facts: Facts, request: Request, options: EvaluateOptions): Decision
  allows(facts: Facts, request: Request, options: EvaluateOptions): boolean
}

/**
 * The JavaScript backend: one compiled function for each (action, subject type, resource type), made when first asked for.
 * Data never recompiles. The interpreter serves where code generation is forbidden, where facts are not this package's own,
 * and whenever compiled code meets an E.
 */
export function createEvaluator(program: Program): Evaluator {
  const find = createPartitions(program)
  const plans = createRelationPlans(program)
  const idle = newRun(plans, 0, undefined)
  const fits = createSchemaCheck(program)
  const decide = (facts: Facts, request: Request, options: EvaluateOptions): Decision => {
    const { subject, resource } = request
    const partition = find(request.action, resource.type, subject.type)
    if (typeof partition !== 'object' || !isGraph(facts) || !fits(facts)) {
      return partition === 'unknown' ? unknownAction : interpret(program, facts, request, options)
    }
    try {
      const state = partition.evaluate(
        facts,
        facts.find(subject.type, subject.id),
        facts.find(resource.type, resource.id),
        request.context,
        options.now,
        partition.needsRun ? newRun(plans, options.now, options.externs) : idle,
      )
      return state.decision ?? partition.states.decide(state) ?? interpret(program, facts, request, options)
    } catch (error) {
      if (error !== bail) throw error
      return interpret(program, facts, request, options)
    }
  }
  return { program, decide, allows: (facts, request, options) => decide(facts, request, options).decision }
}

const unknownAction = Object.freeze(refusal('unknown-action'))

/** `interpreted`: no code for it; `unknown`: no such action or type. */
type Found = Partition | 'interpreted' | 'unknown'

/** The types that an action was last asked about: mostly the same again. */
type Asked = { resource: string; subject: string; found: Found; readonly all: Map<string, Map<string, Found>> }

function createPartitions(program: Program): (action: string, resource: string, subject: string) => Found {
  const actions = new Map<string, Asked>()
  const slow = (action: string, resource: string, subject: string): Found => {
    const asked = actions.get(action)
    const found = asked?.all.get(resource)?.get(subject) ?? makePartition(program, action, resource, subject)
    // Only names that the schema has are remembered: a caller cannot fill the memory.
    if (found === 'unknown') return found
    const all = asked?.all ?? new Map<string, Map<string, Found>>()
    const bySubject = all.get(resource) ?? new Map<string, Found>()
    all.set(resource, bySubject.set(subject, found))
    if (asked) Object.assign(asked, { resource, subject, found })
    else actions.set(action, { resource, subject, found, all })
    return found
  }
  return (action, resource, subject) => {
    const asked = actions.get(action)
    return asked !== undefined && asked.resource === resource && asked.subject === subject
      ? asked.found
      : slow(action, resource, subject)
  }
}

function makePartition(program: Program, name: string, resourceType: string, subjectType: string): Found {
  const action = program.actions.get(actionKey(name, resourceType))
  const uid = (type: string) => ({ kind: 'entity', type, id: '' }) as const
  const request = { subject: uid(subjectType), action: name, resource: uid(resourceType), context: new Map() }
  if (!action || !isKnownSubject(program, request)) return 'unknown'
  try {
    return compilePartition(program, action, subjectType)
  } catch (error) {
    // EvalError: the process forbids code from strings.
    if (error instanceof Unsupported || error instanceof EvalError) return 'interpreted'
    throw error
  }
}

/** Slots and holders are those of the program that the graph was made for: it must have the same types. */
function createSchemaCheck(program: Program): (graph: Graph) => boolean {
  const own = schemaText(program)
  const known = new WeakMap<Program, boolean>([[program, true]])
  return (graph) => {
    if (graph.program === program) return true
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
