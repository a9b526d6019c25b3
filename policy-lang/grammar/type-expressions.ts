import type { FieldNode, StringLiteral, TypeNode } from '../ast/nodes.ts'
import { bracketed, lower, nonterminal, optional, rule, same, separated, sign, string, upper } from './notation.ts'
import { marks } from './words.ts'

export const type = nonterminal<TypeNode>('type', 'a type')
const plainType = nonterminal<TypeNode>('plain type', 'a type')
const levels = nonterminal<StringLiteral[]>('ordered values', 'a type')
/** `name?: T`: an argument, a parameter, a record member. */
export const field = nonterminal<FieldNode>('field', 'a name')
export const fields = bracketed(field)

export const typeRules = [
  same(type, plainType),
  rule(type, [plainType, sign('|'), separated(plainType, '|')]).makes(([first, , rest], span) => ({
    kind: 'unionType',
    members: [first, ...rest],
    span,
  })),
  rule(type, [separated(string, '|')]).makes(([values], span) => ({ kind: 'enumType', values, ordered: false, span })),
  rule(type, [levels]).makes(([values], span) => ({ kind: 'enumType', values, ordered: true, span })),
  rule(levels, [string, sign('<'), string]).makes(([low, , high]) => [low, high]),
  rule(levels, [levels, sign('<'), string]).makes(([list, , last]) => {
    list.push(last)
    return list
  }),

  rule(plainType, [upper]).makes(([name], span) => ({ kind: 'namedType', name, span })),
  rule(plainType, [upper, sign('<'), type, sign('>')]).makes(([name, , argument], span) => ({
    kind: 'genericType',
    name,
    argument,
    span,
  })),
  rule(plainType, [sign('{'), fields, sign('}')]).makes(([, list], span) => ({
    kind: 'recordType',
    fields: list,
    span,
  })),

  rule(field, [marks, lower, optional(sign('?')), sign(':'), type]).makes(([list, name, mayLack, , of], span) => ({
    name,
    optional: mayLack !== undefined,
    type: of,
    marks: list,
    span,
  })),
]
