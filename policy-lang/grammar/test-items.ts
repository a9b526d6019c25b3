import type { Expr, FactSubject, NamedArgument, StringLiteral, TestItem, TestStep } from '../ast/nodes.ts'
import { clause, once } from './clauses.ts'
import { expression, namedArguments, postfix, timeLiteral } from './expressions.ts'
import { itemBase } from './item-base.ts'
import {
  bracketed,
  lower,
  many,
  nonterminal,
  optional,
  rule,
  same,
  separated,
  sign,
  string,
  upper,
} from './notation.ts'
import { dotted, keyword, marks, optionalAfter } from './words.ts'

export const testItem = nonterminal<TestItem>('test item')
const step = nonterminal<TestStep>('test step')
const stepAndComma = nonterminal<TestStep>('test step and comma')
const record = nonterminal<NamedArgument[]>('record', '`{`')
const factSubject = nonterminal<FactSubject>('fact subject', 'a subject')
const expectSubject = nonterminal<Expr | 'anonymous'>('expected subject', 'a subject')
const effect = nonterminal<'allow' | 'deny'>('expected effect')

const withContext = clause('with', record)
const from = clause('from', separated(string, ','))
const fields = clause('fields', separated(dotted, ','))
const advises = clause('advises', separated(lower, ','))
const failing = clause('failing', separated(string, ','))
type ExpectClause = NonNullable<
  (typeof withContext | typeof from | typeof fields | typeof advises | typeof failing)['makes']
>
const expectClause = nonterminal<ExpectClause>('expect clause')

export const testRules = [
  rule(testItem, [
    marks,
    keyword('test'),
    string,
    optionalAfter('at', timeLiteral),
    sign('{'),
    many(stepAndComma),
    sign('}'),
  ]).makes(([list, , title, at, , steps], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'test',
    title,
    ...(at ? { at } : {}),
    steps,
  })),
  rule(stepAndComma, [step, optional(sign(','))]).makes(([only]) => only),
  rule(record, [sign('{'), namedArguments, sign('}')]).makes(([, list]) => list),

  rule(step, [keyword('let'), lower, sign('='), upper, optional(entityId()), record]).makes(
    ([, name, , type, id, attributes], span) => ({ kind: 'let', name, type, ...(id ? { id } : {}), attributes, span }),
  ),
  rule(step, [
    keyword('fact'),
    factSubject,
    keyword('is'),
    separated(lower, ','),
    keyword('of'),
    postfix,
    optionalAfter('until', expression),
    optionalAfter('if', record),
  ]).makes(([, subject, , relations, , of, until, context], span) => ({
    kind: 'relationFact',
    subject,
    relations,
    of,
    ...(until ? { until } : {}),
    ...(context ? { context } : {}),
    span,
  })),
  rule(step, [keyword('fact'), lower, sign('='), expression]).makes(([, name, , value], span) => ({
    kind: 'externFact',
    name,
    value,
    span,
  })),
  rule(step, [keyword('fact'), lower, keyword('fails')]).makes(([, name], span) => ({
    kind: 'externFact',
    name,
    value: 'fails' as const,
    span,
  })),
  rule(step, [
    keyword('expect'),
    effect,
    separated(lower, ','),
    keyword('on'),
    postfix,
    keyword('by'),
    expectSubject,
    many(expectClause),
  ]).makes(([, decision, actions, , resource, , subject, clauses], span, building) => ({
    kind: 'expect',
    decision,
    actions,
    resource,
    subject,
    ...once(clauses, 'with', building),
    ...once(clauses, 'from', building),
    ...once(clauses, 'fields', building),
    ...once(clauses, 'advises', building),
    ...once(clauses, 'failing', building),
    span,
  })),
  rule(step, [
    keyword('expect'),
    keyword('list'),
    lower,
    keyword('on'),
    upper,
    keyword('by'),
    expectSubject,
    optionalAfter('with', record),
    keyword('is'),
    sign('['),
    bracketed(expression),
    sign(']'),
  ]).makes(([, , action, , type, , subject, context, , , is], span) => ({
    kind: 'expectList',
    action,
    type,
    subject,
    ...(context ? { with: context } : {}),
    is,
    span,
  })),
  rule(effect, [keyword('allow')]).makes(() => 'allow' as const),
  rule(effect, [keyword('deny')]).makes(() => 'deny' as const),
  rule(expectSubject, [keyword('anonymous')]).makes(() => 'anonymous' as const),
  same<Expr | 'anonymous'>(expectSubject, postfix),
  rule(factSubject, [keyword('anyone')]).makes((_, span) => ({ kind: 'anyone', span })),
  rule(factSubject, [keyword('any'), upper]).makes(([, type], span) => ({ kind: 'anyOf', type, span })),
  rule(factSubject, [postfix]).makes(([value], span) => ({ kind: 'one', value, span })),

  same<ExpectClause>(expectClause, withContext),
  same<ExpectClause>(expectClause, from),
  same<ExpectClause>(expectClause, fields),
  same<ExpectClause>(expectClause, advises),
  same<ExpectClause>(expectClause, failing),
]

function entityId() {
  const head = nonterminal<StringLiteral>('entity id')
  return { ...head, rules: [rule(head, [sign('::'), string]).makes(([, id]) => id)] }
}
