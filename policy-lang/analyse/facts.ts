import type { EntityValue, Expr } from '../ir/nodes.ts'
import type { Program, RelationExpr } from '../ir/program.ts'
import { decidingExpressions } from './deciding-expressions.ts'

/**
 * What one decision can touch, seen from the request: a loader reads each node's attributes, follows those that lead on, and
 * for relations asks `relationNeeds` entity by entity. More than a decision will read, never less (SPEC 7, facts).
 */
export type AccessPlan = {
  readonly subject: AccessNode
  readonly resource: AccessNode
  /** Entity-typed arguments and standard context, by name; records among them as nodes without types. */
  readonly context: AccessNode
  /** Entities that policy text names. */
  readonly constants: readonly { readonly entity: EntityValue; readonly node: AccessNode }[]
  /** Externs with the arguments' expressions: they depend on facts only. */
  readonly externs: readonly string[]
}
export type AccessNode = {
  /** Attributes and links that are read; entity-typed ones lead on. */
  readonly attributes: { readonly [name: string]: AccessNode }
  /** Relations, roles and entity-typed attributes that somebody may be asked to hold here. */
  readonly relations: readonly string[]
  /** All links upwards are needed (`in`). */
  readonly ancestors: boolean
  /** Every role tuple here is needed (`permitted of`). */
  readonly permitted: boolean
}

export function factsOf(program: Program, action: string, subjectType: string, resourceType: string): AccessPlan {
  const walk: Walk = {
    subject: newNode(),
    resource: newNode(),
    context: newNode(),
    constants: new Map(),
    externs: new Set(),
    locals: new Map(),
  }
  for (const expr of decidingExpressions(program, { action, subjectType, resourceType })) reach(expr, walk)
  return {
    subject: finish(walk.subject),
    resource: finish(walk.resource),
    context: finish(walk.context),
    constants: [...walk.constants.values()].map(({ entity, node }) => ({ entity, node: finish(node) })),
    externs: [...walk.externs].sort(),
  }
}

/** What deciding one relation of one entity needs, one step deep: `next` says where to ask again. */
export type RelationNeeds = {
  readonly attributes: readonly string[]
  /** Stored relations whose tuples are read here. */
  readonly tuples: readonly string[]
  /** Follow the path from here, then ask for the relation at each end. */
  readonly next: readonly { readonly path: readonly string[]; readonly relation: string }[]
  /** A tuple whose subject is of this type leads to that relation of the subject. */
  readonly holders: readonly { readonly type: string; readonly relation: string }[]
}

export function relationNeeds(program: Program, type: string, relation: string): RelationNeeds {
  const declared = program.entityTypes.get(type)
  if (declared?.attributes.has(relation)) return { attributes: [relation], tuples: [], next: [], holders: [] }
  const found = declared?.relations.get(relation)
  if (found?.kind !== 'computed') {
    const holders = (found?.holders ?? []).flatMap((holder) => {
      if (holder.type === undefined) return []
      if (holder.relation !== undefined) return { type: holder.type, relation: holder.relation }
      const isGroup = program.entityTypes.get(holder.type)?.relations.has('member')
      return isGroup && holder.kind === 'one' ? { type: holder.type, relation: 'member' } : []
    })
    return { attributes: [], tuples: [relation], next: [], holders }
  }
  const steps = stepsOf(found.body)
  const first = steps.flatMap(({ path }) => path[0] ?? [])
  return {
    attributes: first.filter((name) => declared?.attributes.has(name)),
    tuples: first.filter((name) => declared?.relations.has(name)),
    next: steps.map((step) => ({ path: step.path, relation: step.relation })),
    holders: [],
  }
}

type Step = RelationExpr & { readonly kind: 'step' }
const stepsOf = (expr: RelationExpr): readonly Step[] =>
  expr.kind === 'step' ? [expr] : [...stepsOf(expr.left), ...stepsOf(expr.right)]

type Building = {
  readonly attributes: Map<string, Building>
  readonly relations: Set<string>
  ancestors: boolean
  permitted: boolean
}
type Walk = {
  readonly subject: Building
  readonly resource: Building
  readonly context: Building
  readonly constants: Map<string, { readonly entity: EntityValue; readonly node: Building }>
  readonly externs: Set<string>
  readonly locals: ReadonlyMap<string, readonly Building[]>
}
const newNode = (): Building => ({ attributes: new Map(), relations: new Set(), ancestors: false, permitted: false })

const finish = (node: Building): AccessNode => ({
  attributes: Object.fromEntries([...node.attributes].map(([name, child]) => [name, finish(child)])),
  relations: [...node.relations].sort(),
  ancestors: node.ancestors,
  permitted: node.permitted,
})

/** Notes what the expression reads; answers the places whose entities (or members of records) it may denote. */
function reach(expr: Expr, walk: Walk): readonly Building[] {
  switch (expr.kind) {
    case 'literal':
      return constants(expr.value, walk)
    case 'variable':
      return expr.scope === 'local' ? (walk.locals.get(expr.name) ?? []) : requestPart(expr.name, walk)
    case 'let': {
      const value = reach(expr.value, walk)
      return reach(expr.body, { ...walk, locals: new Map(walk.locals).set(expr.name, value) })
    }
    case 'attribute':
      if (expr.key) reach(expr.key, walk)
      return reach(expr.of, walk).map((node) => childOf(node, expr.name))
    case 'in': {
      const left = reach(expr.left, walk)
      reach(expr.right, walk)
      if (expr.mode === 'hierarchy') for (const node of left) node.ancestors = true
      return []
    }
    case 'holds':
      reach(expr.subject, walk)
      for (const node of reach(expr.of, walk)) node.relations.add(expr.relation)
      return []
    case 'permitted':
      for (const node of reach(expr.of, walk)) node.permitted = true
      return []
    case 'extern':
      walk.externs.add(expr.name)
      for (const arg of expr.args) reach(arg, walk)
      return []
    case 'quantifier': {
      const over = reach(expr.over, walk)
      reach(expr.body, { ...walk, locals: new Map(walk.locals).set(expr.variable, over) })
      return []
    }
    case 'if':
      reach(expr.test, walk)
      return [...reach(expr.then, walk), ...reach(expr.otherwise, walk)]
    default:
      return operandsOf(expr).flatMap((operand) => reach(operand, walk))
  }
}

type Plain = Exclude<
  Expr,
  {
    kind: 'literal' | 'variable' | 'let' | 'attribute' | 'in' | 'holds' | 'permitted' | 'extern' | 'quantifier' | 'if'
  }
>

function operandsOf(expr: Plain): readonly Expr[] {
  switch (expr.kind) {
    case 'has':
      return [expr.of]
    case 'coalesce':
    case 'compare':
      return [expr.left, expr.right]
    case 'not':
    case 'isType':
      return [expr.operand]
    case 'and':
    case 'or':
      return expr.operands
    case 'call':
      return expr.args
    case 'construct':
      return [...(expr.items ?? []), ...(expr.fields ?? []).map((field) => field.value)]
    case 'attempt':
      return [expr.operand, expr.otherwise]
  }
}

function requestPart(name: string, walk: Walk): readonly Building[] {
  if (name === 'subject') return [walk.subject]
  if (name === 'resource') return [walk.resource]
  return name === 'context' ? [walk.context] : []
}

function childOf(node: Building, name: string): Building {
  const child = node.attributes.get(name) ?? newNode()
  node.attributes.set(name, child)
  return child
}

function constants(value: (Expr & { kind: 'literal' })['value'], walk: Walk): readonly Building[] {
  if (typeof value !== 'object') return []
  if (value.kind === 'set') return value.items.flatMap((item) => constants(item, walk))
  if (value.kind !== 'entity') return []
  const key = `${value.type}\u0000${value.id}`
  const known = walk.constants.get(key) ?? { entity: value, node: newNode() }
  walk.constants.set(key, known)
  return [known.node]
}
