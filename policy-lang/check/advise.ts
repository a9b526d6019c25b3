import type * as ast from '../ast/nodes.ts'
import type { Expr } from '../ir/nodes.ts'
import type { FieldMarks } from '../ir/types.ts'
import { childrenOf, walk } from '../ir/walk.ts'
import type { AdviceInfo } from '../resolve/environment.ts'
import type { At } from './at.ts'
import { infosOf } from './members.ts'
import { checkAs } from './values.ts'

export type Advise = { readonly name: string; readonly args: { readonly [name: string]: Expr } }

/**
 * `advise name(argument: value)`. Arguments are checked without what the rule's conditions guard: a deny counts also where a
 * condition failed, and advice must not fail then (SPEC 5).
 */
export function checkAdvise(clauses: readonly ast.AdviseClause[], at: At): readonly Advise[] | undefined {
  const bare = { ...at, known: undefined }
  const checked = clauses.map((clause) => checkClause(clause, bare))
  const present = checked.filter((clause) => clause !== undefined)
  return present.length === checked.length ? present : undefined
}

function checkClause(clause: ast.AdviseClause, at: At): Advise | undefined {
  const { environment, reporter } = at.session
  const info = environment.advice.get(clause.name.text)
  if (!info) {
    reporter.unknown('F2007', clause.name, `unknown advice "${clause.name.text}"`, environment.advice.keys())
    return undefined
  }
  const args = new Map<string, Expr>()
  let whole = true
  for (const { name, value } of clause.args) {
    const expr = checkArgument(info, name, value, at)
    if (args.has(name.text)) reporter.report('F2010', name.span, `"${name.text}" stands twice`)
    if (expr) args.set(name.text, expr)
    else whole = false
  }
  const given = new Set(clause.args.map((arg) => arg.name.text))
  for (const [name, field] of info.params) {
    if (field.optional || given.has(name)) continue
    reporter.report('F3008', clause.span, `the advice "${info.name}" needs "${name}"`)
    whole = false
  }
  return whole
    ? { name: info.name, args: Object.fromEntries([...args].sort(([a], [b]) => (a < b ? -1 : 1))) }
    : undefined
}

function checkArgument(info: AdviceInfo, name: ast.Name, value: ast.Expr, at: At): Expr | undefined {
  const { reporter } = at.session
  const field = info.params.get(name.text)
  if (!field) {
    reporter.unknown('F2003', name, `the advice "${info.name}" has no "${name.text}"`, info.params.keys())
    return undefined
  }
  const expr = checkAs(value, field.type, at)
  if (!expr) return undefined
  const guarded = findHidden(expr, at)
  if (guarded !== undefined) {
    reporter.report('F4007', value.span, `the advice would tell "${guarded}", which is marked personal or secret`)
    return undefined
  }
  if (!canFail(expr)) return expr
  reporter.report('F4006', value.span, 'an argument of advice must not be able to fail', {
    help: 'use literals, or optional attributes with a default',
  })
  return undefined
}

/** Members of context that executors fill in themselves. */
const alwaysThere = new Set(['now', 'scopes', 'priorActors'])
const failing = new Set(['add', 'subtract', 'multiply', 'negate'])
const ofZones = new Set(['hour', 'minute', 'weekday', 'timeOfDay', 'date'])

/** Could evaluation end in E? Required attributes can: data may lack them. */
export function canFail(expr: Expr): boolean {
  switch (expr.kind) {
    case 'attribute':
      if (expr.of.kind === 'variable' && expr.of.name === 'context' && alwaysThere.has(expr.name)) return false
      return !(expr.optional || expr.safe) || childrenOf(expr).some(canFail)
    case 'extern':
    case 'holds':
    case 'permitted':
      return true
    // A required link may be missing (SPEC 5.5).
    case 'in':
      return expr.mode === 'hierarchy' || childrenOf(expr).some(canFail)
    case 'attempt':
      return canFail(expr.otherwise)
    case 'call':
      if (failing.has(expr.name) || (ofZones.has(expr.name) && expr.args[1]?.kind !== 'literal')) return true
      return expr.args.some(canFail)
    default:
      return childrenOf(expr).some(canFail)
  }
}

function findHidden(expr: Expr, at: At): string | undefined {
  let found: string | undefined
  walk(expr, (node) => {
    if (node.kind !== 'attribute') return
    const marks = marksOf(node, at)
    if (marks?.personal || marks?.secret) found ??= node.name
  })
  return found
}

function marksOf(node: Expr & { kind: 'attribute' }, at: At): FieldMarks | undefined {
  const of = node.of.type
  if (of.kind === 'record') return Object.hasOwn(of.fields, node.name) ? of.fields[node.name]?.marks : undefined
  if (of.kind !== 'entity') return undefined
  for (const info of infosOf(of.types, at))
    for (const attribute of info.attributes.values())
      if (attribute.name === node.name && attribute.marks) return attribute.marks
  return undefined
}
