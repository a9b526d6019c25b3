import type { Expr } from '../ir/nodes.ts'
import { actionKey, type EntityType, type Program, type RelationExpr } from '../ir/program.ts'
import type { Type } from '../ir/types.ts'
import { walk } from '../ir/walk.ts'
import { type Asked, decidingExpressions } from './deciding-expressions.ts'

/**
 * Entity types of which deciding (action, subject type, resource type) may read an attribute or follow a link: never too
 * few. A type that is not among them can be left unread, whatever the request says: only its ids count.
 */
export function touchedTypes(program: Program, asked: Asked): ReadonlySet<string> {
  const search: Search = {
    program,
    asked,
    types: new Set(),
    relations: new Set(),
    above: aboveOf(program),
    conditions: false,
  }
  for (const expr of decidingExpressions(program, asked)) touchExpression(search, expr)
  return search.types
}

type Search = {
  readonly program: Program
  readonly asked: Asked
  readonly types: Set<string>
  /** (type, relation) pairs that have been followed. */
  readonly relations: Set<string>
  /** Types that can stand above a type over links. */
  readonly above: ReadonlyMap<string, ReadonlySet<string>>
  /** Conditions of tuples have been followed. */
  conditions: boolean
}

function touchExpression(search: Search, root: Expr): void {
  walk(root, (expr) => {
    switch (expr.kind) {
      case 'attribute':
        for (const type of typesOf(search, expr.of)) search.types.add(type)
        break
      case 'in':
        if (expr.mode === 'hierarchy') {
          const targets = typesOf(search, expr.right)
          for (const type of typesOf(search, expr.left)) touchClimb(search, type, targets)
        }
        break
      case 'holds':
        for (const type of typesOf(search, expr.of)) touchRelation(search, type, expr.relation)
        break
      case 'permitted':
        for (const type of typesOf(search, expr.of)) touchRoles(search, type)
        break
    }
  })
}

/** Entity types that an expression may denote: those of its checked type, and what the request and the schema say. */
function typesOf(search: Search, expr: Expr): readonly string[] {
  const { program, asked } = search
  const checked = entityTypesIn(expr.type)
  if (expr.kind === 'variable' && expr.scope === 'request') {
    if (expr.name === 'subject') return [...checked, asked.subjectType]
    if (expr.name === 'resource') return [...checked, asked.resourceType]
  }
  if (expr.kind !== 'attribute') return checked
  const declared = typesOf(search, expr.of).flatMap((type) => {
    const attribute = program.entityTypes.get(type)?.attributes.get(expr.name)
    return attribute ? entityTypesIn(attribute.type) : []
  })
  return [...checked, ...declared]
}

/**
 * `x in a` climbs every link from x: a type matters where the climb may go on from it to a type of `a`, or may find a required
 * link missing (SPEC 5.5).
 */
function touchClimb(search: Search, from: string, targets: readonly string[]): void {
  for (const type of [from, ...(search.above.get(from) ?? [])]) {
    const further = search.above.get(type) ?? new Set()
    const leadsOn = targets.some((target) => further.has(target))
    const mayBreak = [type, ...further].some((each) => hasRequiredLink(search.program.entityTypes.get(each)))
    if (leadsOn || mayBreak) search.types.add(type)
  }
}

const hasRequiredLink = (type: EntityType | undefined): boolean =>
  [...(type?.attributes.values() ?? [])].some(({ link, optional }) => link && !optional)

function touchRelation(search: Search, type: string, relation: string): void {
  const key = actionKey(relation, type)
  if (search.relations.has(key)) return
  search.relations.add(key)
  const declared = search.program.entityTypes.get(type)
  if (declared?.attributes.has(relation)) {
    search.types.add(type)
    return
  }
  const found = declared?.relations.get(relation)
  if (found?.kind === 'computed') touchSteps(search, type, found.body)
  else touchHolders(search, type, relation)
}

function touchSteps(search: Search, type: string, expr: RelationExpr): void {
  if (expr.kind !== 'step') {
    touchSteps(search, type, expr.left)
    touchSteps(search, type, expr.right)
    return
  }
  let ends: readonly string[] = [type]
  for (const name of expr.path) ends = [...new Set(ends.flatMap((end) => endsOf(search, end, name)))]
  for (const end of ends) touchRelation(search, end, expr.relation)
}

/** Types at the other end of one step; the step itself may read an attribute. */
function endsOf(search: Search, type: string, name: string): readonly string[] {
  const declared = search.program.entityTypes.get(type)
  const attribute = declared?.attributes.get(name)
  if (attribute) {
    search.types.add(type)
    return entityTypesIn(attribute.type)
  }
  touchConditions(search)
  const relation = declared?.relations.get(name)
  return relation?.kind === 'stored' ? relation.holders.flatMap((holder) => holder.type ?? []) : []
}

/** A stored relation, or a role that exists only as data: its tuples lead to holders of other relations, and may be conditional. */
function touchHolders(search: Search, type: string, relation: string): void {
  touchConditions(search)
  const found = search.program.entityTypes.get(type)?.relations.get(relation)
  for (const holder of found?.kind === 'stored' ? found.holders : []) {
    if (holder.type === undefined) continue
    touchRelation(search, holder.type, holder.relation ?? 'member')
  }
}

/** Roles of a type are data: any of its relations, and any group of any type. */
function touchRoles(search: Search, type: string): void {
  touchConditions(search)
  for (const relation of search.program.entityTypes.get(type)?.relations.keys() ?? [])
    touchRelation(search, type, relation)
  for (const each of search.program.entityTypes.values()) {
    for (const relation of each.relations.keys()) touchRelation(search, each.name, relation)
  }
}

function touchConditions(search: Search): void {
  if (search.conditions) return
  search.conditions = true
  for (const { body } of search.program.tupleConditions.values()) touchExpression(search, body)
}

/** For every type, the types that links lead to from it, one or more links away. */
function aboveOf(program: Program): ReadonlyMap<string, ReadonlySet<string>> {
  const direct = (name: string): readonly string[] =>
    [...(program.entityTypes.get(name)?.attributes.values() ?? [])].flatMap(({ link, type }) =>
      link ? entityTypesIn(type) : [],
    )
  const climb = (name: string): ReadonlySet<string> => {
    const reached = new Set<string>()
    const open = [...direct(name)]
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (reached.has(at)) continue
      reached.add(at)
      open.push(...direct(at))
    }
    return reached
  }
  return new Map([...program.entityTypes.keys()].map((name) => [name, climb(name)]))
}

function entityTypesIn(type: Type): readonly string[] {
  if (type.kind === 'entity') return type.types
  return type.kind === 'set' ? entityTypesIn(type.of) : []
}
