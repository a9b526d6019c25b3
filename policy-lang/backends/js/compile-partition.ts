import type { Graph } from '../../entities/graph.ts'
import type { Node } from '../../entities/node.ts'
import type { Expr, Value } from '../../ir/nodes.ts'
import type { ActionType, PartitionEntry, Program } from '../../ir/program.ts'
import { partitionOf, ruleAt } from '../../runtime/interpret.ts'
import { required } from './bail.ts'
import { constant, type Emitter, emit } from './compile-expression.ts'
import { createDecisionStates, type DecisionStates, type State } from './decision-states.ts'
import type { Run } from './hold-relation.ts'
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

/** More rules than this on one key become a table. */
const tabled = 4

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
  for (const table of tables) lines.push(tableCode(table, to))
  return { states, evaluate: build(to, states, lines), needsRun: lines.some((line) => line.includes('(run,')) }
}

type RuleCode = {
  readonly rule: number
  readonly code: string
  /** An equality that must hold, as (code of the key, constant), with the code of the rest. */
  readonly key?: { readonly code: string; readonly value: Value; readonly rest: string }
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
  const at = operands.findIndex((operand) => keyOf(operand) !== undefined)
  const key = at >= 0 ? keyOf(operands[at] as Expr) : undefined // found just above
  if (!key) return { rule: entry.rule, code: together(all) }
  const rest = together(all.filter((_, index) => index !== at))
  return { rule: entry.rule, code: together(all), key: { code: emit(key.of, to), value: key.value, rest } }
}

/** `path == "constant"` on a text or a number that the request or its entities have. */
function keyOf(expr: Expr): { readonly of: Expr; readonly value: Value } | undefined {
  if (expr.kind !== 'compare' || expr.op !== 'eq') return undefined
  const [of, constant] = expr.left.kind === 'literal' ? [expr.right, expr.left] : [expr.left, expr.right]
  if (constant.kind !== 'literal' || of.kind !== 'attribute' || !isPath(of)) return undefined
  return typeof constant.value === 'string' || typeof constant.value === 'number'
    ? { of, value: constant.value }
    : undefined
}

const isPath = (expr: Expr): boolean =>
  expr.kind === 'attribute'
    ? expr.key === undefined && isPath(expr.of)
    : expr.kind === 'variable' && expr.scope === 'request'

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

type Table = { readonly key: string; readonly rules: readonly RuleCode[] }

function arrange(rules: readonly RuleCode[]): {
  readonly plain: readonly RuleCode[]
  readonly tables: readonly Table[]
} {
  const byKey = Map.groupBy(rules, (rule) => rule.key?.code ?? '')
  const tables = [...byKey].filter(([key, sharing]) => key !== '' && sharing.length >= tabled)
  const inTables = new Set(tables.flatMap(([, sharing]) => sharing))
  return {
    plain: rules.filter((rule) => !inTables.has(rule)),
    tables: tables.map(([key, sharing]) => ({ key, rules: sharing })),
  }
}

/** One look-up for all rules that compare the same path with a constant: the others are false whatever else they say. */
function tableCode(table: Table, to: Emitter): string {
  const cases = new Map<Value, number>()
  for (const { key } of table.rules) if (key && !cases.has(key.value)) cases.set(key.value, cases.size)
  const bodies = [...cases].map(([value, number]) => {
    const own = table.rules.filter((rule) => rule.key?.value === value)
    return `case ${number}:${own.map(({ rule, key }) => `if(${key?.rest})st=p(st,${rule});`).join('')}break;`
  })
  return `switch(${constant(cases, to)}.get(${table.key})){${bodies.join('')}}`
}

/** ORDER: names in the text are generated; what a policy says travels in the arrays. */
function build(to: Emitter, states: DecisionStates, lines: readonly string[]): Evaluate {
  const names = to.constants.map((_, index) => `c${index}=c[${index}]`)
  const text = [
    '"use strict";',
    names.length > 0 ? `const ${names.join(',')};` : '',
    'return function(g,s,r,ctx,now,run){',
    to.temporaries.length > 0 ? `let ${to.temporaries.join(',')};` : '',
    'let st=start;',
    ...lines,
    'return st}',
  ].join('')
  const make = new Function('c', 'h', 'q', 'p', 'start', text)
  return make(to.constants, runtime, required, states.step, states.start)
}
