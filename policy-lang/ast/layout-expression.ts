import { unreachable } from '../source/invariant.ts'
import { commaFill, group, indent, type Layout, line, plain, softLine } from './layout.ts'
import type { Expr, FieldNode, Literal, Mark, Name, NamedArgument, RelationExpr, TypeNode } from './nodes.ts'

/** How a literal was written, where there is a source: `50_000` stays so. */
export type Written = (literal: Literal) => string | undefined

/** Prints what the tree holds, group by group: parentheses are nodes of their own. */
export function expressionLayout(expr: Expr, written: Written): Layout {
  const show = (inner: Expr) => expressionLayout(inner, written)
  switch (expr.kind) {
    case 'string':
    case 'int':
    case 'decimal':
    case 'duration':
    case 'time':
    case 'bool':
      return literalText(expr, written)
    case 'name':
      return expr.name.text
    case 'entityLiteral':
      return `${expr.type.text}::${literalText(expr.id, written)}`
    case 'set':
      return brackets('[', expr.items.map(show), ']')
    case 'record':
      return recordLayout(expr.fields, written)
    case 'member':
      return plain(show(expr.of), expr.optional ? '?.' : '.', expr.name.text)
    case 'index':
      return plain(show(expr.of), '[', show(expr.key), ']')
    case 'call':
      return plain(show(expr.callee), brackets('(', expr.args.map(show), ')'))
    case 'not':
      return plain('not ', show(expr.operand))
    case 'negate':
      return plain('-', show(expr.operand))
    case 'has':
      return plain('has ', show(expr.operand))
    case 'is':
      return plain(show(expr.operand), ' is ', expr.type.text)
    case 'binary':
      return chainLayout(expr, show)
    case 'if':
      return group('if ', show(expr.test), indent(line, 'then ', show(expr.then), line, 'else ', show(expr.otherwise)))
    case 'quantifier': {
      const head = `${expr.quantifier}(${expr.variable.text} in `
      return group(head, show(expr.over), ':', indent(line, show(expr.body)), ')')
    }
    case 'group':
      return plain('(', indent(show(expr.inner)), ')')
    default:
      return unreachable(expr)
  }
}

/** `a and b and c`: one group for the whole chain, a line before each operator. */
function chainLayout(expr: Extract<Expr, { kind: 'binary' }>, show: (expr: Expr) => Layout): Layout {
  const rest: Layout[] = []
  let first: Expr = expr
  while (first.kind === 'binary' && first.op === expr.op) {
    rest.push(plain(line, `${first.op} `, show(first.right)))
    first = first.left
  }
  return group(show(first), indent(...rest.reverse()))
}

export function relationLayout(relation: RelationExpr): Layout {
  if (relation.kind === 'relationPath') return `${relation.all ? 'all ' : ''}${pathText(relation.path)}`
  if (relation.kind === 'relationGroup') return plain('(', indent(relationLayout(relation.inner)), ')')
  const rest: Layout[] = []
  let first: RelationExpr = relation
  while (first.kind === 'relationOp' && first.op === relation.op) {
    rest.push(plain(line, `${first.op} `, relationLayout(first.right)))
    first = first.left
  }
  return group(relationLayout(first), indent(...rest.reverse()))
}

export function typeLayout(type: TypeNode, written: Written): Layout {
  switch (type.kind) {
    case 'namedType':
      return type.name.text
    case 'genericType':
      return plain(`${type.name.text}<`, typeLayout(type.argument, written), '>')
    case 'enumType': {
      const values = type.values.map((value) => literalText(value, written))
      return joined(values, type.ordered ? '<' : '|')
    }
    case 'unionType':
      return joined(
        type.members.map((member) => typeLayout(member, written)),
        '|',
      )
    case 'recordType':
      return braces(type.fields.map((field) => fieldLayout(field, written)))
    default:
      return unreachable(type)
  }
}

/** `a | b`, each further part on a line of its own where they do not fit. */
export function joined(parts: readonly Layout[], separator: string): Layout {
  const [first = '', ...rest] = parts
  return group(first, indent(...rest.map((part) => plain(line, `${separator} `, part))))
}

export function fieldLayout(field: FieldNode, written: Written): Layout {
  const name = `${markPrefix(field.marks, written)}${field.name.text}${field.optional ? '?' : ''}: `
  return plain(name, typeLayout(field.type, written))
}

export function recordLayout(fields: readonly NamedArgument[], written: Written): Layout {
  return braces(fields.map((field) => namedLayout(field, written)))
}

export function namedLayout(argument: NamedArgument, written: Written): Layout {
  return plain(`${argument.name.text}: `, expressionLayout(argument.value, written))
}

export function braces(parts: readonly Layout[]): Layout {
  if (parts.length === 0) return '{ }'
  return group('{', indent(line, commaFill(parts)), line, '}')
}

export function brackets(open: string, parts: readonly Layout[], close: string): Layout {
  if (parts.length === 0) return `${open}${close}`
  return group(open, indent(softLine, commaFill(parts)), softLine, close)
}

export const pathText = (path: readonly Name[]) => path.map((name) => name.text).join('.')

export const markText = (mark: Mark, written: Written) =>
  `@${mark.name.text}${mark.value ? `(${literalText(mark.value, written)})` : ''}`

export const markPrefix = (marks: readonly Mark[], written: Written) =>
  marks.map((mark) => `${markText(mark, written)} `).join('')

export function literalText(literal: Literal, written: Written): string {
  const asWritten = written(literal)
  if (asWritten !== undefined) return asWritten
  switch (literal.kind) {
    case 'string':
      return quote(literal.value)
    case 'bool':
    case 'int':
      return String(literal.value)
    default:
      return literal.text
  }
}

/** Writes a string so that it reads back as the same value (SPEC 2): `\*` stays two characters. */
function quote(value: string): string {
  const escaped = value.replace(/\\\*|["\\\n\t\r]|[\p{Cc}\p{Cf}\u2028\u2029]/gu, (found) => {
    if (found === '\\*') return found
    const simple = escapes[found]
    return simple ?? `\\u{${(found.codePointAt(0) ?? 0).toString(16)}}`
  })
  return `"${escaped}"`
}

const escapes: { readonly [character: string]: string } = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
}
