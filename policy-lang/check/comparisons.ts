import type * as ast from '../ast/nodes.ts'
import { comparable, elementOf } from '../builtins/comparable.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import type { EntityInfo } from '../resolve/environment.ts'
import { sameType } from '../resolve/same-type.ts'
import { entityTypesOf } from '../resolve/type-of-node.ts'
import { type At, ungroup } from './at.ts'
import { infosOf } from './members.ts'
import { relationTest } from './relation-tests.ts'
import { typeText } from './type-text.ts'
import { checkPresent, declaredType, presentOr } from './values.ts'

type Binary = ast.Expr & { readonly kind: 'binary' }

/** `==` takes optional operands and is false where one is absent; `!=` says what absence means, so it takes none (SPEC 4). */
export function checkEquality(node: Binary, at: At): Expr | undefined {
  const pair = checkPair(node, at)
  if (!pair) return undefined
  const [left, right] = pair
  if (!comparable(left.type, right.type) && !comparable(...declaredPair(node, pair, at)))
    return neverEqual(node, left, right, at)
  const equal: Expr = { kind: 'compare', op: 'eq', left, right, type: primitive.bool, span: node.span }
  if (node.op === '==') return equal
  const present = [presentOr(left, at), presentOr(right, at)]
  return present.includes(undefined)
    ? undefined
    : { kind: 'not', operand: equal, type: primitive.bool, span: node.span }
}

const ordered = new Set<Type['kind']>(['int', 'decimal', 'time', 'duration', 'string'])

/** `< <= > >=`: on Int, Decimal, Time, Duration, ordered enums and plain String (SPEC 4). */
export function checkOrder(node: Binary, at: At): Expr | undefined {
  const pair = checkPair(node, at)
  if (!pair) return undefined
  const [left, right] = [presentOr(pair[0], at), presentOr(pair[1], at)]
  if (!left || !right) return undefined
  const isOrdered = left.type.kind === 'enum' ? left.type.ordered : ordered.has(left.type.kind)
  if (!isOrdered || !sameType(left.type, right.type)) {
    at.session.reporter.report(
      'F3005',
      node.span,
      `\`${node.op}\` does not order ${typeText(left.type)} and ${typeText(right.type)}`,
      left.type.kind === 'enum' && !left.type.ordered ? { help: 'order an enum with `"a" < "b"`' } : {},
    )
    return undefined
  }
  const swapped = node.op === '>' || node.op === '>='
  const op = node.op === '<' || node.op === '>' ? 'lt' : 'le'
  const [small, large] = swapped ? [right, left] : [left, right]
  return { kind: 'compare', op, left: small, right: large, type: primitive.bool, span: node.span }
}

/** `in` and `not in`: a set, the hierarchy, an address range, or a relation (SPEC 4). */
export function checkIn(node: Binary, at: At): Expr | undefined {
  const found = checkMembership(node, at)
  if (!found || node.op === 'in') return found?.test
  const operand = presentOr(found.left, at)
  return operand && { kind: 'not', operand: found.test, type: primitive.bool, span: node.span }
}

export function checkIs(node: ast.Expr & { kind: 'is' }, at: At): Expr | undefined {
  const operand = checkPresent(node.operand, at)
  const { environment, reporter } = at.session
  const types = entityTypesOf(node.type, { environment, unit: at.unit, reporter })
  if (!operand || !types) return undefined
  if (operand.type.kind !== 'entity') {
    reporter.report('F3005', node.span, `\`is\` asks for the type of an entity, and this is ${typeText(operand.type)}`)
    return undefined
  }
  const declared = declaredType(node.operand, operand, at)
  const possible = declared.kind === 'entity' ? declared.types : operand.type.types
  if (!types.some((type) => possible.includes(type))) {
    reporter.report('F3006', node.span, `${typeText(operand.type)} is never ${node.type.text}`)
    return undefined
  }
  return { kind: 'isType', operand, types: [...types].sort(), type: primitive.bool, span: node.span }
}

/** The side that says its type first decides how a literal on the other is read. */
function checkPair(node: Binary, at: At): readonly [Expr, Expr] | undefined {
  const leftIsLiteral = isLiteral(ungroup(node.left))
  const first = at.session.check(leftIsLiteral ? node.right : node.left, at)
  const second = at.session.check(leftIsLiteral ? node.left : node.right, at, first?.type)
  if (!first || !second) return undefined
  return leftIsLiteral ? [second, first] : [first, second]
}

function declaredPair(node: Binary, [left, right]: readonly [Expr, Expr], at: At): readonly [Type, Type] {
  return [declaredType(node.left, left, at), declaredType(node.right, right, at)]
}

const isLiteral = (node: ast.Expr): boolean => node.kind === 'string' || node.kind === 'set' || node.kind === 'record'

function neverEqual(node: Binary, left: Expr, right: Expr, at: At): undefined {
  at.session.reporter.report('F3006', node.span, `${typeText(left.type)} never equals ${typeText(right.type)}`)
  return undefined
}

type Membership = { readonly test: Expr; readonly left: Expr }

function checkMembership(node: Binary, at: At): Membership | undefined {
  const target = ungroup(node.right)
  if (target.kind === 'member') {
    const relation = checkRelationTarget(node, target, at)
    if (relation !== 'none') return relation
  }
  const leftFirst = target.kind === 'set'
  const early = leftFirst ? at.session.check(node.left, at) : undefined
  if (leftFirst && !early) return undefined
  const right = at.session.check(node.right, at, early && { kind: 'set', of: early.type })
  if (!right) return undefined
  const left = early ?? at.session.check(node.left, at, right.type.kind === 'set' ? right.type.of : right.type)
  if (!left) return undefined
  const mode = modeOf(declaredType(node.left, left, at), declaredType(node.right, right, at), at)
  if (mode) return { test: { kind: 'in', mode, left, right, type: primitive.bool, span: node.span }, left }
  const fault = right.type.kind === 'set' || right.type.kind === left.type.kind ? 'F3006' : 'F3005'
  at.session.reporter.report(fault, node.span, `${typeText(left.type)} is never in ${typeText(right.type)}`)
  return undefined
}

/** `x in doc.viewer`: a relation may stand right of `in` and nowhere else. */
function checkRelationTarget(
  node: Binary,
  target: ast.Expr & { kind: 'member' },
  at: At,
): Membership | 'none' | undefined {
  const { reporter } = at.session
  const mark = reporter.mark()
  const of = at.session.check(target.of, at)
  if (of?.type.kind !== 'entity') {
    reporter.rollback(mark)
    return 'none'
  }
  if (!infosOf(of.type.types, at).some((info) => info.relations.has(target.name.text))) return 'none'
  const narrowed = at.session.check(node.left, at)
  const left = narrowed && { ...narrowed, type: declaredType(node.left, narrowed, at) }
  const test = left && relationTest(left, target.name, of, node.span, at)
  return left && test && { test, left }
}

function modeOf(left: Type, right: Type, at: At): 'set' | 'hierarchy' | 'ip' | undefined {
  if (left.kind === 'ip' && right.kind === 'ip') return 'ip'
  const element = elementOf(right)
  if (left.kind === 'entity' && element.kind === 'entity') {
    if (reaches(left.types, element.types, at)) return 'hierarchy'
    return right.kind === 'set' && comparable(left, element)
      ? 'set'
      : comparable(left, element)
        ? 'hierarchy'
        : undefined
  }
  return right.kind === 'set' && comparable(left, element) ? 'set' : undefined
}

/** Can an entity of one of these types stand strictly below one of those, over all links? */
function reaches(from: readonly string[], to: readonly string[], at: At): boolean {
  const wanted = new Set(to)
  const seen = new Set<EntityInfo>(infosOf(from, at))
  for (const info of seen)
    for (const link of info.attributes.values()) {
      if (!link.link) continue
      const target = elementOf(link.type)
      if (target.kind !== 'entity') continue
      if (target.types.some((type) => wanted.has(type))) return true
      for (const next of infosOf(target.types, at)) seen.add(next)
    }
  return false
}
