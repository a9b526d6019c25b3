import type { Program, RelationExpr } from '../../ir/program.ts'

/** How to decide one relation of one type on nodes and slots. */
export type RelationPlan = {
  readonly relation: string
  readonly how:
    | { readonly kind: 'none' }
    | { readonly kind: 'attribute'; readonly slot: number; readonly many: boolean; readonly optional: boolean }
    | { readonly kind: 'stored' }
    | { readonly kind: 'computed'; readonly body: RelationExpr }
  /** May come back to itself through data. */
  readonly recursive: boolean
  /** Nothing below it but `or`: a search that meets itself may take false for an answer. */
  readonly unionOnly: boolean
}

export type RelationPlans = {
  of(type: string, relation: string): RelationPlan
  /** For `permitted of`: a role may exist only as data. */
  role(type: string, role: string): RelationPlan
}

/** What plans hang on. */
type Typed = Pick<Program, 'entityTypes'>

/** Plans of a program, made when first asked for. */
export function createRelationPlans(program: Typed): RelationPlans {
  const plans = new Map<string, Map<string, RelationPlan>>()
  const of = (type: string, relation: string): RelationPlan => {
    let ofType = plans.get(type)
    if (!ofType) {
      ofType = new Map()
      plans.set(type, ofType)
    }
    let plan = ofType.get(relation)
    if (!plan) {
      plan = makePlan(program, type, relation)
      ofType.set(relation, plan)
    }
    return plan
  }
  const role = (type: string, name: string): RelationPlan =>
    program.entityTypes.get(type)?.relations.has(name)
      ? of(type, name)
      : { relation: name, how: { kind: 'stored' }, recursive: false, unionOnly: false }
  return { of, role }
}

/** The slot of an attribute, as `createTable` numbers them; -1 if the type has none of that name. */
export const slotOf = (program: Typed, type: string, name: string): number =>
  [...(program.entityTypes.get(type)?.attributes.keys() ?? [])].indexOf(name)

function makePlan(program: Typed, type: string, relation: string): RelationPlan {
  const declared = program.entityTypes.get(type)
  const attribute = declared?.attributes.get(relation)
  if (!declared) return { relation, how: { kind: 'none' }, recursive: false, unionOnly: true }
  if (attribute) {
    const many = attribute.type.kind === 'set'
    const how = {
      kind: 'attribute',
      slot: slotOf(program, type, relation),
      many,
      optional: attribute.optional,
    } as const
    return { relation, how, recursive: false, unionOnly: true }
  }
  const found = declared.relations.get(relation)
  if (!found) return { relation, how: { kind: 'none' }, recursive: false, unionOnly: true }
  const below = reachable(program, type, relation)
  return {
    relation,
    how: found.kind === 'computed' ? { kind: 'computed', body: found.body } : { kind: 'stored' },
    recursive: below.has(keyOf(type, relation)),
    unionOnly: [...below, keyOf(type, relation)].every((key) => isUnion(program, key)),
  }
}

const keyOf = (type: string, relation: string): string => `${type}\u0000${relation}`
type Edge = { readonly type: string; readonly relation: string }

/** Every (type, relation) that may have to be decided on the way. */
function reachable(program: Typed, type: string, relation: string): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [...edgesOf(program, { type, relation })]
  for (let edge = open.pop(); edge; edge = open.pop()) {
    const key = keyOf(edge.type, edge.relation)
    if (found.has(key)) continue
    found.add(key)
    open.push(...edgesOf(program, edge))
  }
  return found
}

function edgesOf(program: Typed, { type, relation }: Edge): readonly Edge[] {
  const declared = program.entityTypes.get(type)?.relations.get(relation)
  if (!declared) return []
  if (declared.kind === 'computed') return stepEdges(program, type, declared.body)
  return declared.holders.flatMap((holder) => {
    if (holder.type === undefined || holder.kind === 'anyOf') return []
    if (holder.relation !== undefined) return { type: holder.type, relation: holder.relation }
    const isGroup = program.entityTypes.get(holder.type)?.relations.has('member')
    return isGroup ? { type: holder.type, relation: 'member' } : []
  })
}

function stepEdges(program: Typed, type: string, body: RelationExpr): readonly Edge[] {
  if (body.kind !== 'step') return [...stepEdges(program, type, body.left), ...stepEdges(program, type, body.right)]
  let ends: readonly string[] = [type]
  for (const name of body.path) ends = ends.flatMap((end) => targetsOf(program, end, name))
  return [...new Set(ends)].map((end) => ({ type: end, relation: body.relation }))
}

function targetsOf(program: Typed, type: string, name: string): readonly string[] {
  const declared = program.entityTypes.get(type)
  const attribute = declared?.attributes.get(name)
  const target = attribute?.type.kind === 'set' ? attribute.type.of : attribute?.type
  if (target) return target.kind === 'entity' ? target.types : []
  const relation = declared?.relations.get(name)
  return relation?.kind === 'stored' ? relation.holders.flatMap((holder) => holder.type ?? []) : []
}

function isUnion(program: Typed, key: string): boolean {
  const [type = '', relation = ''] = key.split('\u0000')
  const declared = program.entityTypes.get(type)?.relations.get(relation)
  const plain = (expr: RelationExpr): boolean =>
    expr.kind === 'step' ? !expr.all : expr.kind === 'or' && plain(expr.left) && plain(expr.right)
  return declared?.kind !== 'computed' || plain(declared.body)
}
