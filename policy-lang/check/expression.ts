import type * as ast from '../ast/nodes.ts'
import { integerValue } from '../builtins/integer.ts'
import * as primitive from '../builtins/primitive-types.ts'
import { builtinMethod } from '../builtins/table.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { type At, ungroup } from './at.ts'
import { builtinCall, checkCall } from './calls.ts'
import { checkEquality, checkIn, checkIs, checkOrder } from './comparisons.ts'
import { checkCoalesce, checkConnective, checkHas, checkIf, checkNot } from './connectives.ts'
import { checkEntityLiteral, checkQuantifier, checkRecord, checkSet } from './constructions.ts'
import { checkLiteral, integer } from './literals.ts'
import { checkIndex, checkMember } from './members.ts'
import { checkName } from './names.ts'
import { checkPresent } from './values.ts'

/**
 * The table of expression kinds: a typed IR node, or undefined after at least one reported mistake. `expected` is a hint that
 * decides how literals are read; whether the result fits is the caller's question.
 */
export function checkExpression(node: ast.Expr, at: At, expected?: Type): Expr | undefined {
  switch (node.kind) {
    case 'group':
      return checkExpression(ungroup(node), at, expected)
    case 'string':
    case 'bool':
    case 'int':
    case 'decimal':
    case 'duration':
    case 'time':
      return checkLiteral(node, at, expected)
    case 'name':
      return checkName(node, at)
    case 'entityLiteral':
      return checkEntityLiteral(node, at)
    case 'set':
      return checkSet(node, at, expected)
    case 'record':
      return checkRecord(node, at, expected)
    case 'member':
      return checkMember(node, at)
    case 'index':
      return checkIndex(node, at)
    case 'call':
      return checkCall(node, at, expected)
    case 'not':
      return checkNot(node, at)
    case 'negate':
      return checkNegate(node, at)
    case 'has':
      return checkHas(node, at)
    case 'is':
      return checkIs(node, at)
    case 'if':
      return checkIf(node, at, expected)
    case 'quantifier':
      return checkQuantifier(node, at)
    case 'binary':
      return checkBinary(node, at, expected)
  }
}

function checkBinary(node: ast.Expr & { kind: 'binary' }, at: At, expected?: Type): Expr | undefined {
  switch (node.op) {
    case 'and':
    case 'or':
      return checkConnective(node, node.op, at)
    case '==':
    case '!=':
      return checkEquality(node, at)
    case 'in':
    case 'not in':
      return checkIn(node, at)
    case '??':
      return checkCoalesce(node, at, expected)
    case '+':
    case '-':
    case '*':
      return checkArithmetic(node, at)
    default:
      return checkOrder(node, at)
  }
}

function checkArithmetic(node: ast.Expr & { kind: 'binary' }, at: At): Expr | undefined {
  const builtin = builtinMethod('operator', node.op)
  const left = checkPresent(node.left, at)
  const right = checkPresent(node.right, at)
  return builtin && left && right && builtinCall(node, builtin, [left, right], at)
}

/** A negated literal is one literal: the smallest Int has no positive twin. */
function checkNegate(node: ast.Expr & { kind: 'negate' }, at: At): Expr | undefined {
  const inner = ungroup(node.operand)
  if (inner.kind === 'int') return integer(-inner.value, primitive.int, node.span, at)
  if (inner.kind === 'duration') return integer(-inner.milliseconds, primitive.duration, node.span, at)
  const operand = checkPresent(node.operand, at)
  const builtin = builtinMethod('operator', 'negate')
  if (!operand || !builtin) return undefined
  if (operand.kind === 'literal' && (typeof operand.value === 'number' || typeof operand.value === 'bigint')) {
    const value = integerValue(-BigInt(operand.value))
    if (typeof value !== 'object' && operand.type.kind !== 'time') return { ...operand, value, span: node.span }
  }
  return builtinCall(node, builtin, [operand], at)
}
