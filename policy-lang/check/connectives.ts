import type * as ast from '../ast/nodes.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { mayBeAbsent } from '../ir/walk.ts'
import type { Span } from '../source/span.ts'
import { type At, ungroup } from './at.ts'
import { joined } from './fits.ts'
import { checkIndex, checkMember } from './members.ts'
import { knownWhen } from './narrowing.ts'
import { holdersOf } from './relation-tests.ts'
import { typeText } from './type-text.ts'
import { checkBool, checkPresent } from './values.ts'

export const conjunction = (operands: readonly Expr[], span: Span): Expr => connective('and', operands, span)
export const disjunction = (operands: readonly Expr[], span: Span): Expr => connective('or', operands, span)
export const negation = (operand: Expr): Expr =>
  operand.kind === 'not' ? operand.operand : { kind: 'not', operand, type: primitive.bool, span: operand.span }

/** `a and b and c` as one node; each operand knows what the others guard. */
export function checkConnective(node: ast.Expr & { kind: 'binary' }, op: 'and' | 'or', at: At): Expr | undefined {
  const parts = flatten(node, op).map((part) => ({ node: part, negated: false }))
  return checkAll(parts, op, node.span, at)
}

export type Part = { readonly node: ast.Expr; readonly negated: boolean }

/**
 * Operands of one `and` or `or`. An operand whose guard stands after it is put off until the others are known: the order of
 * operands never changes what is accepted (SPEC 1, order-free).
 */
export function checkAll(parts: readonly Part[], op: 'and' | 'or', span: Span, at: At): Expr | undefined {
  const { reporter } = at.session
  const done: (Expr | undefined)[] = parts.map(() => undefined)
  let known = at.known
  let open = parts.map((_, index) => index)
  for (;;) {
    const before = open.length
    const retriable = at.tally.retries > 0
    open = open.filter((index) => {
      const part = parts[index]
      if (!part) return false
      const mark = reporter.mark()
      const expr = checkBool(part.node, { ...at, known })
      if (!expr) {
        if (retriable) reporter.rollback(mark)
        return true
      }
      const signed = part.negated ? negation(expr) : expr
      known = knownWhen(signed, op === 'and', known, (holds) => holdersOf(holds, at))
      done[index] = signed
      return false
    })
    if (open.length === 0) break
    if (open.length < before && retriable) {
      at.tally.retries -= 1
      continue
    }
    // No progress: what is left is really wrong. Check it again to say so.
    if (retriable)
      for (const index of open) {
        const part = parts[index]
        if (part) checkBool(part.node, { ...at, known, tally: { ...at.tally, retries: 0 } })
      }
    return undefined
  }
  const operands = done.filter((expr) => expr !== undefined)
  return connective(op, operands, span)
}

export function checkNot(node: ast.Expr & { kind: 'not' }, at: At): Expr | undefined {
  const operand = checkBool(node.operand, at)
  return operand && { kind: 'not', operand, type: primitive.bool, span: node.span }
}

export function checkIf(node: ast.Expr & { kind: 'if' }, at: At, expected?: Type): Expr | undefined {
  const test = checkBool(node.test, at)
  if (!test) {
    at.session.check(node.then, at, expected)
    at.session.check(node.otherwise, at, expected)
    return undefined
  }
  const holders = (holds: Expr & { kind: 'holds' }) => holdersOf(holds, at)
  const yes = { ...at, known: knownWhen(test, true, at.known, holders) }
  const no = { ...at, known: knownWhen(test, false, at.known, holders) }
  const then = checkPresent(node.then, yes, expected)
  const otherwise = checkPresent(node.otherwise, no, expected ?? then?.type)
  if (!then || !otherwise) return undefined
  const type = joined(then.type, otherwise.type)
  if (type) return { kind: 'if', test, then, otherwise, type, span: node.span }
  at.session.reporter.report(
    'F3001',
    node.span,
    `the branches differ: ${typeText(then.type)} and ${typeText(otherwise.type)}`,
  )
  return undefined
}

/** `has x.a`: for optionals only (SPEC 4). */
export function checkHas(node: ast.Expr & { kind: 'has' }, at: At): Expr | undefined {
  const of = checkDeclared(node.operand, at)
  if (!of) return undefined
  if (mayBeAbsent(of) && (of.kind === 'attribute' || of.kind === 'variable' || of.kind === 'call'))
    return { kind: 'has', of, type: primitive.bool, span: node.span }
  at.session.reporter.report('F3004', node.span, '`has` guards something that is never absent', {
    help: 'only optional attributes, arguments and look-ups can be absent',
  })
  return undefined
}

/** `left ?? right` */
export function checkCoalesce(node: ast.Expr & { kind: 'binary' }, at: At, expected?: Type): Expr | undefined {
  const left = checkDeclared(node.left, at, expected)
  const right = at.session.check(node.right, at, left?.type ?? expected)
  if (!left || !right) return undefined
  if (!mayBeAbsent(left)) {
    at.session.reporter.report('F3004', node.span, '`??` gives a default for something that is never absent', {
      help: 'remove the default',
    })
    return undefined
  }
  const type = joined(left.type, right.type)
  if (type) return { kind: 'coalesce', left, right, type, span: node.span }
  at.session.reporter.report(
    'F3001',
    node.right.span,
    `${typeText(left.type)} is wanted here, and this is ${typeText(right.type)}`,
  )
  return undefined
}

/** As declared, whatever a guard around it already knows: `has x.a` may stand under `has x.a`. */
function checkDeclared(node: ast.Expr, at: At, expected?: Type): Expr | undefined {
  const inner = ungroup(node)
  if (inner.kind === 'member') return checkMember(inner, at, true)
  if (inner.kind === 'index') return checkIndex(inner, at, true)
  if (inner.kind !== 'name') return at.session.check(inner, at, expected)
  const local = at.locals.get(inner.name.text)
  return local ? { ...local, span: inner.span } : at.session.check(inner, at, expected)
}

/** Operands of a chain of one operator, without recursion: a chain may be long. */
export function flatten(node: ast.Expr, op: 'and' | 'or'): ast.Expr[] {
  const operands: ast.Expr[] = []
  const open: ast.Expr[] = [node]
  for (let next = open.pop(); next; next = open.pop()) {
    const inner = ungroup(next)
    if (inner.kind === 'binary' && inner.op === op) open.push(inner.right, inner.left)
    else operands.push(inner)
  }
  return operands
}

/** One operand stands for itself; nested nodes of the same operator become one. */
function connective(kind: 'and' | 'or', operands: readonly Expr[], span: Span): Expr {
  const flat = operands.flatMap((operand) => (operand.kind === kind ? operand.operands : [operand]))
  const [only] = flat
  return flat.length === 1 && only ? only : { kind, operands: flat, type: primitive.bool, span }
}
