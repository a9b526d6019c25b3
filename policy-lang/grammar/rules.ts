import type {
  ActionsRef,
  AdviseClause,
  DelegateItem,
  DisableItem,
  FieldsClause,
  Name,
  ProveItem,
  ResourcePattern,
  RuleItem,
  SubjectPart,
  SubjectPattern,
} from '../ast/nodes.ts'
import { type Clause, clause, every, once } from './clauses.ts'
import { expression, namedArguments, postfix } from './expressions.ts'
import { itemBase } from './item-base.ts'
import { lower, many, nonterminal, optional, rule, same, separated, sign, string, upper } from './notation.ts'
import { dotted, keyword, marks } from './words.ts'

export const ruleItem = nonterminal<RuleItem>('rule item')
export const delegateItem = nonterminal<DelegateItem>('delegate item')
export const disableItem = nonterminal<DisableItem>('disable item')
export const proveItem = nonterminal<ProveItem>('prove item')

type Target = { readonly actions: ActionsRef; readonly resource?: ResourcePattern }
const effect = nonterminal<'allow' | 'deny'>('effect')
const mode = nonterminal<'never' | 'always'>('mode')
const target = nonterminal<Target>('target', 'an action')
const actionNames = nonterminal<ActionsRef>('action names', 'an action')
const anyAction = nonterminal<ActionsRef>('any action')
const resource = nonterminal<ResourcePattern>('resource', 'a resource type')
const binder = optional(binderRule())
const subject = nonterminal<SubjectPattern>('subject', 'a subject')
const subjectPart = nonterminal<SubjectPart>('subject part', 'a subject')

const when = clause('when', expression)
const unless = clause('unless', expression)
const because = clause('because', string)
const fieldsClause = nonterminal<Clause<'fields', FieldsClause>>('fields clause')
const adviseClause = nonterminal<Clause<'advise', AdviseClause>>('advise clause')
type Condition = NonNullable<(typeof when | typeof unless)['makes']>
type ProofClause = Condition | Clause<'fields', FieldsClause>
type RuleClause = ProofClause | NonNullable<(typeof because)['makes']> | Clause<'advise', AdviseClause>
const condition = nonterminal<Condition>('condition clause')
const proofClause = nonterminal<ProofClause>('proof clause')
const ruleClause = nonterminal<RuleClause>('rule clause')

export const ruleRules = [
  rule(ruleItem, [marks, optional(keyword('sealed')), effect, target, keyword('to'), subject, many(ruleClause)]).makes(
    ([list, sealed, allowOrDeny, on, , to, clauses], span, building) => ({
      ...itemBase(list, span, building),
      kind: 'rule',
      effect: allowOrDeny,
      sealed: sealed !== undefined,
      ...on,
      subject: to,
      when: every(clauses, 'when'),
      unless: every(clauses, 'unless'),
      ...once(clauses, 'because', building),
      advise: every(clauses, 'advise'),
      ...once(clauses, 'fields', building),
    }),
  ),
  rule(delegateItem, [marks, keyword('delegate'), target, keyword('to'), subject, many(condition)]).makes(
    ([list, , on, , to, clauses], span, building) => ({
      ...itemBase(list, span, building),
      kind: 'delegate',
      ...on,
      subject: to,
      when: every(clauses, 'when'),
      unless: every(clauses, 'unless'),
    }),
  ),
  rule(disableItem, [marks, keyword('disable'), string]).makes(([list, , id], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'disable',
    rule: id,
  })),
  rule(proveItem, [
    marks,
    keyword('prove'),
    string,
    sign(':'),
    mode,
    keyword('allow'),
    target,
    keyword('to'),
    subject,
    many(proofClause),
  ]).makes(([list, , title, , which, , on, , to, clauses], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'prove',
    title,
    mode: which,
    ...on,
    subject: to,
    when: every(clauses, 'when'),
    unless: every(clauses, 'unless'),
    ...once(clauses, 'fields', building),
  })),
  rule(effect, [keyword('allow')]).makes(() => 'allow' as const),
  rule(effect, [keyword('deny')]).makes(() => 'deny' as const),
  rule(mode, [keyword('never')]).makes(() => 'never' as const),
  rule(mode, [keyword('always')]).makes(() => 'always' as const),

  // `on` may be missing only after `any` (SPEC 3).
  rule(target, [anyAction]).makes(([actions]) => ({ actions })),
  rule(target, [anyAction, keyword('on'), resource]).makes(([actions, , on]) => ({ actions, resource: on })),
  rule(target, [actionNames, keyword('on'), resource]).makes(([actions, , on]) => ({ actions, resource: on })),
  rule(anyAction, [keyword('any')]).makes((_, span) => ({ kind: 'anyAction', span })),
  rule(actionNames, [separated(lower, ',')]).makes(([names], span) => ({ kind: 'actionNames', names, span })),
  rule(resource, [binder, separated(upper, '|')]).makes(([name, types], span) => ({ ...bound(name), types, span })),

  rule(subject, [separated(subjectPart, 'or')]).makes(([parts], span) => ({ parts, span })),
  rule(subjectPart, [binder, keyword('anyone')]).makes(([name], span) => ({
    kind: 'anyonePart',
    ...bound(name),
    span,
  })),
  rule(subjectPart, [binder, separated(upper, '|')]).makes(([name, types], span) => ({
    kind: 'typePart',
    ...bound(name),
    types,
    span,
  })),
  rule(subjectPart, [separated(lower, ','), keyword('of'), postfix]).makes(([relations, , of], span) => ({
    kind: 'relationPart',
    relations,
    of,
    span,
  })),

  same<Condition>(condition, when),
  same<Condition>(condition, unless),
  same<ProofClause>(proofClause, condition),
  same<ProofClause>(proofClause, fieldsClause),
  same<RuleClause>(ruleClause, proofClause),
  same<RuleClause>(ruleClause, because),
  same<RuleClause>(ruleClause, adviseClause),
  rule(fieldsClause, [keyword('fields'), keyword('all')]).makes((_, span) => fieldsOf('all', [], span)),
  rule(fieldsClause, [keyword('fields'), keyword('all'), keyword('except'), separated(dotted, ',')]).makes(
    ([, , , paths], span) => fieldsOf('except', paths, span),
  ),
  rule(fieldsClause, [keyword('fields'), separated(dotted, ',')]).makes(([, paths], span) =>
    fieldsOf('only', paths, span),
  ),
  rule(adviseClause, [keyword('advise'), lower, sign('('), namedArguments, sign(')')]).makes(
    ([, name, , args], span) => ({
      clause: 'advise' as const,
      value: { name, args, span },
      span,
    }),
  ),
]

function fieldsOf(mode: FieldsClause['mode'], paths: FieldsClause['paths'], span: FieldsClause['span']) {
  return { clause: 'fields' as const, value: { mode, paths, span }, span }
}

function binderRule() {
  const head = nonterminal<Name>('binder')
  return { ...head, rules: [rule(head, [lower, sign(':')]).makes(([name]) => name)] }
}

const bound = <N>(binder: N | undefined) => (binder === undefined ? {} : { binder })
