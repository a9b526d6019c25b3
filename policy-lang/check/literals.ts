import type * as ast from '../ast/nodes.ts'
import { parseDecimal } from '../builtins/decimal-text.ts'
import { earliestTime, integerValue, latestTime } from '../builtins/integer.ts'
import * as primitive from '../builtins/primitive-types.ts'
import type { Expr, Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import type { Span } from '../source/span.ts'
import { suggest } from '../source/suggest.ts'
import type { At } from './at.ts'
import { typeText } from './type-text.ts'

export const literal = (value: Value, type: Type, span: Span): Expr & { kind: 'literal' } => ({
  kind: 'literal',
  value,
  type,
  span,
})

/** A literal; a text where an enum is expected must be one of its values (SPEC 4). */
export function checkLiteral(node: ast.Literal, at: At, expected?: Type): Expr | undefined {
  const { reporter } = at.session
  switch (node.kind) {
    case 'bool':
      return literal(node.value, primitive.bool, node.span)
    case 'string':
      return checkText(node, at, expected)
    case 'int':
      return integer(node.value, primitive.int, node.span, at)
    case 'duration':
      return integer(node.milliseconds, primitive.duration, node.span, at)
    case 'decimal': {
      const exact = parseDecimal(node.text)
      if (exact !== undefined) return integer(exact, primitive.decimal, node.span, at)
      reporter.report('F3007', node.span, `${node.text} does not fit a Decimal: four fraction digits in 64 bits`)
      return undefined
    }
    case 'time':
      if (node.milliseconds >= earliestTime && node.milliseconds <= latestTime)
        return literal(node.milliseconds, primitive.time, node.span)
      reporter.report('F3007', node.span, `${node.text} is outside the years 0001 to 9999`)
      return undefined
  }
}

/** An exact whole number of 64 bits; used for negated literals too, whose smallest has no positive twin. */
export function integer(exact: bigint, type: Type, span: Span, at: At): Expr | undefined {
  const value = integerValue(exact)
  if (typeof value !== 'object') return literal(value, type, span)
  at.session.reporter.report('F3007', span, `${exact} does not fit in signed 64 bits`)
  return undefined
}

function checkText(node: ast.StringLiteral, at: At, expected: Type | undefined): Expr | undefined {
  if (expected?.kind !== 'enum') return literal(node.value, primitive.string, node.span)
  if (expected.values.includes(node.value)) return literal(node.value, expected, node.span)
  const near = suggest(node.value, expected.values)
  at.session.reporter.report('F3002', node.span, `"${node.value}" is no value of ${typeText(expected)}`, {
    help:
      near === undefined
        ? `one of ${expected.values.map((value) => `"${value}"`).join(', ')}`
        : `did you mean "${near}"?`,
  })
  return undefined
}
