import type { Json } from '../../runtime/strict-json.ts'

/**
 * The rules for one listing as data, for callers without SQL (SPEC 7.8). A row is listed where `condition` is true; every node
 * is true, false or E as the language says (SPEC 5), and `isTrue`/`isFalse` are never E. Members are never taken away and never
 * change their meaning under one `version`.
 */
export type ConditionTree = {
  readonly version: 1
  readonly action: string
  readonly type: string
  /** What is shown of every listed row; `by row`: rules say so for themselves, ask a decision. Absent: it has no attributes. */
  readonly fields: readonly string[] | 'by row'
  readonly condition: TreeNode
}

export type TreeNode =
  | { readonly op: 'value'; readonly type: string; readonly value: Json }
  /** E, or absent: of what is known already. */
  | { readonly op: 'error'; readonly code: string }
  | { readonly op: 'absent' }
  | { readonly op: 'resource' }
  | { readonly op: 'local'; readonly name: string }
  /** `optional`: it may be absent, else absence is E. `safe`: an absent owner is absence. */
  | {
      readonly op: 'attribute'
      readonly of: TreeNode
      readonly name: string
      readonly type: string
      readonly optional: boolean
      readonly safe: boolean
    }
  /** A member of a map. */
  | { readonly op: 'member'; readonly of: TreeNode; readonly key: TreeNode; readonly type: string }
  | { readonly op: 'and' | 'or'; readonly of: readonly TreeNode[] }
  | { readonly op: 'not' | 'has' | 'isTrue' | 'isFalse'; readonly of: TreeNode }
  | {
      readonly op: 'eq' | 'lt' | 'le'
      readonly left: TreeNode
      readonly right: TreeNode
      readonly order?: readonly string[]
    }
  /** `in`: a member of a set. `within`: the same or below by links. `inRange`: of addresses. */
  | { readonly op: 'in' | 'within' | 'inRange'; readonly left: TreeNode; readonly right: TreeNode }
  | { readonly op: 'is'; readonly of: TreeNode; readonly types: readonly string[] }
  /** Is its id among `ids` (true), or among `errors` (E)? What the subject holds was worked out. */
  | { readonly op: 'oneOf'; readonly of: TreeNode; readonly ids: readonly string[]; readonly errors: readonly string[] }
  | { readonly op: 'if'; readonly test: TreeNode; readonly yes: TreeNode; readonly no: TreeNode }
  | { readonly op: 'coalesce' | 'attempt'; readonly left: TreeNode; readonly right: TreeNode }
  | { readonly op: 'let'; readonly name: string; readonly value: TreeNode; readonly in: TreeNode }
  | { readonly op: 'any' | 'all' | 'count'; readonly as: string; readonly over: TreeNode; readonly where: TreeNode }
  /** A built-in of the reference by its name, receiver first. `safe`: an absent receiver is absence. */
  | { readonly op: 'call'; readonly name: string; readonly of: readonly TreeNode[]; readonly safe: boolean }
  | { readonly op: 'set'; readonly of: readonly TreeNode[] }
  | { readonly op: 'record'; readonly members: { readonly [name: string]: TreeNode } }
