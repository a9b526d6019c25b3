import type {
  ActionsRef,
  FieldNode,
  FieldsClause,
  HolderNode,
  Item,
  LinkNode,
  MemberNode,
  Name,
  RelationExpr,
  ResourcePattern,
  StringLiteral,
  SubjectPart,
  TestStep,
  TypeNode,
} from '../../../policy-lang/ast/nodes.ts'
import { generateExpression, generatePath, named } from './generate-expression.ts'
import {
  type Choose,
  listOf,
  lowerName,
  maybe,
  nowhere as span,
  stringLiteral,
  timeLiteral,
  upperName,
} from './tape.ts'

/** Makes one item of any kind, valid as a tree: what the formatter may be given. Smaller choices make smaller items. */
export function generateItem(choose: Choose): Item {
  const make = [simpleItem, ruleItem, entityItem, actionItem, functionItem, testItem, proveItem][choose(7)]
  return (make ?? simpleItem)(choose)
}

function base(choose: Choose) {
  const marks = choose(3) === 2 ? [{ name: lowerName(choose), ...maybe(choose, 'value', stringLiteral), span }] : []
  return { span, marks, leading: [], comments: [], ...(choose(4) === 3 ? { doc: 'Two lines\nof text.' } : {}) }
}

function simpleItem(choose: Choose): Item {
  const common = base(choose)
  const items: readonly (() => Item)[] = [
    () => ({ ...common, kind: 'module', name: lowerName(choose) }),
    () => ({ ...common, kind: 'import', names: listOf(choose, upperName), from: stringLiteral(choose) }),
    () => ({ ...common, kind: 'type', name: upperName(choose), type: generateType(choose, 3) }),
    () => ({ ...common, kind: 'const', name: lowerName(choose), value: generateExpression(choose, 4) }),
    () => ({ ...common, kind: 'disable', rule: stringLiteral(choose) }),
    () => ({ ...common, kind: 'advice', name: lowerName(choose), params: fields(choose) }),
    () => ({
      ...common,
      kind: 'actions',
      name: lowerName(choose),
      members: listOf(choose, lowerName),
      on: listOf(choose, upperName),
    }),
  ]
  const make = items[choose(items.length)]
  return make ? make() : { ...common, kind: 'module', name: lowerName(choose) }
}

function ruleItem(choose: Choose): Item {
  const common = {
    ...base(choose),
    ...target(choose),
    subject: subjectPattern(choose),
    when: conditions(choose),
    unless: conditions(choose),
  }
  if (choose(5) === 4) return { ...common, kind: 'delegate' }
  return {
    ...common,
    kind: 'rule',
    effect: choose(2) ? 'deny' : 'allow',
    sealed: choose(3) === 2,
    ...maybe(choose, 'because', stringLiteral),
    advise: choose(3) === 2 ? [{ name: lowerName(choose), args: named(choose, 2), span }] : [],
    ...maybe(choose, 'fields', fieldsClause),
  }
}

function proveItem(choose: Choose): Item {
  return {
    ...base(choose),
    kind: 'prove',
    title: stringLiteral(choose),
    mode: choose(2) ? 'always' : 'never',
    ...target(choose),
    subject: subjectPattern(choose),
    when: conditions(choose),
    unless: conditions(choose),
    ...maybe(choose, 'fields', fieldsClause),
  }
}

const conditions = (choose: Choose) => Array.from({ length: choose(3) }, () => generateExpression(choose, 4))

function target(choose: Choose): { actions: ActionsRef; resource?: ResourcePattern } {
  const resource = (): ResourcePattern => ({
    ...maybe(choose, 'binder', lowerName),
    types: listOf(choose, upperName),
    span,
  })
  if (choose(3) < 2) {
    return { actions: { kind: 'actionNames', names: listOf(choose, lowerName), span }, resource: resource() }
  }
  return { actions: { kind: 'anyAction', span }, ...maybe(choose, 'resource', resource) }
}

function subjectPattern(choose: Choose) {
  const part = (): SubjectPart => {
    const kind = choose(3)
    if (kind === 0)
      return { kind: 'typePart', ...maybe(choose, 'binder', lowerName), types: listOf(choose, upperName), span }
    if (kind === 1)
      return { kind: 'relationPart', relations: listOf(choose, lowerName), of: generatePath(choose, 2), span }
    return { kind: 'anyonePart', ...maybe(choose, 'binder', lowerName), span }
  }
  return { parts: listOf(choose, part), span }
}

function fieldsClause(choose: Choose): FieldsClause {
  const mode = (['only', 'except', 'all'] as const)[choose(3)] ?? 'all'
  return { mode, paths: mode === 'all' ? [] : listOf(choose, path), span }
}

const path = (choose: Choose): Name[] => [
  lowerName(choose),
  ...Array.from({ length: choose(3) }, () => lowerName(choose)),
]

function entityItem(choose: Choose): Item {
  const common = { ...base(choose), kind: 'entity' as const, name: upperName(choose) }
  const members = Array.from({ length: choose(6) }, () => member(choose))
  if (choose(3) === 2) return { ...common, extend: true, links: [], members }
  return { ...common, extend: false, links: choose(2) ? listOf(choose, link) : [], members }
}

function link(choose: Choose): LinkNode {
  const many = (['one', 'optional', 'set'] as const)[choose(3)] ?? 'one'
  return { ...maybe(choose, 'name', lowerName), target: upperName(choose), many, span }
}

function member(choose: Choose): MemberNode {
  const common = {
    name: lowerName(choose),
    marks: choose(4) === 3 ? [{ name: lowerName(choose), span }] : [],
    span,
    ...(choose(5) === 4 ? { doc: 'About it.' } : {}),
  }
  const kind = choose(3)
  if (kind === 0) return { ...common, kind: 'attribute', optional: choose(2) === 1, type: generateType(choose, 3) }
  if (kind === 1) return { ...common, kind: 'storedRelation', role: choose(2) === 1, holders: listOf(choose, holder) }
  return { ...common, kind: 'computedRelation', body: relation(choose, 'or', 3) }
}

function holder(choose: Choose): HolderNode {
  const condition = maybe(choose, 'condition', lowerName)
  const kind = choose(4)
  if (kind === 0) return { kind: 'typeHolder', type: upperName(choose), ...condition, span }
  if (kind === 1)
    return { kind: 'usersetHolder', type: upperName(choose), relation: lowerName(choose), ...condition, span }
  if (kind === 2) return { kind: 'anyHolder', type: upperName(choose), ...condition, span }
  return { kind: 'anyoneHolder', ...condition, span }
}

const tighter = { or: 'and', and: 'minus', minus: 'primary' } as const

function relation(choose: Choose, level: 'or' | 'and' | 'minus' | 'primary', fuel: number): RelationExpr {
  if (level === 'primary') {
    if (fuel > 0 && choose(4) === 3) return { kind: 'relationGroup', inner: relation(choose, 'or', fuel - 1), span }
    return { kind: 'relationPath', all: choose(4) === 3, path: path(choose), span }
  }
  if (fuel === 0 || choose(3) < 2) return relation(choose, tighter[level], fuel)
  const left = relation(choose, level, fuel - 1)
  return { kind: 'relationOp', op: level, left, right: relation(choose, tighter[level], fuel - 1), span }
}

function actionItem(choose: Choose): Item {
  const subject = () =>
    choose(3) === 2 ? { kind: 'anyone' as const, span } : { kind: 'type' as const, name: upperName(choose), span }
  return {
    ...base(choose),
    kind: 'action',
    extend: choose(4) === 3,
    names: listOf(choose, lowerName),
    on: listOf(choose, upperName),
    ...maybe(choose, 'by', () => listOf(choose, subject)),
    ...maybe(choose, 'via', () => listOf(choose, upperName)),
    ...maybe(choose, 'with', fields),
    ...maybe(choose, 'scope', stringLiteral),
    ...maybe(choose, 'implies', () => listOf(choose, lowerName)),
  }
}

function functionItem(choose: Choose): Item {
  const common = { ...base(choose), name: lowerName(choose), params: fields(choose), returns: generateType(choose, 2) }
  if (choose(2) === 0) return { ...common, kind: 'fn', body: generateExpression(choose, 4) }
  const otherwise = choose(2) ? ('fail' as const) : { kind: 'int' as const, value: 60n, span }
  return {
    ...common,
    kind: 'extern',
    ...maybe(choose, 'within', timeLiteral),
    ...maybe(choose, 'otherwise', () => otherwise),
  }
}

function fields(choose: Choose): FieldNode[] {
  const marks = () => (choose(5) === 4 ? [{ name: lowerName(choose), span }] : [])
  return Array.from({ length: choose(3) }, () => ({
    name: lowerName(choose),
    optional: choose(2) === 1,
    type: generateType(choose, 2),
    marks: marks(),
    span,
  }))
}

export function generateType(choose: Choose, fuel: number): TypeNode {
  const kind = fuel === 0 ? 0 : choose(5)
  if (kind === 1)
    return { kind: 'genericType', name: upperName(choose), argument: generateType(choose, fuel - 1), span }
  if (kind === 2) {
    const values: StringLiteral[] = [stringLiteral(choose), ...listOf(choose, stringLiteral)]
    return { kind: 'enumType', values, ordered: choose(2) === 1, span }
  }
  if (kind === 3) return { kind: 'recordType', fields: fields(choose), span }
  const name = (): TypeNode => ({ kind: 'namedType', name: upperName(choose), span })
  return kind === 4 ? { kind: 'unionType', members: [name(), ...listOf(choose, name)], span } : name()
}

function testItem(choose: Choose): Item {
  return {
    ...base(choose),
    kind: 'test',
    title: stringLiteral(choose),
    ...maybe(choose, 'at', timeLiteral),
    steps: Array.from({ length: choose(5) }, () => step(choose)),
  }
}

function step(choose: Choose): TestStep {
  const subject = () => (choose(3) === 2 ? ('anonymous' as const) : generatePath(choose, 1))
  const record = () => named(choose, 2)
  const kind = choose(6)
  if (kind === 0) {
    const id = maybe(choose, 'id', stringLiteral)
    return { kind: 'let', name: lowerName(choose), type: upperName(choose), ...id, attributes: record(), span }
  }
  if (kind === 1) {
    const holders = [
      { kind: 'anyone' as const, span },
      { kind: 'anyOf' as const, type: upperName(choose), span },
      { kind: 'one' as const, value: generatePath(choose, 1), span },
    ]
    return {
      kind: 'relationFact',
      subject: holders[choose(3)] ?? { kind: 'anyone', span },
      relations: listOf(choose, lowerName),
      of: generatePath(choose, 1),
      ...maybe(choose, 'until', () => generateExpression(choose, 2)),
      ...maybe(choose, 'context', record),
      span,
    }
  }
  if (kind === 2) {
    const value = choose(2) ? ('fails' as const) : generateExpression(choose, 2)
    return { kind: 'externFact', name: lowerName(choose), value, span }
  }
  if (kind === 3) {
    const is = Array.from({ length: choose(3) }, () => generateExpression(choose, 1))
    const context = maybe(choose, 'with', record)
    return {
      kind: 'expectList',
      action: lowerName(choose),
      type: upperName(choose),
      subject: subject(),
      ...context,
      is,
      span,
    }
  }
  return {
    kind: 'expect',
    decision: choose(2) ? 'deny' : 'allow',
    actions: listOf(choose, lowerName),
    resource: generatePath(choose, 1),
    subject: subject(),
    ...maybe(choose, 'with', record),
    ...maybe(choose, 'from', () => listOf(choose, stringLiteral)),
    ...maybe(choose, 'fields', () => listOf(choose, path)),
    ...maybe(choose, 'advises', () => listOf(choose, lowerName)),
    ...maybe(choose, 'failing', () => listOf(choose, stringLiteral)),
    span,
  }
}
