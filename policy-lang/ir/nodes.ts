// The typed IR that every executor runs: 20 kinds of node. Lowering has already inlined `fn` (as `let`), expanded constants and
// action lists, desugared `!=` to `not eq`, `not in` to `not in`, `>`/`>=` to swapped `lt`/`le`, and checked every name and type.
//
// An expression yields a value, *absent* (only where `type` is said to be optional by its node), or E (an error with a cause).
// `and or not`, quantifiers and relation operators follow Kleene's three values; every other node with an E operand is E.
import type { Span } from '../source/span.ts'
import type { Type } from './types.ts'

export type Expr =
  | Literal
  | Variable
  | Let
  | Attribute
  | Has
  | Coalesce
  | Not
  | And
  | Or
  | If
  | Compare
  | In
  | Holds
  | Permitted
  | IsType
  | Call
  | Extern
  | Quantifier
  | Construct
  | Attempt

type Base = { readonly type: Type; readonly span: Span }

export type Literal = Base & { readonly kind: 'literal'; readonly value: Value }
/**
 * `subject`, `resource`, `context` (a record: standard context and the action's arguments), `action` (the name, an enum), or a
 * local bound by `let` or a quantifier. Locals are unique within one rule.
 */
export type Variable = Base & {
  readonly kind: 'variable'
  readonly name: string
  readonly scope: 'request' | 'local'
  readonly optional?: boolean
}
/** Strict: `value` is evaluated once; E makes the whole E; absent stays absent where `optional`. */
export type Let = Base & {
  readonly kind: 'let'
  readonly name: string
  readonly value: Expr
  readonly body: Expr
  readonly optional: boolean
}
/**
 * A member of an entity or record (`map`: `m["k"]` with `name` the key expression's place taken by `key`).
 * optional: absent is a value here. Not optional and absent: E `missing`. safe (`?.`): an absent `of` gives absent.
 */
export type Attribute = Base & {
  readonly kind: 'attribute'
  readonly of: Expr
  readonly name: string
  readonly key?: Expr
  readonly optional: boolean
  readonly safe: boolean
}
/** True if `of` (an optional attribute) is present. E only if what it hangs on is E. */
export type Has = Base & { readonly kind: 'has'; readonly of: Expr }
/** `left ?? right` */
export type Coalesce = Base & { readonly kind: 'coalesce'; readonly left: Expr; readonly right: Expr }
export type Not = Base & { readonly kind: 'not'; readonly operand: Expr }
export type And = Base & { readonly kind: 'and'; readonly operands: readonly Expr[] }
export type Or = Base & { readonly kind: 'or'; readonly operands: readonly Expr[] }
export type If = Base & { readonly kind: 'if'; readonly test: Expr; readonly then: Expr; readonly otherwise: Expr }
/** `eq` takes absent operands (absent equals nothing: false). `lt`, `le` never do. Ordered enums compare by position. */
export type Compare = Base & {
  readonly kind: 'compare'
  readonly op: 'eq' | 'lt' | 'le'
  readonly left: Expr
  readonly right: Expr
}
/**
 * `left in right`. mode `set`: element of a set. mode `hierarchy`: `left` is below or equal `right` (an entity), or any of
 * `right` (a set of entities). mode `ip`: address or range within a range. Absent operands: false.
 */
export type In = Base & {
  readonly kind: 'in'
  readonly mode: 'set' | 'hierarchy' | 'ip'
  readonly left: Expr
  readonly right: Expr
}
/**
 * `subject` holds `relation` of `of`: stored, computed, a role, or an entity-typed attribute or link (`Set` too) of that name.
 * `subject` is any entity expression. Absent `of`: false.
 */
export type Holds = Base & {
  readonly kind: 'holds'
  readonly subject: Expr
  readonly relation: string
  readonly of: Expr
}
/** `permitted of x` for the request's action and resource type. */
export type Permitted = Base & { readonly kind: 'permitted'; readonly of: Expr }
export type IsType = Base & { readonly kind: 'isType'; readonly operand: Expr; readonly types: readonly string[] }
/**
 * A built-in of `builtins/`, `name` as in its table (`startsWith`, `add`, `hour`, …). Receiver first. safe (`?.`): an absent
 * receiver gives absent.
 */
export type Call = Base & {
  readonly kind: 'call'
  readonly name: string
  readonly args: readonly Expr[]
  readonly safe?: true
}
export type Extern = Base & { readonly kind: 'extern'; readonly name: string; readonly args: readonly Expr[] }
export type Quantifier = Base & {
  readonly kind: 'quantifier'
  readonly quantifier: 'any' | 'all' | 'count'
  readonly variable: string
  readonly over: Expr
  readonly body: Expr
}
/** A set (`items`) or record (`fields`) built in place. */
export type Construct = Base & {
  readonly kind: 'construct'
  readonly items?: readonly Expr[]
  readonly fields?: readonly { readonly name: string; readonly value: Expr }[]
}
/** `attempt(e, d)`: `d` where `e` is E. */
export type Attempt = Base & { readonly kind: 'attempt'; readonly operand: Expr; readonly otherwise: Expr }

/**
 * A value, the same in every executor.
 *
 * | FBAC | here |
 * |---|---|
 * | Bool | boolean |
 * | Int, Duration (ms), Decimal (× 10,000) | `number` where it is a safe integer, else `bigint`: one form per value, so `===` is equality |
 * | Time | number, ms since 1970 |
 * | String, enum | string |
 * | Ip | IpValue | entity | EntityValue | Set | array without equal members | Map | JavaScript Map | record | RecordValue |
 */
export type Value = boolean | number | bigint | string | IpValue | EntityValue | SetValue | MapValue | RecordValue
export type EntityValue = { readonly kind: 'entity'; readonly type: string; readonly id: string }
export type IpValue = { readonly kind: 'ip'; readonly version: 4 | 6; readonly bits: bigint; readonly prefix: number }
export type SetValue = { readonly kind: 'set'; readonly items: readonly Value[] }
export type MapValue = { readonly kind: 'map'; readonly entries: ReadonlyMap<string, Value> }
export type RecordValue = { readonly kind: 'record'; readonly fields: ReadonlyMap<string, Value> }
