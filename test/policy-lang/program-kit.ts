import type { EntityValue, Expr, Value } from '../../policy-lang/ir/nodes.ts'
import {
  type ActionType,
  type AttributeType,
  actionKey,
  type EntityData,
  type EntityType,
  type Program,
  type RelationType,
  type Rule,
  type Tuple,
  type TupleSubject,
} from '../../policy-lang/ir/program.ts'
import type { FieldMarks, Type } from '../../policy-lang/ir/types.ts'

// Programs and data written by hand, for tests of what runs them.

export const span = { file: 0, start: 0, end: 0 }
export const bool: Type = { kind: 'bool' }
export const int: Type = { kind: 'int' }
export const text: Type = { kind: 'string' }
export const time: Type = { kind: 'time' }
export const entityOf = (...types: string[]): Type => ({ kind: 'entity', types })
export const setOf = (of: Type): Type => ({ kind: 'set', of })

/** `entity('User', 'ann')` */
export const entity = (type: string, id: string): EntityValue => ({ kind: 'entity', type, id })
export const user = (id: string): EntityValue => entity('User', id)
export const doc = (id: string): EntityValue => entity('Document', id)
export const values = (...items: Value[]): Value => ({ kind: 'set', items })

export const attribute = (
  name: string,
  type: Type,
  more: { readonly optional?: boolean; readonly link?: boolean; readonly marks?: FieldMarks } = {},
): AttributeType => ({ name, type, optional: false, link: false, ...more })

export const entityType = (
  name: string,
  attributes: readonly AttributeType[] = [],
  relations: readonly RelationType[] = [],
): EntityType => ({
  name,
  layer: 'module',
  attributes: new Map(attributes.map((each) => [each.name, each])),
  relations: new Map(relations.map((each) => [each.name, each])),
})

export const row = (uid: EntityValue, attributes: { readonly [name: string]: Value } = {}): EntityData => ({
  uid,
  attributes: new Map(Object.entries(attributes)),
})

/** `tuple(user('ann'), 'viewer', doc('d'))`; the subject may be a whole `TupleSubject`. */
export const tuple = (
  subject: EntityValue | TupleSubject,
  relation: string,
  resource: EntityValue,
  more: Pick<Tuple, 'until' | 'condition'> = {},
): Tuple => ({
  resource,
  relation,
  subject: subject.kind === 'entity' ? { kind: 'one', entity: subject } : subject,
  ...more,
})

export const action = (name: string, resourceType: string, more: Partial<ActionType> = {}): ActionType => ({
  name,
  resourceType,
  layer: 'module',
  subjects: 'anyone',
  via: [],
  arguments: {},
  context: {
    kind: 'record',
    fields: { now: { type: time, optional: false }, scopes: { type: setOf(text), optional: false } },
  },
  implies: [],
  ...more,
})

export const rule = (id: string, effect: 'allow' | 'deny', condition: Expr, more: Partial<Rule> = {}): Rule => ({
  id,
  effect,
  layer: 'module',
  sealed: false,
  builtIn: false,
  disabled: false,
  actions: [],
  condition,
  advise: [],
  failsOpen: false,
  span,
  ...more,
})

/** Every rule decides every action, unless `partitions` says otherwise. */
export function programOf(parts: {
  readonly types: readonly EntityType[]
  readonly actions?: readonly ActionType[]
  readonly rules?: readonly Rule[]
  readonly more?: Partial<Program>
}): Program {
  const rules = [...(parts.rules ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1))
  const actions = new Map((parts.actions ?? []).map((each) => [actionKey(each.name, each.resourceType), each]))
  return {
    hash: '',
    sourceVersion: '',
    edition: 1,
    places: [],
    files: [],
    entityTypes: new Map(parts.types.map((each) => [each.name, each])),
    actions,
    externs: new Map(),
    advice: new Map(),
    tupleConditions: new Map(),
    rules,
    delegates: [],
    partitions: new Map(
      [...actions].map(([key, { name }]) => [key, rules.map((_, index) => ({ rule: index, as: name }))]),
    ),
    tests: [],
    proofs: [],
    ...parts.more,
  }
}

// Expressions
const base = (type: Type) => ({ type, span })
export const literal = (value: Value, type: Type = bool): Expr => ({ ...base(type), kind: 'literal', value })
export const yes = literal(true)
export const no = literal(false)
export const subject: Expr = { ...base(entityOf('User')), kind: 'variable', name: 'subject', scope: 'request' }
export const resource: Expr = { ...base(entityOf('Document')), kind: 'variable', name: 'resource', scope: 'request' }
export const context: Expr = {
  ...base({ kind: 'record', fields: {} }),
  kind: 'variable',
  name: 'context',
  scope: 'request',
}
export const get = (of: Expr, name: string, type: Type, optional = false): Expr => ({
  ...base(type),
  kind: 'attribute',
  of,
  name,
  optional,
  safe: false,
})
export const has = (of: Expr): Expr => ({ ...base(bool), kind: 'has', of })
export const not = (operand: Expr): Expr => ({ ...base(bool), kind: 'not', operand })
export const and = (...operands: Expr[]): Expr => ({ ...base(bool), kind: 'and', operands })
export const or = (...operands: Expr[]): Expr => ({ ...base(bool), kind: 'or', operands })
export const compare = (op: 'eq' | 'lt' | 'le', left: Expr, right: Expr): Expr => ({
  ...base(bool),
  kind: 'compare',
  op,
  left,
  right,
})
export const isIn = (mode: 'set' | 'hierarchy' | 'ip', left: Expr, right: Expr): Expr => ({
  ...base(bool),
  kind: 'in',
  mode,
  left,
  right,
})
export const holds = (who: Expr, relation: string, of: Expr): Expr => ({
  ...base(bool),
  kind: 'holds',
  subject: who,
  relation,
  of,
})
export const isType = (operand: Expr, ...types: string[]): Expr => ({ ...base(bool), kind: 'isType', operand, types })
export const call = (name: string, type: Type, ...args: Expr[]): Expr => ({ ...base(type), kind: 'call', name, args })
export const extern = (name: string, type: Type, ...args: Expr[]): Expr => ({
  ...base(type),
  kind: 'extern',
  name,
  args,
})
export const choose = (test: Expr, yes: Expr, otherwise: Expr): Expr => ({
  ...base(bool),
  kind: 'if',
  test,
  // biome-ignore lint/suspicious/noThenProperty: the IR's own name; nothing awaits a node
  then: yes,
  otherwise,
})
