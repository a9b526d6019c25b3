import type { BinaryOperator, Expr, NamedArgument } from '../../../policy-lang/ast/nodes.ts'
import { type Choose, lowerName, nowhere as span, stringLiteral, timeLiteral, upperName } from './tape.ts'

// One function per level of precedence (SPEC 2), loose to tight: a generated tree needs no parentheses but those it has.
type Level = (choose: Choose, fuel: number) => Expr

export const generateExpression: Level = (choose, fuel) => {
  if (fuel === 0 || choose(8) < 7) return or(choose, fuel)
  const part = () => generateExpression(choose, fuel - 1)
  // biome-ignore lint/suspicious/noThenProperty: the node's member has the word's name, and nothing awaits it
  return { kind: 'if', test: part(), then: part(), otherwise: part(), span }
}

/** A path with calls and look-ups. */
export const generatePath: Level = (choose, fuel) => postfix(choose, fuel)

export const named = (choose: Choose, fuel: number): NamedArgument[] =>
  Array.from({ length: choose(3) }, () => ({ name: lowerName(choose), value: generateExpression(choose, fuel) }))

function chain(operators: readonly BinaryOperator[], own: () => Level, tighter: () => Level): Level {
  return (choose, fuel) => {
    if (fuel === 0 || choose(4) < 3) return tighter()(choose, fuel)
    const op = operators[choose(operators.length)] ?? '+'
    return { kind: 'binary', op, left: own()(choose, fuel - 1), right: tighter()(choose, fuel - 1), span }
  }
}

const or: Level = chain(
  ['or'],
  () => or,
  () => and,
)
const and: Level = chain(
  ['and'],
  () => and,
  () => not,
)
const not: Level = (choose, fuel) =>
  fuel > 0 && choose(5) === 4 ? { kind: 'not', operand: not(choose, fuel - 1), span } : comparison(choose, fuel)

const comparison: Level = (choose, fuel) => {
  const kind = fuel === 0 ? 0 : choose(8)
  if (kind === 6) return { kind: 'is', operand: coalesce(choose, fuel - 1), type: upperName(choose), span }
  if (kind !== 7) return coalesce(choose, fuel)
  const operators = ['==', '!=', '<', '<=', '>', '>=', 'in', 'not in'] as const
  const op = operators[choose(operators.length)] ?? '=='
  return { kind: 'binary', op, left: coalesce(choose, fuel - 1), right: coalesce(choose, fuel - 1), span }
}

const coalesce: Level = chain(
  ['??'],
  () => coalesce,
  () => sum,
)
const sum: Level = chain(
  ['+', '-'],
  () => sum,
  () => product,
)
const product: Level = chain(
  ['*'],
  () => product,
  () => unary,
)

const unary: Level = (choose, fuel) => {
  const kind = fuel === 0 ? 0 : choose(8)
  if (kind === 6) return { kind: 'negate', operand: unary(choose, fuel - 1), span }
  if (kind === 7) return { kind: 'has', operand: postfix(choose, fuel - 1), span }
  return postfix(choose, fuel)
}

const postfix: Level = (choose, fuel) => {
  const kind = fuel === 0 ? 0 : choose(8)
  const of = () => postfix(choose, fuel - 1)
  if (kind === 4 || kind === 5) {
    // After `.` every word is a name.
    const words = ['in', 'all', 'owner', 'Upper', 'if']
    const name = { text: words[choose(words.length)] ?? 'x', span }
    return { kind: 'member', of: of(), name, optional: kind === 5, span }
  }
  if (kind === 6) return { kind: 'index', of: of(), key: generateExpression(choose, fuel - 1), span }
  if (kind === 7) {
    const args = Array.from({ length: choose(3) }, () => generateExpression(choose, fuel - 1))
    return { kind: 'call', callee: of(), args, span }
  }
  return primary(choose, fuel)
}

const primary: Level = (choose, fuel) => {
  const inner = () => generateExpression(choose, fuel - 1)
  switch (choose(fuel === 0 ? 8 : 12)) {
    case 1:
      return { kind: 'int', value: [0n, 7n, 50_000n, 9_223_372_036_854_775_808n][choose(4)] ?? 0n, span }
    case 2:
      return stringLiteral(choose)
    case 3:
      return { kind: 'bool', value: choose(2) === 1, span }
    case 4:
      return { kind: 'decimal', text: '12.50', span }
    case 5:
      return { kind: 'duration', milliseconds: 5_400_000n, text: '90m', span }
    case 6:
      return timeLiteral(choose)
    case 7:
      return { kind: 'entityLiteral', type: upperName(choose), id: stringLiteral(choose), span }
    case 8:
      return { kind: 'set', items: Array.from({ length: choose(4) }, inner), span }
    case 9:
      return { kind: 'record', fields: named(choose, fuel - 1), span }
    case 10:
      return { kind: 'group', inner: inner(), span }
    case 11: {
      const quantifier = (['any', 'all', 'count'] as const)[choose(3)] ?? 'any'
      return { kind: 'quantifier', quantifier, variable: lowerName(choose), over: inner(), body: inner(), span }
    }
    default:
      return { kind: 'name', name: lowerName(choose), span }
  }
}
