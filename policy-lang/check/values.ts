import type * as ast from '../ast/nodes.ts'
import type { Expr } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { mayBeAbsent } from '../ir/walk.ts'
import type { Span } from '../source/span.ts'
import type { At } from './at.ts'
import { fits } from './fits.ts'
import { typeText } from './type-text.ts'

/** Checks an expression whose value must be there: an unguarded optional is refused (SPEC 4, Absence). */
export function checkPresent(node: ast.Expr, at: At, expected?: Type): Expr | undefined {
  const expr = at.session.check(node, at, expected)
  return expr && presentOr(expr, at)
}

/** The same for something already checked. */
export function presentOr(expr: Expr, at: At): Expr | undefined {
  if (!mayBeAbsent(expr)) return expr
  const what = nameOf(expr, at)
  at.session.reporter.report('F3003', expr.span, `${what} is optional and used unguarded`, {
    help: `guard it with \`has ${plain(what)} and …\` or give a default with \`??\``,
  })
  return undefined
}

/**
 * The type as declared, whatever is known here: two operands that contradict each other are both right, in any order, and
 * an operand may stand twice (SPEC 1.3).
 */
export function declaredType(node: ast.Expr, expr: Expr, at: At): Type {
  if (!at.known || expr.type.kind !== 'entity') return expr.type
  const { reporter } = at.session
  const mark = reporter.mark()
  const plain = at.session.check(node, { ...at, known: undefined, tally: { ...at.tally } })
  reporter.rollback(mark)
  return plain?.type ?? expr.type
}

/** Checks an expression that must have a type. */
export function checkAs(node: ast.Expr, expected: Type, at: At): Expr | undefined {
  const expr = checkPresent(node, at, expected)
  return expr && (hasType(expr, expected, node.span, at) ? expr : undefined)
}

export const checkBool = (node: ast.Expr, at: At): Expr | undefined => checkAs(node, { kind: 'bool' }, at)

export function hasType(expr: Expr, expected: Type, span: Span, at: At): boolean {
  if (fits(expr.type, expected)) return true
  const help =
    expected.kind === 'decimal' && expr.kind === 'literal' && expr.type.kind === 'int'
      ? { help: `write \`${String(expr.value)}.0\`` }
      : {}
  at.session.reporter.report(
    'F3001',
    span,
    `${typeText(expected)} is wanted here, and this is ${typeText(expr.type)}`,
    help,
  )
  return false
}

/** How to call an expression in a message: its path as the author names it, else "this". */
function nameOf(expr: Expr, at: At): string {
  const path = dotted(expr, at)
  return path === undefined ? 'this value' : `"${path}"`
}

function dotted(expr: Expr, at: At): string | undefined {
  if (expr.kind === 'variable') {
    for (const [name, local] of at.locals) if (local.kind === 'variable' && local.name === expr.name) return name
    return expr.name
  }
  if (expr.kind !== 'attribute' || expr.key) return undefined
  const of = dotted(expr.of, at)
  return of === undefined ? undefined : `${of}.${expr.name}`
}

const plain = (what: string): string => (what.startsWith('"') ? what.slice(1, -1) : 'x')
