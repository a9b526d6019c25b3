import type { Expr } from './nodes.ts'

/** The expressions directly inside one, in order. */
export function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'literal':
    case 'variable':
      return []
    case 'let':
      return [expr.value, expr.body]
    case 'attribute':
      return expr.key ? [expr.of, expr.key] : [expr.of]
    case 'has':
    case 'permitted':
      return [expr.of]
    case 'coalesce':
    case 'compare':
    case 'in':
      return [expr.left, expr.right]
    case 'not':
    case 'isType':
      return [expr.operand]
    case 'and':
    case 'or':
      return expr.operands
    case 'if':
      return [expr.test, expr.then, expr.otherwise]
    case 'holds':
      return [expr.subject, expr.of]
    case 'call':
    case 'extern':
      return expr.args
    case 'quantifier':
      return [expr.over, expr.body]
    case 'construct':
      return expr.items ?? expr.fields?.map((field) => field.value) ?? []
    case 'attempt':
      return [expr.operand, expr.otherwise]
  }
}

/** Calls `visit` for an expression and everything inside it. */
export function walk(expr: Expr, visit: (expr: Expr) => void): void {
  visit(expr)
  for (const child of childrenOf(expr)) walk(child, visit)
}

/** The same node with other children. */
export function mapChildren(expr: Expr, map: (child: Expr) => Expr): Expr {
  switch (expr.kind) {
    case 'literal':
    case 'variable':
      return expr
    case 'let':
      return { ...expr, value: map(expr.value), body: map(expr.body) }
    case 'attribute':
      return expr.key ? { ...expr, of: map(expr.of), key: map(expr.key) } : { ...expr, of: map(expr.of) }
    case 'has':
    case 'permitted':
      return { ...expr, of: map(expr.of) }
    case 'coalesce':
    case 'compare':
    case 'in':
      return { ...expr, left: map(expr.left), right: map(expr.right) }
    case 'not':
    case 'isType':
      return { ...expr, operand: map(expr.operand) }
    case 'and':
    case 'or':
      return { ...expr, operands: expr.operands.map(map) }
    case 'if':
      // biome-ignore lint/suspicious/noThenProperty: the word of the language; nodes are never awaited.
      return { ...expr, test: map(expr.test), then: map(expr.then), otherwise: map(expr.otherwise) }
    case 'holds':
      return { ...expr, subject: map(expr.subject), of: map(expr.of) }
    case 'call':
    case 'extern':
      return { ...expr, args: expr.args.map(map) }
    case 'quantifier':
      return { ...expr, over: map(expr.over), body: map(expr.body) }
    case 'construct':
      if (expr.items) return { ...expr, items: expr.items.map(map) }
      return { ...expr, fields: (expr.fields ?? []).map(({ name, value }) => ({ name, value: map(value) })) }
    case 'attempt':
      return { ...expr, operand: map(expr.operand), otherwise: map(expr.otherwise) }
  }
}

/** How many nodes an expression has. */
export function sizeOf(expr: Expr): number {
  let size = 0
  walk(expr, () => {
    size += 1
  })
  return size
}

/** May the node's value be absent? Everything else yields a value or E. */
export function mayBeAbsent(expr: Expr): boolean {
  if (expr.kind === 'attribute') return expr.optional || expr.safe
  if (expr.kind === 'variable') return expr.optional === true
  if (expr.kind === 'let') return expr.optional
  if (expr.kind === 'call') return expr.safe === true
  return expr.kind === 'coalesce' && mayBeAbsent(expr.right)
}
