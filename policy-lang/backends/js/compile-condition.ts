import type { Graph } from '../../entities/graph.ts'
import type { TupleEntry } from '../../entities/node.ts'
import type { Value } from '../../ir/nodes.ts'
import type { ActionType, Program, StoredParameters, TupleCondition } from '../../ir/program.ts'
import { walk } from '../../ir/walk.ts'
import { hasType } from '../../runtime/has-type.ts'
import { leave, required } from './bail.ts'
import { asNode, createEmitter, emit, Unsupported } from './compile-expression.ts'
import type { Run } from './hold-relation.ts'
import type { RelationPlans } from './relation-plan.ts'
import { parameters, temporariesIn } from './rule-shapes.ts'
import { runtime } from './runtime.ts'

/** Is the condition of a tuple true now (SPEC 3)? An E leaves the fast path. */
export type Conditions = (run: Run, graph: Graph, entry: TupleEntry) => boolean
type Compiled = (run: Run, g: Graph, parameters: readonly (Value | undefined)[]) => boolean

export function createConditions(program: Program, plans: RelationPlans): Conditions {
  const compiled = new Map<string, Compiled>()
  return (run, graph, entry) => {
    if (entry.condition === undefined) return true
    const condition = program.tupleConditions.get(entry.condition)
    if (!condition) return leave()
    let code = compiled.get(condition.name)
    if (code === undefined) {
      code = compileCondition(program, plans, condition)
      compiled.set(condition.name, code)
    }
    const stored = entry.tuple.condition?.context
    return code(
      run,
      graph,
      condition.params.map((param) => parameterOf(run, stored, param)),
    )
  }
}

type Param = TupleCondition['params'][number]

/** From the tuple, else from the context; in neither and not optional: E. */
function parameterOf(run: Run, stored: StoredParameters | undefined, param: Param): Value | undefined {
  const value = stored?.has(param.name)
    ? stored.get(param.name)
    : param.name === 'now'
      ? run.now
      : run.context.get(param.name)
  if (value !== undefined && hasType(value, param.field.type)) return value
  // The defaults of `scopes` and `priorActors` hang on the action: the interpreter knows them.
  const isStandard = param.name === 'scopes' || param.name === 'priorActors'
  return param.field.optional && !isStandard ? undefined : leave()
}

function compileCondition(program: Program, plans: RelationPlans, condition: TupleCondition): Compiled {
  try {
    walk(condition.body, ({ kind }) => {
      // A relation inside a relation's tuple is a search of its own.
      if (kind === 'holds' || kind === 'permitted' || kind === 'extern') throw new Unsupported()
    })
    const to = createEmitter({ program, plans, action: anyAction, subjectType: '', resourceType: '' })
    const locals = condition.params.map((param, index) => {
      to.locals.set(param.name, `a${index}`)
      return `const a${index}=${asNode(`k[${index}]`, param.field.type)};`
    })
    const code = emit(condition.body, to)
    const names = to.constants.map((_, index) => `c${index}=c[${index}]`)
    const text = `"use strict";${names.length > 0 ? `const ${names.join(',')};` : ''}return function(run,g,k){${parameters.replace('g=run.graph,', '')}${temporariesIn(code, to)}${locals.join('')}return ${code}}`
    return new Function('c', 'h', 'q', text)(to.constants, runtime, required)
  } catch (error) {
    if (error instanceof Unsupported || error instanceof EvalError) return leave
    throw error
  }
}

/** Declares what an action may leave out, so that code asks for it and leaves where it is not there. */
const declared = { type: { kind: 'set', of: { kind: 'string' } }, optional: false } as const
const anyAction: ActionType = {
  name: '',
  resourceType: '',
  layer: 'platform',
  subjects: 'anyone',
  via: [],
  arguments: { scopes: declared, priorActors: declared },
  context: { kind: 'record', fields: {} },
  implies: [],
}
