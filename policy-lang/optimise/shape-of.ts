import type { Expr, Literal } from '../ir/nodes.ts'
import type { Type } from '../ir/types.ts'
import { childrenOf } from '../ir/walk.ts'

/** What rules that differ in constants have in common, as text, and the constants of this one in order. */
export type Shape = { readonly text: string; readonly constants: readonly Literal[] }

/**
 * Conditions of equal shape become one function; their constants become rows of a table (SPEC 7, index). `nameOf` answers the
 * same for equal types, and for those only.
 */
export function shapeOf(exprs: readonly Expr[], nameOf: (type: Type) => string): Shape {
  const constants: Literal[] = []
  const locals = new Map<string, number>()
  const parts: string[] = []
  const write = (expr: Expr): void => {
    parts.push(expr.kind, nameOf(expr.type))
    if (expr.kind === 'literal') {
      if (isHole(expr)) {
        constants.push(expr)
        parts.push(typeof expr.value)
      } else parts.push(valueText(expr.value))
    }
    if (expr.kind === 'let' || expr.kind === 'quantifier') {
      const name = expr.kind === 'let' ? expr.name : expr.variable
      locals.set(name, locals.size)
    }
    parts.push(ownText(expr, locals), '(')
    for (const child of childrenOf(expr)) write(child)
    parts.push(')')
  }
  for (const expr of exprs) write(expr)
  return { text: parts.join(' '), constants }
}

/** Constants that may differ within a shape: one text, number or entity. Sets and flags stay part of the code. */
export function isHole(expr: Literal): boolean {
  const { value } = expr
  if (typeof value === 'object') return value.kind === 'entity'
  return typeof value === 'string' || typeof value === 'number'
}

/** What a node says itself, without the expressions inside it. */
function ownText(expr: Expr, locals: ReadonlyMap<string, number>): string {
  switch (expr.kind) {
    case 'variable':
      return expr.scope === 'local' ? `#${locals.get(expr.name) ?? expr.name}` : JSON.stringify(expr.name)
    case 'attribute':
      return `${JSON.stringify(expr.name)} ${expr.optional} ${expr.safe} ${expr.key !== undefined}`
    case 'let':
      return String(expr.optional)
    case 'compare':
      return expr.op
    case 'in':
      return expr.mode
    case 'holds':
      return JSON.stringify(expr.relation)
    case 'isType':
      return JSON.stringify(expr.types)
    case 'call':
      return `${JSON.stringify(expr.name)} ${expr.args.length} ${expr.safe === true}`
    case 'extern':
      return `${JSON.stringify(expr.name)} ${expr.args.length}`
    case 'quantifier':
      return expr.quantifier
    case 'and':
    case 'or':
      return String(expr.operands.length)
    case 'construct':
      return JSON.stringify(expr.fields?.map((field) => field.name) ?? expr.items?.length)
    default:
      return ''
  }
}

const valueText = (value: Literal['value']): string =>
  JSON.stringify(value, (_, part) => {
    if (typeof part === 'bigint') return `${part}n`
    return part instanceof Map ? [...part] : part
  })
