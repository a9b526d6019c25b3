import type { EntityItem, HolderNode, LinkNode, MemberNode, Name, RelationExpr } from '../ast/nodes.ts'
import { itemBase } from './item-base.ts'
import { lower, many, nonterminal, optional, rule, same, separated, sign, upper } from './notation.ts'
import { type } from './type-expressions.ts'
import { anyName, dotted, keyword, marks, optionalAfter } from './words.ts'

export const entityItem = nonterminal<EntityItem>('entity item')
const body = nonterminal<MemberNode[]>('body', '`{`')
const link = nonterminal<LinkNode>('link', 'a parent type')
const linkTarget = nonterminal<Pick<LinkNode, 'target' | 'many'>>('link target', 'a type name')
const member = nonterminal<MemberNode>('member', 'a member')
const storedKeyword = nonterminal<boolean>('relation or role')
const holder = nonterminal<HolderNode>('holder', 'who may hold it')
const relation = nonterminal<RelationExpr>('relation expression', 'a relation')
const relationAnd = nonterminal<RelationExpr>('relation and', 'a relation')
const relationMinus = nonterminal<RelationExpr>('relation minus', 'a relation')
const relationPrimary = nonterminal<RelationExpr>('relation primary', 'a relation')
const condition = optionalAfter('if', lower)

export const entityRules = [
  rule(entityItem, [marks, keyword('entity'), upper, optionalAfter('in', separated(link, ',')), body]).makes(
    ([list, , name, links, members], span, building) => ({
      ...itemBase(list, span, building),
      kind: 'entity',
      extend: false,
      name,
      links: links ?? [],
      members,
    }),
  ),
  rule(entityItem, [marks, keyword('extend'), keyword('entity'), upper, body]).makes(
    ([list, , , name, members], span, building) => ({
      ...itemBase(list, span, building),
      kind: 'entity',
      extend: true,
      name,
      links: [],
      members,
    }),
  ),
  rule(link, [linkTarget]).makes(([target], span) => ({ ...target, span })),
  rule(link, [lower, sign(':'), linkTarget]).makes(([name, , target], span) => ({ name, ...target, span })),
  rule(linkTarget, [upper]).makes(([target]) => ({ target, many: 'one' as const })),
  rule(linkTarget, [upper, sign('?')]).makes(([target]) => ({ target, many: 'optional' as const })),
  rule(linkTarget, [keyword('Set'), sign('<'), upper, sign('>')]).makes(([, , target]) => ({
    target,
    many: 'set' as const,
  })),

  // Members may be parted by commas or by nothing (SPEC 2).
  rule(body, [sign('{'), many(memberAndComma()), sign('}')]).makes(([, members]) => members),

  rule(member, [marks, lower, optional(sign('?')), sign(':'), type]).makes(
    ([list, name, mayLack, , of], span, building) => ({
      kind: 'attribute',
      name,
      optional: mayLack !== undefined,
      type: of,
      ...memberBase(list, span, building),
    }),
  ),
  rule(member, [marks, storedKeyword, lower, sign(':'), separated(holder, '|')]).makes(
    ([list, role, name, , holders], span, building) => ({
      kind: 'storedRelation',
      role,
      name,
      holders,
      ...memberBase(list, span, building),
    }),
  ),
  rule(member, [marks, keyword('relation'), lower, sign('='), relation]).makes(
    ([list, , name, , made], span, building) => ({
      kind: 'computedRelation',
      name,
      body: made,
      ...memberBase(list, span, building),
    }),
  ),
  rule(storedKeyword, [keyword('relation')]).makes(() => false),
  rule(storedKeyword, [keyword('role')]).makes(() => true),

  rule(holder, [upper, condition]).makes(([of, test], span) => ({ kind: 'typeHolder', type: of, ...when(test), span })),
  rule(holder, [upper, sign('.'), anyName, condition]).makes(([of, , name, test], span) => ({
    kind: 'usersetHolder',
    type: of,
    relation: name,
    ...when(test),
    span,
  })),
  rule(holder, [keyword('any'), upper, condition]).makes(([, of, test], span) => ({
    kind: 'anyHolder',
    type: of,
    ...when(test),
    span,
  })),
  rule(holder, [keyword('anyone'), condition]).makes(([, test], span) => ({
    kind: 'anyoneHolder',
    ...when(test),
    span,
  })),

  // Relation expressions, loose to tight: `or`, `and`, `minus` (SPEC 2).
  same(relation, relationAnd),
  relationOperator(relation, 'or', relationAnd),
  same(relationAnd, relationMinus),
  relationOperator(relationAnd, 'and', relationMinus),
  same(relationMinus, relationPrimary),
  relationOperator(relationMinus, 'minus', relationPrimary),
  rule(relationPrimary, [dotted]).makes(([path], span) => ({ kind: 'relationPath', all: false, path, span })),
  rule(relationPrimary, [keyword('all'), dotted]).makes(([, path], span) => ({
    kind: 'relationPath',
    all: true,
    path,
    span,
  })),
  rule(relationPrimary, [sign('('), relation, sign(')')]).makes(([, inner], span) => ({
    kind: 'relationGroup',
    inner,
    span,
  })),
]

function memberAndComma() {
  const head = nonterminal<MemberNode>('member and comma')
  return { ...head, rules: [rule(head, [member, optional(sign(','))]).makes(([only]) => only)] }
}

function relationOperator(head: typeof relation, op: 'or' | 'and' | 'minus', right: typeof relation) {
  return rule(head, [head, keyword(op), right]).makes((parts, span) => ({
    kind: 'relationOp',
    op,
    left: parts[0],
    right: parts[2],
    span,
  }))
}

const when = (test: Name | undefined) => (test ? { condition: test } : {})

function memberBase(...[list, span, building]: Parameters<typeof itemBase>) {
  const doc = building.takeDoc(span.start)
  return { marks: list, span, ...(doc === undefined ? {} : { doc }) }
}
