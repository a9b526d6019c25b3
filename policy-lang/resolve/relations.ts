import type * as ast from '../ast/nodes.ts'
import type { Holder, RelationExpr } from '../ir/program.ts'
import type { Type } from '../ir/types.ts'
import type { EntityInfo, Environment, RelationInfo } from './environment.ts'
import type { Reporter } from './reporter.ts'

type Stage = { readonly environment: Environment; readonly reporter: Reporter }

/** Holders of stored relations and bodies of computed ones. */
export function resolveRelations(stage: Stage): void {
  resolveSubjects(stage.environment)
  for (const info of stage.environment.entities.values())
    for (const relation of info.relations.values()) {
      if (relation.node.kind === 'storedRelation') relation.holders = holdersOf(relation.node, stage)
      else {
        const body = lowerBody(relation.node.body, info, stage)
        if (body) relation.body = body
      }
    }
}

/** A relation, or an attribute or link whose values are entities, that `in`, `of` and paths may name. */
export function holdableOf(
  info: EntityInfo,
  name: string,
): { readonly wire: string; readonly relation?: RelationInfo; readonly types?: readonly string[] } | undefined {
  const relation = info.relations.get(name)
  if (relation) return { wire: relation.wire, relation }
  const attribute = info.attributes.get(name)
  const types = attribute && entityTypes(attribute.type)
  return types ? { wire: attribute.name, types } : undefined
}

/** The entity types of an entity or a set of entities. */
export function entityTypes(type: Type): readonly string[] | undefined {
  if (type.kind === 'entity') return type.types
  return type.kind === 'set' && type.of.kind === 'entity' ? type.of.types : undefined
}

/** Wire names of the types whose entities may hold the relation; usersets followed. */
export const subjectTypesOf = (relation: RelationInfo): readonly string[] => relation.subjects ?? []

/** The least fixpoint over all relations: they may depend on each other in cycles. */
function resolveSubjects(environment: Environment): void {
  const relations = [...environment.entities.values()].flatMap((info) => [...info.relations.values()])
  const found = new Map(relations.map((relation) => [relation, new Set<string>()]))
  for (let grows = true; grows; ) {
    grows = false
    for (const [relation, types] of found) {
      const before = types.size
      collectSubjects(relation, environment, found, types)
      grows ||= types.size > before
    }
  }
  for (const [relation, types] of found) relation.subjects = [...types].sort()
}

function holdersOf(node: ast.StoredRelationNode, { environment, reporter }: Stage): Holder[] {
  return node.holders.flatMap((holder): Holder[] => {
    const condition = holder.condition ? { condition: holder.condition.text } : {}
    if (holder.kind === 'anyoneHolder') return [{ kind: 'anyone', ...condition }]
    const target = environment.entities.get(holder.type.text)
    if (!target) {
      reporter.unknown('F2001', holder.type, `unknown type "${holder.type.text}"`, environment.entities.keys())
      return []
    }
    if (holder.kind === 'typeHolder') return [{ kind: 'one', type: target.wire, ...condition }]
    if (holder.kind === 'anyHolder') return [{ kind: 'anyOf', type: target.wire, ...condition }]
    const relation = target.relations.get(holder.relation.text)
    if (relation) return [{ kind: 'userset', type: target.wire, relation: relation.wire, ...condition }]
    unknownRelation(holder.relation, target, reporter)
    return []
  })
}

export function unknownRelation(name: ast.Name, info: EntityInfo, reporter: Reporter): void {
  const known = [...info.relations.keys(), ...info.attributes.keys()]
  reporter.unknown('F2005', name, `unknown relation "${name.text}" on ${info.name}`, known)
}

function lowerBody(node: ast.RelationExpr, info: EntityInfo, stage: Stage): RelationExpr | undefined {
  if (node.kind === 'relationGroup') return lowerBody(node.inner, info, stage)
  if (node.kind === 'relationPath') return lowerPath(node, info, stage)
  const left = lowerBody(node.left, info, stage)
  const right = lowerBody(node.right, info, stage)
  return left && right ? { kind: node.op, left, right } : undefined
}

/** Each step but the last leads to entities; a step that some of the types lack adds nothing for those. */
function lowerPath(
  node: ast.RelationExpr & { kind: 'relationPath' },
  info: EntityInfo,
  stage: Stage,
): RelationExpr | undefined {
  let at: readonly EntityInfo[] = [info]
  const path: string[] = []
  for (const [index, name] of node.path.entries()) {
    const isLast = index === node.path.length - 1
    const owners = at.filter((type) => holdableOf(type, name.text))
    const first = owners[0]
    if (!first) {
      const chain = name.text === 'organization' && at.length === 1 ? at[0]?.organizationPath : undefined
      if (!chain || chain.length === 0) {
        if (at[0]) unknownRelation(name, at[0], stage.reporter)
        return undefined
      }
      if (isLast)
        return { kind: 'step', path: [...path, ...chain.slice(0, -1)], relation: chain.at(-1) ?? '', all: node.all }
      path.push(...chain)
      at = infosOf(['Organization'], stage.environment)
      continue
    }
    const found = holdableOf(first, name.text)
    if (!found) return undefined
    if (owners.some((type) => holdableOf(type, name.text)?.wire !== found.wire)) {
      stage.reporter.report('F4004', name.span, `"${name.text}" has different wire names on the types of this path`)
      return undefined
    }
    if (isLast) {
      if (node.all && path.length === 0) {
        stage.reporter.report('F4004', node.span, '`all` needs a path to follow', { help: 'write `all link.relation`' })
        return undefined
      }
      return { kind: 'step', path, relation: found.wire, all: node.all }
    }
    path.push(found.wire)
    at = infosOf(
      owners.flatMap((type) => targetsOf(type, name.text)),
      stage.environment,
    )
  }
  return undefined
}

/** Types that a path step leads to. */
function targetsOf(info: EntityInfo, name: string): readonly string[] {
  const found = holdableOf(info, name)
  if (found?.types) return found.types
  return found?.relation ? subjectTypesOf(found.relation) : []
}

const infosOf = (wires: readonly string[], environment: Environment): EntityInfo[] =>
  [...new Set(wires)].flatMap((wire) => environment.entitiesByWire.get(wire) ?? [])

type Found = ReadonlyMap<RelationInfo, ReadonlySet<string>>

/** Adds what one relation holds directly, and what others are known to hold so far. */
function collectSubjects(relation: RelationInfo, environment: Environment, found: Found, into: Set<string>): void {
  if (relation.node.kind === 'computedRelation') {
    collectBody(relation.node.body, relation.owner, { environment, found, into })
    return
  }
  for (const holder of relation.node.holders) {
    if (holder.kind === 'anyoneHolder') {
      addAll(into, environment.standard.everySubject.types)
      continue
    }
    const target = environment.entities.get(holder.type.text)
    if (!target) continue
    if (holder.kind !== 'usersetHolder') into.add(target.wire)
    // A bare `G` that declares a relation `member` means the object and its members (SPEC 3).
    const through =
      holder.kind === 'usersetHolder' ? holder.relation.text : holder.kind === 'typeHolder' ? 'member' : ''
    const next = target.relations.get(through)
    if (next) addAll(into, found.get(next) ?? [])
  }
}

type Collecting = { readonly environment: Environment; readonly found: Found; readonly into: Set<string> }

function collectBody(node: ast.RelationExpr, info: EntityInfo, at: Collecting): void {
  if (node.kind === 'relationGroup') {
    collectBody(node.inner, info, at)
    return
  }
  if (node.kind === 'relationOp') {
    collectBody(node.left, info, at)
    // Whoever holds `a minus b` or `a and b` holds `a`.
    if (node.op === 'or') collectBody(node.right, info, at)
    return
  }
  let owners: readonly EntityInfo[] = [info]
  for (const name of node.path.slice(0, -1))
    owners = infosOf(
      owners.flatMap((type) => reached(type, name.text, at.found)),
      at.environment,
    )
  const last = node.path.at(-1)?.text ?? ''
  for (const type of owners) addAll(at.into, reached(type, last, at.found))
}

/** Types behind a step of a path: holders of a relation, targets of a link, the organization at the end of the chain. */
function reached(info: EntityInfo, name: string, found: Found): readonly string[] {
  const step = holdableOf(info, name)
  if (step?.types) return step.types
  if (step?.relation) return [...(found.get(step.relation) ?? [])]
  return name === 'organization' && info.organizationPath ? ['Organization'] : []
}

function addAll(into: Set<string>, types: Iterable<string>): void {
  for (const type of types) into.add(type)
}
