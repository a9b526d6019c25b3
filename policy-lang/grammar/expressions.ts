import type { BinaryOperator, Expr, NamedArgument } from '../ast/nodes.ts'
import { bracketed, literal, lower, nonterminal, rule, same, sign, string, upper } from './notation.ts'
import { anyName, keyword, literalValue } from './words.ts'

// Expressions, loose to tight (SPEC 2). Chains are left-recursive: a right-recursive chain costs Earley quadratic time.
export const expression = nonterminal<Expr>('expression', 'an expression')
const or = nonterminal<Expr>('or', 'an expression')
const and = nonterminal<Expr>('and', 'an expression')
const not = nonterminal<Expr>('not', 'an expression')
const comparison = nonterminal<Expr>('comparison', 'an expression')
const coalesce = nonterminal<Expr>('coalesce', 'an expression')
const sum = nonterminal<Expr>('sum', 'an expression')
const product = nonterminal<Expr>('product', 'an expression')
const unary = nonterminal<Expr>('unary', 'an expression')
/** A path with calls and look-ups: what may follow `of`, `by`, `has`. */
export const postfix = nonterminal<Expr>('postfix', 'an expression')
const primary = nonterminal<Expr>('primary', 'an expression')
const quantifier = nonterminal<'any' | 'all' | 'count'>('quantifier', 'an expression')
export const namedArgument = nonterminal<NamedArgument>('named argument', 'a name')
export const namedArguments = bracketed(namedArgument)

const comparisons = ['==', '!=', '<', '<=', '>', '>='] as const

export const expressionRules = [
  same(expression, or),
  rule(expression, [keyword('if'), expression, keyword('then'), expression, keyword('else'), expression]).makes(
    ([, test, , then, , otherwise], span) => ({ kind: 'if', test, then, otherwise, span }),
  ),

  same(or, and),
  binary(or, or, 'or', and),
  same(and, not),
  binary(and, and, 'and', not),
  same(not, comparison),
  rule(not, [keyword('not'), not]).makes(([, operand], span) => ({ kind: 'not', operand, span })),

  same(comparison, coalesce),
  ...comparisons.map((op) => binary(comparison, coalesce, op, coalesce)),
  binary(comparison, coalesce, 'in', coalesce),
  rule(comparison, [coalesce, keyword('not'), keyword('in'), coalesce]).makes(([left, , , right], span) => ({
    kind: 'binary',
    op: 'not in',
    left,
    right,
    span,
  })),
  rule(comparison, [coalesce, keyword('is'), upper]).makes(([operand, , type], span) => ({
    kind: 'is',
    operand,
    type,
    span,
  })),

  same(coalesce, sum),
  binary(coalesce, coalesce, '??', sum),
  same(sum, product),
  binary(sum, sum, '+', product),
  binary(sum, sum, '-', product),
  same(product, unary),
  binary(product, product, '*', unary),
  same(unary, postfix),
  rule(unary, [sign('-'), unary]).makes(([, operand], span) => ({ kind: 'negate', operand, span })),
  rule(unary, [keyword('has'), postfix]).makes(([, operand], span) => ({ kind: 'has', operand, span })),

  same(postfix, primary),
  rule(postfix, [postfix, sign('.'), anyName]).makes(([of, , name], span) => ({
    kind: 'member',
    of,
    name,
    optional: false,
    span,
  })),
  rule(postfix, [postfix, sign('?.'), anyName]).makes(([of, , name], span) => ({
    kind: 'member',
    of,
    name,
    optional: true,
    span,
  })),
  rule(postfix, [postfix, sign('['), expression, sign(']')]).makes(([of, , key], span) => ({
    kind: 'index',
    of,
    key,
    span,
  })),
  rule(postfix, [postfix, sign('('), bracketed(expression), sign(')')]).makes(([callee, , args], span) => ({
    kind: 'call',
    callee,
    args,
    span,
  })),

  same<Expr>(primary, literalValue),
  rule(primary, [lower]).makes(([name], span) => ({ kind: 'name', name, span })),
  rule(primary, [upper, sign('::'), string]).makes(([type, , id], span) => ({ kind: 'entityLiteral', type, id, span })),
  rule(primary, [sign('['), bracketed(expression), sign(']')]).makes(([, items], span) => ({
    kind: 'set',
    items,
    span,
  })),
  rule(primary, [sign('{'), namedArguments, sign('}')]).makes(([, fields], span) => ({ kind: 'record', fields, span })),
  rule(primary, [sign('('), expression, sign(')')]).makes(([, inner], span) => ({ kind: 'group', inner, span })),
  rule(primary, [quantifier, sign('('), lower, keyword('in'), expression, sign(':'), expression, sign(')')]).makes(
    ([kind, , variable, , over, , body], span) => ({
      kind: 'quantifier',
      quantifier: kind,
      variable,
      over,
      body,
      span,
    }),
  ),
  rule(quantifier, [keyword('any')]).makes(() => 'any' as const),
  rule(quantifier, [keyword('all')]).makes(() => 'all' as const),
  rule(quantifier, [keyword('count')]).makes(() => 'count' as const),

  rule(namedArgument, [lower, sign(':'), expression]).makes(([name, , value]) => ({ name, value })),
]

/** A time literal alone, as after `at`. */
export const timeLiteral = literal<Extract<Expr, { kind: 'time' }>>('time', 'a time')

function binary(head: typeof expression, left: typeof expression, op: BinaryOperator, right: typeof expression) {
  const operator = /^[a-z]/.test(op) ? keyword(op) : sign(op)
  return rule(head, [left, operator, right]).makes((parts, span) => ({
    kind: 'binary',
    op,
    left: parts[0],
    right: parts[2],
    span,
  }))
}
