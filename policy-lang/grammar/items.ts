import type { ConstItem, Expr, ImportItem, Item, ModuleItem, TypeItem } from '../ast/nodes.ts'
import { actionItem, actionRules, actionsItem, adviceItem, externItem, fnItem } from './actions.ts'
import { entityItem, entityRules } from './entities.ts'
import { expression, expressionRules } from './expressions.ts'
import { itemBase } from './item-base.ts'
import { lower, type Nonterminal, nonterminal, type Rule, rule, separated, sign, string, upper } from './notation.ts'
import { delegateItem, disableItem, proveItem, ruleItem, ruleRules } from './rules.ts'
import { testItem, testRules } from './test-items.ts'
import { type, typeRules } from './type-expressions.ts'
import { anyName, keyword, marks, wordRules } from './words.ts'

const moduleItem = nonterminal<ModuleItem>('module item')
const importItem = nonterminal<ImportItem>('import item')
const typeItem = nonterminal<TypeItem>('type item')
const constItem = nonterminal<ConstItem>('const item')

/** Every item kind by its first words. Each has its own grammar, which keeps the parser's sets small. */
export const itemKinds = {
  module: moduleItem,
  import: importItem,
  type: typeItem,
  const: constItem,
  entity: entityItem,
  'extend entity': entityItem,
  action: actionItem,
  'extend action': actionItem,
  actions: actionsItem,
  fn: fnItem,
  'extern fn': externItem,
  advice: adviceItem,
  allow: ruleItem,
  deny: ruleItem,
  'sealed allow': ruleItem,
  'sealed deny': ruleItem,
  delegate: delegateItem,
  disable: disableItem,
  test: testItem,
  prove: proveItem,
} as const satisfies { readonly [firstWords: string]: Nonterminal<Item> }

export type ItemWords = keyof typeof itemKinds

/** What `parseExpression` reads. */
export const expressionStart: Nonterminal<Expr> = expression

export const allRules: readonly Rule[] = [
  ...wordRules,
  ...expressionRules,
  ...typeRules,
  ...entityRules,
  ...actionRules,
  ...ruleRules,
  ...testRules,
  rule(moduleItem, [marks, keyword('module'), lower]).makes(([list, , name], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'module',
    name,
  })),
  rule(importItem, [marks, keyword('import'), separated(anyName, ','), keyword('from'), string]).makes(
    ([list, , names, , from], span, building) => ({ ...itemBase(list, span, building), kind: 'import', names, from }),
  ),
  rule(typeItem, [marks, keyword('type'), upper, sign('='), type]).makes(([list, , name, , made], span, building) => ({
    ...itemBase(list, span, building),
    kind: 'type',
    name,
    type: made,
  })),
  rule(constItem, [marks, keyword('const'), lower, sign('='), expression]).makes(
    ([list, , name, , value], span, building) => ({
      ...itemBase(list, span, building),
      kind: 'const',
      name,
      value,
    }),
  ),
]
