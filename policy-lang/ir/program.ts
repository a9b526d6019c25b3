// A compiled policy set: schema, rules, tests. Serialisable as plain data (`ir/serialise.ts`), independent of layout and order.
import type { FilePlaces } from '../source/places.ts'
import type { Span } from '../source/span.ts'
import type { EntityValue, Expr, Value } from './nodes.ts'
import type { FieldType, Type } from './types.ts'

export type Layer = 'platform' | 'module' | 'tenant' | 'organization'

export type Program = {
  /** sha-256 over canonical IR, hex (SPEC: identity). */
  readonly hash: string
  /** sha-256 over sorted (module, path, bytes) + schema + compiler version, hex. */
  readonly sourceVersion: string
  /** Of the language that the set is written in (SPEC 6.12). */
  readonly edition: number
  readonly files: readonly string[]
  /** Where the items stand in the files: the spans of rules, tests and expressions count from their item's beginning. */
  readonly places: readonly FilePlaces[]
  readonly entityTypes: ReadonlyMap<string, EntityType>
  /** By `actionKey(name, resource type)`. */
  readonly actions: ReadonlyMap<string, ActionType>
  readonly externs: ReadonlyMap<string, ExternType>
  readonly advice: ReadonlyMap<
    string,
    { readonly name: string; readonly params: { readonly [name: string]: FieldType } }
  >
  /** Conditions of tuples: `fn` bodies with their parameters; standard context and parameters only. */
  readonly tupleConditions: ReadonlyMap<string, TupleCondition>
  /** Sorted by id. Built-in denies (`scope:…`, `via:…`) are ordinary rules here, `builtIn` set. */
  readonly rules: readonly Rule[]
  readonly delegates: readonly Delegate[]
  /** By `actionKey`: every rule that can decide it, flows of `implies` followed. */
  readonly partitions: ReadonlyMap<string, readonly PartitionEntry[]>
  readonly tests: readonly TestCase[]
  readonly proofs: readonly Proof[]
}

/** Key of an action in `Program.actions` and `partitions`. The separator cannot stand in a wire name. */
export const actionKey = (action: string, resourceType: string): string => `${action}\u0000${resourceType}`

/** Where something was declared, counting from its item, and its name before a rename (`@was`): for schema changes. */
type Declared = { readonly span?: Span; readonly was?: string }

export type EntityType = Declared & {
  readonly name: string
  readonly layer: Layer
  /** Attributes and links alike, in order of declaration. */
  readonly attributes: ReadonlyMap<string, AttributeType>
  readonly relations: ReadonlyMap<string, RelationType>
  /** The path to the type's organization (`['store','organization']`), if it has one. */
  readonly organizationPath?: readonly string[]
}
export type AttributeType = FieldType & {
  readonly name: string
  readonly span?: Span
  /** A parent link: counts in the `in` hierarchy. */
  readonly link: boolean
}
export type RelationType = Declared &
  (
    | { readonly kind: 'stored'; readonly name: string; readonly role: boolean; readonly holders: readonly Holder[] }
    | { readonly kind: 'computed'; readonly name: string; readonly body: RelationExpr }
  )
export type Holder = {
  /** `one`: that entity (and, if its type declares `member`, its members). `userset`: holders of `relation` of it. */
  readonly kind: 'one' | 'userset' | 'anyOf' | 'anyone'
  readonly type?: string
  readonly relation?: string
  /** Key into `tupleConditions`. */
  readonly condition?: string
}
/**
 * `step`: follow `path` (attributes, links, relations) and hold `relation` (or be that attribute) at each end.
 * all: at least one end, and every one.
 */
export type RelationExpr =
  | { readonly kind: 'step'; readonly path: readonly string[]; readonly relation: string; readonly all: boolean }
  | { readonly kind: 'or' | 'and' | 'minus'; readonly left: RelationExpr; readonly right: RelationExpr }

export type ActionType = Declared & {
  readonly name: string
  readonly resourceType: string
  readonly layer: Layer
  /** Accepted subject types; `anyone` = every type and Anonymous. */
  readonly subjects: readonly string[] | 'anyone'
  readonly via: readonly string[]
  readonly scope?: string
  readonly arguments: { readonly [name: string]: FieldType }
  /** The whole context record: standard context plus arguments. */
  readonly context: Type & { readonly kind: 'record' }
  /** Direct `implies`. */
  readonly implies: readonly string[]
}
export type ExternType = Pick<Declared, 'span'> & {
  readonly name: string
  readonly params: readonly { readonly name: string; readonly field: FieldType }[]
  readonly returns: Type
  readonly withinMilliseconds: number
  /** undefined = `else fail` */
  readonly otherwise?: Value
}
export type TupleCondition = {
  readonly name: string
  readonly params: readonly { readonly name: string; readonly field: FieldType }[]
  readonly body: Expr
}

export type Rule = {
  readonly id: string
  readonly effect: 'allow' | 'deny'
  readonly layer: Layer
  /** Organization that owns the rule (layer organization): already conjoined to `condition`. */
  readonly organization?: string
  readonly sealed: boolean
  readonly builtIn: boolean
  /** `disable`d by a higher layer: kept for diffs, never in a partition. */
  readonly disabled: boolean
  /** (action, resource type) pairs that the rule names. */
  readonly actions: readonly { readonly action: string; readonly resourceType: string }[]
  /** Pattern ∧ every `when` ∧ not any `unless` (pattern parts are `isType`/`holds` nodes joined by `or`). */
  readonly condition: Expr
  /** Positive list, sorted, dotted (`address.city`), `all` spelled out per resource type. Absent = no clause. */
  readonly fields?: { readonly [resourceType: string]: readonly string[] }
  readonly because?: string
  readonly advise: readonly { readonly name: string; readonly args: { readonly [name: string]: Expr } }[]
  readonly failsOpen: boolean
  /** Documentation of the author. */
  readonly doc?: string
  readonly span: Span
}
/** Kept for `explain` and diffs: the compiler has already conjoined delegates to the organization allows they open. */
export type Delegate = Pick<Rule, 'actions' | 'condition' | 'layer' | 'span'>
/**
 * `rule`: index into `rules`. `as`: the action whose name the rule sees (its own, where the rule came by `implies`).
 * `subjects`: the rule counts only for subjects of these types (an allow that flowed down from an action that accepts fewer
 * subjects); absent = no further limit. Whether the *asked* action accepts the subject is `ActionType.subjects`.
 */
export type PartitionEntry = { readonly rule: number; readonly as: string; readonly subjects?: readonly string[] }

export type TestCase = {
  readonly title: string
  readonly span: Span
  readonly now: number
  readonly entities: readonly EntityData[]
  readonly tuples: readonly Tuple[]
  /** Value, or 'fails'. An extern without a fact fails. */
  readonly externs: ReadonlyMap<string, { readonly value: Value } | 'fails'>
  readonly expectations: readonly Expectation[]
}
export type EntityData = {
  readonly uid: EntityValue
  /** Attributes and links by name; validated against the schema by whoever made this. */
  readonly attributes: ReadonlyMap<string, Value>
  readonly span?: Span
}
/** `subject` holds `relation` of `resource`. */
export type Tuple = {
  readonly resource: EntityValue
  readonly relation: string
  readonly subject: TupleSubject
  /** Holds while now < until (ms). */
  readonly until?: number
  readonly condition?: { readonly name: string; readonly context: StoredParameters }
}
/** Undefined: given, but of another type. It counts as missing; a request's value never stands in for it (SPEC 3.3). */
export type StoredParameters = ReadonlyMap<string, Value | undefined>
export type TupleSubject =
  | { readonly kind: 'one'; readonly entity: EntityValue; readonly relation?: string }
  | { readonly kind: 'anyOf'; readonly type: string }
  | { readonly kind: 'anyone' }
export type Expectation =
  | {
      readonly kind: 'decision'
      readonly decision: boolean
      readonly actions: readonly string[]
      readonly subject: EntityValue
      readonly resource: EntityValue
      readonly context: ReadonlyMap<string, Value>
      readonly from?: readonly string[]
      readonly fields?: readonly string[]
      readonly advises?: readonly string[]
      readonly failing?: readonly string[]
      readonly span: Span
    }
  | {
      readonly kind: 'list'
      readonly action: string
      readonly type: string
      readonly subject: EntityValue
      readonly context: ReadonlyMap<string, Value>
      readonly is: readonly EntityValue[]
      readonly span: Span
    }
/** Kept for the solver; checked like a rule. `allowed(action, x)` in it is a `call` named `allowed`: [action name, resource]. */
export type Proof = {
  readonly title: string
  readonly mode: 'never' | 'always'
  readonly actions: readonly { readonly action: string; readonly resourceType: string }[]
  readonly condition: Expr
  readonly fields?: { readonly [resourceType: string]: readonly string[] }
  readonly span: Span
}
