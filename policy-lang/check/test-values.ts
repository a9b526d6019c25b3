import type * as ast from '../ast/nodes.ts'
import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import type { At } from './at.ts'
import { valueOrReport } from './constants.ts'
import { typeText } from './type-text.ts'
import { checkAs } from './values.ts'

/** A value of a test, known when the set is loaded. */
export function testValue(node: ast.Expr, type: Type, at: At): Value | undefined {
  const expr = checkAs(node, type, at)
  return expr && valueOrReport(expr, node.span, at.session)
}

/** An entity of a test: a `let` or `Type::"id"`. */
export function testEntity(node: ast.Expr, at: At): EntityValue | undefined {
  const expr = at.session.check(node, at)
  if (!expr) return undefined
  if (expr.kind === 'literal' && typeof expr.value === 'object' && expr.value.kind === 'entity') return expr.value
  at.session.reporter.report('F3001', node.span, `an entity is wanted here, and this is ${typeText(expr.type)}`)
  return undefined
}
