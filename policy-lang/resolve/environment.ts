import type * as ast from '../ast/nodes.ts'
import type { Expr, Value } from '../ir/nodes.ts'
import type { ActionType, AttributeType, Holder, Layer, RelationExpr } from '../ir/program.ts'
import type { FieldType, Type } from '../ir/types.ts'
import type { Span } from '../source/span.ts'

/** Everything that is declared in a composed set, by the names that authors write. */
export type Environment = {
  readonly units: readonly Unit[]
  readonly spaces: ReadonlyMap<string, Space>
  readonly entities: Map<string, EntityInfo>
  readonly entitiesByWire: Map<string, EntityInfo>
  /** By resource type (source name), then action name. */
  readonly actions: Map<string, Map<string, ActionInfo>>
  readonly actionLists: Map<string, Map<string, ActionListInfo>>
  readonly advice: Map<string, AdviceInfo>
  readonly externs: Map<string, ExternInfo>
  /** Filled once the entities are known. */
  readonly standard: { context: RecordType; everyEntity: EntityUnion; everySubject: EntityUnion }
}

export type RecordType = Type & { readonly kind: 'record' }
export type EntityUnion = Type & { readonly kind: 'entity' }

/** One file with its place in the composition (SPEC 6). */
export type Unit = {
  readonly path: string
  /** Every item but rules, tests and proofs. */
  readonly declarations: readonly ast.Item[]
  readonly layer: Layer
  readonly organization?: string
  readonly module?: string
  readonly space: Space
  /** Imported names and the space each comes from. */
  readonly imports: Map<string, Space>
}

/** Where `fn`, `const` and `type` belong: a module, the tenant, or one organization. */
export type Space = {
  readonly name: string
  readonly aliases: Map<string, AliasInfo>
  readonly consts: Map<string, ConstInfo>
  readonly fns: Map<string, FnInfo>
}

export type AliasInfo = {
  readonly item: ast.TypeItem
  readonly unit: Unit
  state: 'new' | 'open' | 'done'
  type?: Type
}
export type ConstInfo = {
  readonly item: ast.ConstItem
  readonly unit: Unit
  state: 'new' | 'open' | 'done'
  literal?: Expr & { readonly kind: 'literal' }
  /** How many declarations lean on each other below and with this one. */
  depth?: number
}
export type FnInfo = {
  readonly item: ast.FnItem
  readonly unit: Unit
  state: 'new' | 'open' | 'done'
  params?: readonly Param[]
  returns?: Type
  /** Parameters are locals of their own names. Absent: the function has a mistake that is already reported. */
  body?: Expr
  /** How many functions call each other below and with this one. */
  depth?: number
}
export type Param = { readonly name: string; readonly field: FieldType }

export type EntityInfo = {
  readonly name: string
  readonly wire: string
  /** The wire name before a rename. */
  readonly was?: string
  readonly layer: Layer
  readonly unit: Unit
  readonly span: Span
  readonly attributes: Map<string, AttributeInfo>
  readonly relations: Map<string, RelationInfo>
  /** Source names; the last leads to an Organization. Empty for Organization itself. */
  organizationPath?: readonly string[]
}
export type AttributeInfo = AttributeType & { readonly source: string; readonly span: Span }
export type RelationInfo = {
  readonly source: string
  readonly wire: string
  readonly span: Span
  readonly owner: EntityInfo
  readonly unit: Unit
  readonly node: ast.StoredRelationNode | ast.ComputedRelationNode
  holders?: readonly Holder[]
  body?: RelationExpr
  /** Types of the subjects that may hold it (wire names); filled before rules are checked. */
  subjects?: readonly string[]
}

export type ActionInfo = {
  readonly name: string
  readonly wire: string
  readonly resource: EntityInfo
  readonly unit: Unit
  readonly item: ast.ActionItem
  readonly span: Span
  subjects: readonly string[] | 'anyone'
  via: string[]
  scope?: string
  readonly arguments: Map<string, FieldType>
  context?: RecordType
  implies: ActionInfo[]
}
export type ActionListInfo = { readonly name: string; readonly span: Span; readonly members: readonly ActionInfo[] }
export type AdviceInfo = {
  readonly name: string
  readonly item: ast.AdviceItem
  readonly unit: Unit
  readonly params: Map<string, FieldType>
}
export type ExternInfo = {
  readonly name: string
  readonly item: ast.ExternItem
  readonly unit: Unit
  params?: readonly Param[]
  returns?: Type
  otherwise?: Value
}

/** The contract of an action for executors. */
export type LoweredAction = ActionType
