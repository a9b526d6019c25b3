import type { ActionItem, ActionsItem, AdviceItem, ExternItem, FnItem, SubjectTypeNode } from '../ast/nodes.ts'
import { clause, once } from './clauses.ts'
import { expression } from './expressions.ts'
import { itemBase } from './item-base.ts'
import { lower, many, nonterminal, optional, rule, same, separated, sign, string, upper } from './notation.ts'
import { fields, type } from './type-expressions.ts'
import { keyword, literalValue, marks } from './words.ts'

export const actionItem = nonterminal<ActionItem>('action item')
export const actionsItem = nonterminal<ActionsItem>('actions item')
export const fnItem = nonterminal<FnItem>('fn item')
export const externItem = nonterminal<ExternItem>('extern item')
export const adviceItem = nonterminal<AdviceItem>('advice item')

const by = clause('by', separated(subjectType(), '|'))
const via = clause('via', separated(upper, '|'))
const withFields = clause('with', braced())
const scope = clause('scope', string)
const implies = clause('implies', separated(lower, ','))
type ActionClause = NonNullable<(typeof by | typeof via | typeof withFields | typeof scope | typeof implies)['makes']>
const actionClause = nonterminal<ActionClause>('action clause')

const within = clause('within', literalValue)
const otherwise = clause('else', expression)
type ExternClause = NonNullable<(typeof within | typeof otherwise)['makes']>
const externClause = nonterminal<ExternClause>('extern clause')

export const actionRules = [
  rule(actionItem, [
    marks,
    optional(keyword('extend')),
    keyword('action'),
    separated(lower, ','),
    keyword('on'),
    separated(upper, '|'),
    many(actionClause),
  ]).makes(([list, extend, , names, , on, clauses], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'action',
    extend: extend !== undefined,
    names,
    on,
    ...once(clauses, 'by', building),
    ...once(clauses, 'via', building),
    ...once(clauses, 'with', building),
    ...once(clauses, 'scope', building),
    ...once(clauses, 'implies', building),
  })),
  same<ActionClause>(actionClause, by),
  same<ActionClause>(actionClause, via),
  same<ActionClause>(actionClause, withFields),
  same<ActionClause>(actionClause, scope),
  same<ActionClause>(actionClause, implies),

  rule(actionsItem, [
    marks,
    keyword('actions'),
    lower,
    sign('='),
    separated(lower, ','),
    keyword('on'),
    separated(upper, '|'),
  ]).makes(([list, , name, , members, , on], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'actions',
    name,
    members,
    on,
  })),

  rule(fnItem, [
    marks,
    keyword('fn'),
    lower,
    sign('('),
    fields,
    sign(')'),
    sign(':'),
    type,
    sign('='),
    expression,
  ]).makes(([list, , name, , params, , , returns, , body], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'fn',
    name,
    params,
    returns,
    body,
  })),
  rule(externItem, [
    marks,
    keyword('extern'),
    keyword('fn'),
    lower,
    sign('('),
    fields,
    sign(')'),
    sign(':'),
    type,
    many(externClause),
  ]).makes(([list, , , name, , params, , , returns, clauses], span, building) => {
    const value = once(clauses, 'else', building).else
    // `fail` is a word only here: anywhere else it is a name.
    const fails = value?.kind === 'name' && value.name.text === 'fail'
    return {
      ...itemBase(list, span, building),
      kind: 'extern',
      name,
      params,
      returns,
      ...once(clauses, 'within', building),
      ...(value ? { otherwise: fails ? ('fail' as const) : value } : {}),
    }
  }),
  same<ExternClause>(externClause, within),
  same<ExternClause>(externClause, otherwise),

  rule(adviceItem, [marks, keyword('advice'), lower, sign('('), fields, sign(')')]).makes(
    ([list, , name, , params], span, building) => ({ ...itemBase(list, span, building), kind: 'advice', name, params }),
  ),
]

function subjectType() {
  const head = nonterminal<SubjectTypeNode>('subject type', 'a subject type')
  return {
    ...head,
    rules: [
      rule(head, [keyword('anyone')]).makes((_, span) => ({ kind: 'anyone', span })),
      rule(head, [upper]).makes(([name], span) => ({ kind: 'type', name, span })),
    ],
  }
}

function braced() {
  const head = nonterminal<NonNullable<(typeof fields)['makes']>>('fields in braces', '`{`')
  return { ...head, rules: [rule(head, [sign('{'), fields, sign('}')]).makes(([, list]) => list)] }
}
