// The syntax tree of FBAC: exactly what the author wrote, nothing resolved. One item per column-1 block.
// Comments are kept beside items (`Item.leading`) and, inside an item, by position (`Item.comments`), so that `fmt` loses none.
import type { Span } from '../source/span.ts'

export type Name = { readonly text: string; readonly span: Span }

/** `@id("view")`, `@personal`, `@wire("x")`: a name and at most one literal. */
export type Mark = { readonly name: Name; readonly value?: Literal; readonly span: Span }

export type Comment = { readonly text: string; readonly span: Span }

type ItemBase = {
  readonly span: Span
  /** `///` lines directly above, without the slashes. */
  readonly doc?: string
  /** Plain comments above the item, after the item before it. */
  readonly leading: readonly Comment[]
  /** Comments inside the item. */
  readonly comments: readonly Comment[]
  readonly marks: readonly Mark[]
}

export type Item =
  | ModuleItem
  | ImportItem
  | TypeItem
  | ConstItem
  | EntityItem
  | ActionItem
  | ActionsItem
  | FnItem
  | ExternItem
  | AdviceItem
  | RuleItem
  | DelegateItem
  | DisableItem
  | TestItem
  | ProveItem

export type ModuleItem = ItemBase & { readonly kind: 'module'; readonly name: Name }
/** `import User, Group from "writ:identity"` */
export type ImportItem = ItemBase & {
  readonly kind: 'import'
  readonly names: readonly Name[]
  readonly from: StringLiteral
}
export type TypeItem = ItemBase & { readonly kind: 'type'; readonly name: Name; readonly type: TypeNode }
export type ConstItem = ItemBase & { readonly kind: 'const'; readonly name: Name; readonly value: Expr }

/** `entity` (extend false) and `extend entity` (extend true; then no links). */
export type EntityItem = ItemBase & {
  readonly kind: 'entity'
  readonly extend: boolean
  readonly name: Name
  readonly links: readonly LinkNode[]
  readonly members: readonly MemberNode[]
}
/** A parent link after `in`: `Organization`, `parent: Folder?`, `Set<Team>`. `name` absent = the type in lower camel case. */
export type LinkNode = {
  readonly name?: Name
  readonly target: Name
  readonly many: 'one' | 'optional' | 'set'
  readonly span: Span
}
export type MemberNode = AttributeNode | StoredRelationNode | ComputedRelationNode
export type AttributeNode = {
  readonly kind: 'attribute'
  readonly name: Name
  readonly optional: boolean
  readonly type: TypeNode
  readonly marks: readonly Mark[]
  readonly doc?: string
  readonly span: Span
}
/** `relation viewer: User | Group.member | any User | anyone if sharedFor`, and `role` in the same form. */
export type StoredRelationNode = {
  readonly kind: 'storedRelation'
  readonly role: boolean
  readonly name: Name
  readonly holders: readonly HolderNode[]
  readonly marks: readonly Mark[]
  readonly doc?: string
  readonly span: Span
}
export type HolderNode =
  | { readonly kind: 'typeHolder'; readonly type: Name; readonly condition?: Name; readonly span: Span }
  | {
      readonly kind: 'usersetHolder'
      readonly type: Name
      readonly relation: Name
      readonly condition?: Name
      readonly span: Span
    }
  | { readonly kind: 'anyHolder'; readonly type: Name; readonly condition?: Name; readonly span: Span }
  | { readonly kind: 'anyoneHolder'; readonly condition?: Name; readonly span: Span }
export type ComputedRelationNode = {
  readonly kind: 'computedRelation'
  readonly name: Name
  readonly body: RelationExpr
  readonly marks: readonly Mark[]
  readonly doc?: string
  readonly span: Span
}
/** `r`, `link.link2.r`, `all link.r`, `or and minus ( )`. */
export type RelationExpr =
  | { readonly kind: 'relationPath'; readonly all: boolean; readonly path: readonly Name[]; readonly span: Span }
  | {
      readonly kind: 'relationOp'
      readonly op: 'or' | 'and' | 'minus'
      readonly left: RelationExpr
      readonly right: RelationExpr
      readonly span: Span
    }
  | { readonly kind: 'relationGroup'; readonly inner: RelationExpr; readonly span: Span }

/** `action a, b on T | U by … via … with { … } scope "s" implies c`, and `extend action`. Absent clause = undefined. */
export type ActionItem = ItemBase & {
  readonly kind: 'action'
  readonly extend: boolean
  readonly names: readonly Name[]
  readonly on: readonly Name[]
  readonly by?: readonly SubjectTypeNode[]
  readonly via?: readonly Name[]
  readonly with?: readonly FieldNode[]
  readonly scope?: StringLiteral
  readonly implies?: readonly Name[]
}
/** `anyone`, or a type name (`Anonymous` included). */
export type SubjectTypeNode =
  | { readonly kind: 'anyone'; readonly span: Span }
  | { readonly kind: 'type'; readonly name: Name; readonly span: Span }
/** `name: T`, `name?: T` with marks: arguments, record members, parameters. */
export type FieldNode = {
  readonly name: Name
  readonly optional: boolean
  readonly type: TypeNode
  readonly marks: readonly Mark[]
  readonly span: Span
}
/** `actions writing = edit, share on Document` */
export type ActionsItem = ItemBase & {
  readonly kind: 'actions'
  readonly name: Name
  readonly members: readonly Name[]
  readonly on: readonly Name[]
}
export type FnItem = ItemBase & {
  readonly kind: 'fn'
  readonly name: Name
  readonly params: readonly FieldNode[]
  readonly returns: TypeNode
  readonly body: Expr
}
/** `extern fn risk(user: User, ip: Ip): Int within 50ms else 60` (`else fail` = 'fail'; absent `within`/`else` = undefined). */
export type ExternItem = ItemBase & {
  readonly kind: 'extern'
  readonly name: Name
  readonly params: readonly FieldNode[]
  readonly returns: TypeNode
  readonly within?: Literal
  readonly otherwise?: Expr | 'fail'
}
export type AdviceItem = ItemBase & {
  readonly kind: 'advice'
  readonly name: Name
  readonly params: readonly FieldNode[]
}

/** `any` or a list of action and action-list names. */
export type ActionsRef =
  | { readonly kind: 'anyAction'; readonly span: Span }
  | { readonly kind: 'actionNames'; readonly names: readonly Name[]; readonly span: Span }
/** `doc: Document | Folder` */
export type ResourcePattern = { readonly binder?: Name; readonly types: readonly Name[]; readonly span: Span }
/** What stands after `to`, parts joined by `or`. */
export type SubjectPattern = { readonly parts: readonly SubjectPart[]; readonly span: Span }
export type SubjectPart =
  | { readonly kind: 'anyonePart'; readonly binder?: Name; readonly span: Span }
  /** `u: User | Client` (`Anonymous` included) */
  | { readonly kind: 'typePart'; readonly binder?: Name; readonly types: readonly Name[]; readonly span: Span }
  /** `owner, editor of doc.folder`; `permitted of x` has the one name `permitted`. */
  | { readonly kind: 'relationPart'; readonly relations: readonly Name[]; readonly of: Expr; readonly span: Span }

export type FieldsClause = {
  /** `fields all`, `fields all except a, b`, `fields a, b.c` */
  readonly mode: 'all' | 'except' | 'only'
  readonly paths: readonly (readonly Name[])[]
  readonly span: Span
}
export type AdviseClause = { readonly name: Name; readonly args: readonly NamedArgument[]; readonly span: Span }
export type NamedArgument = { readonly name: Name; readonly value: Expr }

export type RuleItem = ItemBase & {
  readonly kind: 'rule'
  readonly effect: 'allow' | 'deny'
  readonly sealed: boolean
  readonly actions: ActionsRef
  readonly resource?: ResourcePattern
  readonly subject: SubjectPattern
  readonly when: readonly Expr[]
  readonly unless: readonly Expr[]
  readonly because?: StringLiteral
  readonly advise: readonly AdviseClause[]
  readonly fields?: FieldsClause
}
export type DelegateItem = ItemBase & {
  readonly kind: 'delegate'
  readonly actions: ActionsRef
  readonly resource?: ResourcePattern
  readonly subject: SubjectPattern
  readonly when: readonly Expr[]
  readonly unless: readonly Expr[]
}
/** `disable "rule-id"` */
export type DisableItem = ItemBase & { readonly kind: 'disable'; readonly rule: StringLiteral }

export type TestItem = ItemBase & {
  readonly kind: 'test'
  readonly title: StringLiteral
  readonly at?: Literal
  readonly steps: readonly TestStep[]
}
export type TestStep =
  /** `let alice = User { … }`, `let a = User::"a-1" { … }` (id absent = the name) */
  | {
      readonly kind: 'let'
      readonly name: Name
      readonly type: Name
      readonly id?: StringLiteral
      readonly attributes: readonly NamedArgument[]
      readonly span: Span
    }
  /** `fact alice is viewer, editor of docs until T if { … }` */
  | {
      readonly kind: 'relationFact'
      readonly subject: FactSubject
      readonly relations: readonly Name[]
      readonly of: Expr
      readonly until?: Expr
      readonly context?: readonly NamedArgument[]
      readonly span: Span
    }
  | { readonly kind: 'externFact'; readonly name: Name; readonly value: Expr | 'fails'; readonly span: Span }
  | {
      readonly kind: 'expect'
      readonly decision: 'allow' | 'deny'
      readonly actions: readonly Name[]
      readonly resource: Expr
      readonly subject: Expr | 'anonymous'
      readonly with?: readonly NamedArgument[]
      readonly from?: readonly StringLiteral[]
      readonly fields?: readonly (readonly Name[])[]
      readonly advises?: readonly Name[]
      readonly failing?: readonly StringLiteral[]
      readonly span: Span
    }
  | {
      readonly kind: 'expectList'
      readonly action: Name
      readonly type: Name
      readonly subject: Expr | 'anonymous'
      readonly with?: readonly NamedArgument[]
      readonly is: readonly Expr[]
      readonly span: Span
    }
export type FactSubject =
  | { readonly kind: 'anyone'; readonly span: Span }
  | { readonly kind: 'anyOf'; readonly type: Name; readonly span: Span }
  /** `docs` or, for a subject set, `team.member` */
  | { readonly kind: 'one'; readonly value: Expr; readonly span: Span }

/** `prove "title": never|always allow … ` : parsed, checked and kept; proving comes with the solver. */
export type ProveItem = ItemBase & {
  readonly kind: 'prove'
  readonly title: StringLiteral
  readonly mode: 'never' | 'always'
  readonly actions: ActionsRef
  readonly resource?: ResourcePattern
  readonly subject: SubjectPattern
  readonly when: readonly Expr[]
  readonly unless: readonly Expr[]
  readonly fields?: FieldsClause
}

export type TypeNode =
  | { readonly kind: 'namedType'; readonly name: Name; readonly span: Span }
  /** `Set<T>`, `Map<T>` */
  | { readonly kind: 'genericType'; readonly name: Name; readonly argument: TypeNode; readonly span: Span }
  /** `"a" | "b"` (ordered false), `"a" < "b"` (ordered true) */
  | {
      readonly kind: 'enumType'
      readonly values: readonly StringLiteral[]
      readonly ordered: boolean
      readonly span: Span
    }
  | { readonly kind: 'recordType'; readonly fields: readonly FieldNode[]; readonly span: Span }
  /** `User | Client` */
  | { readonly kind: 'unionType'; readonly members: readonly TypeNode[]; readonly span: Span }

export type StringLiteral = { readonly kind: 'string'; readonly value: string; readonly span: Span }
export type Literal =
  | StringLiteral
  | { readonly kind: 'bool'; readonly value: boolean; readonly span: Span }
  /** Any size as written; the checker refuses what is outside signed 64 bits. */
  | { readonly kind: 'int'; readonly value: bigint; readonly span: Span }
  /** As written, `_` removed: `12.50`. */
  | { readonly kind: 'decimal'; readonly text: string; readonly span: Span }
  | { readonly kind: 'duration'; readonly milliseconds: bigint; readonly text: string; readonly span: Span }
  | { readonly kind: 'time'; readonly milliseconds: number; readonly text: string; readonly span: Span }

export type BinaryOperator =
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'in'
  | 'not in'
  | '??'
  | '+'
  | '-'
  | '*'
  | 'and'
  | 'or'

export type Expr =
  | Literal
  | { readonly kind: 'name'; readonly name: Name; readonly span: Span }
  /** `User::"alice"` */
  | { readonly kind: 'entityLiteral'; readonly type: Name; readonly id: StringLiteral; readonly span: Span }
  | { readonly kind: 'set'; readonly items: readonly Expr[]; readonly span: Span }
  | { readonly kind: 'record'; readonly fields: readonly NamedArgument[]; readonly span: Span }
  /** `a.b` and `a?.b` */
  | { readonly kind: 'member'; readonly of: Expr; readonly name: Name; readonly optional: boolean; readonly span: Span }
  | { readonly kind: 'index'; readonly of: Expr; readonly key: Expr; readonly span: Span }
  /** `f(a)`, `ip("…")`, `attempt(e, d)`, `allowed(read, doc)` (callee name) and `x.hour(zone)` (callee member) */
  | { readonly kind: 'call'; readonly callee: Expr; readonly args: readonly Expr[]; readonly span: Span }
  | { readonly kind: 'not'; readonly operand: Expr; readonly span: Span }
  | { readonly kind: 'negate'; readonly operand: Expr; readonly span: Span }
  | { readonly kind: 'has'; readonly operand: Expr; readonly span: Span }
  | {
      readonly kind: 'binary'
      readonly op: BinaryOperator
      readonly left: Expr
      readonly right: Expr
      readonly span: Span
    }
  | { readonly kind: 'is'; readonly operand: Expr; readonly type: Name; readonly span: Span }
  | { readonly kind: 'if'; readonly test: Expr; readonly then: Expr; readonly otherwise: Expr; readonly span: Span }
  /** `any(d in user.devices: d.trusted)`, `all(…)`, `count(…)` */
  | {
      readonly kind: 'quantifier'
      readonly quantifier: 'any' | 'all' | 'count'
      readonly variable: Name
      readonly over: Expr
      readonly body: Expr
      readonly span: Span
    }
  /** `( e )`, kept so that `fmt` prints what was written */
  | { readonly kind: 'group'; readonly inner: Expr; readonly span: Span }

/** One parsed file: its items in order, and comments after the last. */
export type FileNode = {
  readonly file: number
  readonly items: readonly Item[]
  readonly trailing: readonly Comment[]
}
