import type { Graph } from '../../entities/graph.ts'
import type { Node } from '../../entities/node.ts'
import type { Expr, Value } from '../../ir/nodes.ts'
import type { ActionType, PartitionEntry, Program } from '../../ir/program.ts'
import { partitionOf, ruleAt } from '../../runtime/interpret.ts'
import { required } from './bail.ts'
import { type Emitter, emit } from './compile-expression.ts'
import { createDecisionStates, type DecisionStates, type State } from './decision-states.ts'
import type { Run } from './hold-relation.ts'
import { arrange, indexKey, type RuleCode, tableCode } from './index-rules.ts'
import { runtime } from './runtime.ts'

/** Everything that decides one (action, subject type, resource type), as one function. Throws `Unsupported`. */
export type Partition = {
  readonly states: DecisionStates
  readonly evaluate: Evaluate
  /** Does the code need a `Run`: relations, externs? */
  readonly needsRun: boolean
}
type Evaluate = (
  graph: Graph,
  subject: Node,
  resource: Node,
  context: ReadonlyMap<string, Value>,
  now: number,
  run: Run,
) => State

/** Rules in one function at most: a longer one is never optimised. */
const chunk = 100

export function compilePartition(program: Program, action: ActionType, subjectType: string): Partition {
  const { name, resourceType } = action
  const uid = (type: string) => ({ kind: 'entity', type, id: '' }) as const
  const request = { action: name, subject: uid(subjectType), resource: uid(resourceType), context: new Map() }
  const states = createDecisionStates(program, resourceType)
  const to: Emitter = {
    program,
    action,
    subjectType,
    resourceType,
    constants: [],
    places: new Map(),
    temporaries: [],
    locals: new Map(),
    as: name,
  }
  const rules = partitionOf(program, request)
    .map((entry) => ruleCode(entry, to))
    .filter(({ code }) => code !== 'false')
  const { plain, tables } = arrange(rules)
  const lines = plain.map(({ rule, code }) => `if(${code})st=p(st,${rule});`)
  const blocks = Array.from({ length: Math.ceil(lines.length / chunk) }, (_, at) =>
    lines.slice(at * chunk, (at + 1) * chunk).join(''),
  )
  blocks.push(...tables.map((table) => tableCode(table, to)))
  return { states, evaluate: build(to, states, blocks), needsRun: blocks.some((block) => block.includes('(run,')) }
}

function ruleCode(entry: PartitionEntry, to: Emitter): RuleCode {
  const rule = ruleAt(to.program, entry)
  to.as = entry.as
  const operands = rule.condition.kind === 'and' ? rule.condition.operands.flatMap(flatten) : [rule.condition]
  const all = [...operands.map((operand) => emit(operand, to)), delegation(entry, to)]
  const together = (codes: readonly string[]): string => {
    const parts = codes.filter((code) => code !== 'true')
    if (parts.includes('false')) return 'false'
    return parts.length === 0 ? 'true' : parts.join('&&')
  }
  const keys = operands.map((operand) => indexKey(operand, to))
  const at = keys.findIndex((key) => key !== undefined)
  const key = keys[at]
  const rest = together(all.filter((_, index) => index !== at))
  return { rule: entry.rule, code: together(all), ...(key && { key: { ...key, rest } }) }
}

const flatten = (expr: Expr): readonly Expr[] => (expr.kind === 'and' ? expr.operands.flatMap(flatten) : [expr])

/** An organization's allow needs a delegate of the module or tenant (SPEC 6). */
function delegation(entry: PartitionEntry, to: Emitter): string {
  const rule = ruleAt(to.program, entry)
  if (rule.layer !== 'organization' || rule.effect === 'deny') return 'true'
  const delegates = to.program.delegates.filter(({ actions }) =>
    actions.some((each) => each.action === entry.as && each.resourceType === to.resourceType),
  )
  const codes = delegates.map((delegate) => emit(delegate.condition, to))
  return codes.includes('true') ? 'true' : codes.length === 0 ? 'false' : `(${codes.join('||')})`
}

/** ORDER: names in the text are generated; what a policy says travels in the arrays. */
function build(to: Emitter, states: DecisionStates, blocks: readonly string[]): Evaluate {
  const names = to.constants.map((_, index) => `c${index}=c[${index}]`)
  const parts = blocks.map(
    (block, index) => `function b${index}(g,s,r,ctx,now,run,st){${temporariesIn(block, to)}${block}return st}`,
  )
  const text = [
    '"use strict";',
    names.length > 0 ? `const ${names.join(',')};` : '',
    ...parts,
    'return function(g,s,r,ctx,now,run){let st=start;',
    ...blocks.map((_, index) => `st=b${index}(g,s,r,ctx,now,run,st);`),
    'return st}',
  ].join('')
  const make = new Function('c', 'h', 'q', 'p', 'start', text)
  return make(to.constants, runtime, required, states.step, states.start)
}

function temporariesIn(block: string, to: Emitter): string {
  const used = to.temporaries.filter((name) => block.includes(`${name}=`))
  return used.length > 0 ? `let ${used.join(',')};` : ''
}
