import type * as ast from '../ast/nodes.ts'
import { isFailure } from '../builtins/builtin.ts'
import { distinctValues, equalValues } from '../builtins/equal-values.ts'
import { builtinByName } from '../builtins/table.ts'
import type { Expr, Value } from '../ir/nodes.ts'
import type { ConstInfo } from '../resolve/environment.ts'
import { createReporter } from '../resolve/reporter.ts'
import { limits } from '../source/limits.ts'
import type { Span } from '../source/span.ts'
import { innerSession, leanOn, newTally, type Session } from './at.ts'
import { literal } from './literals.ts'
import { presentOr } from './values.ts'

/** The value of a `const`, worked out once; a cycle is an error (SPEC 6). */
export function constantOf(info: ConstInfo, session: Session): (Expr & { kind: 'literal' }) | undefined {
  if (info.state === 'open') {
    session.reporter.report('F2015', info.item.name.span, `the constant "${info.item.name.text}" depends on itself`)
    return undefined
  }
  if (info.state === 'new') {
    info.state = 'open'
    // A rollback around the use must not forget what is wrong here.
    const own = createReporter()
    const inner = innerSession(session, own)
    const isDeep = inner.nesting.now > limits.declarationDepth
    const found = isDeep ? undefined : checkConstant(info.item.value, info, inner)
    info.depth = inner.nesting.deepest + 1
    if (isDeep || info.depth > limits.declarationDepth)
      own.report(
        'F8103',
        info.item.name.span,
        `constants are made of constants more than ${limits.declarationDepth} deep`,
      )
    session.reporter.keep(own.diagnostics())
    if (found) info.literal = found
    info.state = 'done'
  }
  leanOn(session, info.depth ?? 0)
  return info.literal
}

function checkConstant(node: ast.Expr, info: ConstInfo, session: Session): (Expr & { kind: 'literal' }) | undefined {
  const at = {
    session,
    unit: info.unit,
    place: 'const',
    locals: new Map(),
    known: undefined,
    tally: newTally(),
  } as const
  const expr = session.check(node, at)
  const present = expr && presentOr(expr, at)
  const value = present && valueOrReport(present, node.span, session)
  return value === undefined || !present ? undefined : literal(value, present.type, node.span)
}

/** The value of an expression that must be known when the policy is loaded. */
export function valueOrReport(expr: Expr, span: Span, session: Session): Value | undefined {
  const value = foldedValue(expr)
  if (value === 'unknown') {
    session.reporter.report('F3014', span, 'this value is not known when the policy is loaded')
    return undefined
  }
  if (value === 'fails') {
    session.reporter.report('F3007', span, 'this value does not fit its type')
    return undefined
  }
  return value.value
}

type Constant = { readonly value: Value } | 'unknown' | 'fails'

/** Literals, what is built from them, and built-ins on them. */
function foldedValue(expr: Expr): Constant {
  switch (expr.kind) {
    case 'literal':
      return { value: expr.value }
    case 'construct':
      return constructed(expr)
    case 'not': {
      const operand = foldedValue(expr.operand)
      return typeof operand === 'string' ? operand : { value: operand.value !== true }
    }
    case 'compare': {
      const [left, right] = [foldedValue(expr.left), foldedValue(expr.right)]
      if (typeof left === 'string') return left
      if (typeof right === 'string') return right
      return expr.op === 'eq' ? { value: equalValues(left.value, right.value) } : 'unknown'
    }
    case 'call':
      return called(expr)
    case 'attribute':
      return memberOfConstant(expr)
    default:
      return 'unknown'
  }
}

function constructed(expr: Expr & { kind: 'construct' }): Constant {
  const items: Value[] = []
  for (const item of expr.items ?? []) {
    const value = foldedValue(item)
    if (typeof value === 'string') return value
    items.push(value.value)
  }
  if (expr.items) return { value: { kind: 'set', items: distinctValues(items) } }
  const fields = new Map<string, Value>()
  for (const field of expr.fields ?? []) {
    const value = foldedValue(field.value)
    if (typeof value === 'string') return value
    fields.set(field.name, value.value)
  }
  return { value: expr.type.kind === 'map' ? { kind: 'map', entries: fields } : { kind: 'record', fields } }
}

function memberOfConstant(expr: Expr & { kind: 'attribute' }): Constant {
  const of = foldedValue(expr.of)
  const key = expr.key ? foldedValue(expr.key) : { value: expr.name }
  if (typeof of === 'string') return of
  if (typeof key === 'string') return key
  if (typeof of.value !== 'object' || typeof key.value !== 'string') return 'unknown'
  const members = of.value.kind === 'record' ? of.value.fields : of.value.kind === 'map' ? of.value.entries : undefined
  const value = members?.get(key.value)
  return value === undefined ? 'unknown' : { value }
}

function called(expr: Expr & { kind: 'call' }): Constant {
  const builtin = builtinByName.get(expr.name)
  if (!builtin) return 'unknown'
  const args: Value[] = []
  for (const arg of expr.args) {
    const value = foldedValue(arg)
    if (typeof value === 'string') return value
    args.push(value.value)
  }
  const result = builtin.evaluate(args, expr.type)
  return isFailure(result) ? 'fails' : { value: result }
}
