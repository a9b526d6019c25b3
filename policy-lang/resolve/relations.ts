import type * as ast from '../ast/nodes.ts'
import type { Holder, RelationExpr } from '../ir/program.ts'
import type { Type } from '../ir/types.ts'
import type { EntityInfo, Environment, RelationInfo } from './environment.ts'
import type { Reporter } from './reporter.ts'

type Stage = { readonly environment: Environment; readonly reporter: Reporter }

/** Holders of stored relations and bodies of computed ones. */
export function resolveRelations(stage: Stage): void {
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

/** Wire names of the types whose entities may hold the relation; usersets followed, cycles harmless. */
export function subjectTypesOf(relation: RelationInfo, environment: Environment): readonly string[] {
  if (relation.subjects) return relation.subjects
  const types = new Set<string>()
  collectSubjects(relation, environment, { types, seen: new Set() })
  relation.subjects = [...types].sort()
  return relation.subjects
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
      owners.flatMap((type) => targetsOf(type, name.text, stage.environment)),
      stage.environment,
    )
  }
  return undefined
}

/** Types that a path step leads to. */
function targetsOf(info: EntityInfo, name: string, environment: Environment): readonly string[] {
  const found = holdableOf(info, name)
  if (found?.types) return found.types
  return found?.relation ? subjectTypesOf(found.relation, environment) : []
}

const infosOf = (wires: readonly string[], environment: Environment): EntityInfo[] =>
  [...new Set(wires)].flatMap((wire) => environment.entitiesByWire.get(wire) ?? [])

type Collecting = { readonly types: Set<string>; readonly seen: Set<RelationInfo> }

function collectSubjects(relation: RelationInfo, environment: Environment, into: Collecting): void {
  if (into.seen.has(relation)) return
  into.seen.add(relation)
  if (relation.node.kind === 'computedRelation') {
    collectBody(relation.node.body, relation.owner, environment, into)
    return
  }
  for (const holder of relation.node.holders) {
    if (holder.kind === 'anyoneHolder') {
      for (const type of environment.standard.everySubject.types) into.types.add(type)
      continue
    }
    const target = environment.entities.get(holder.type.text)
    if (!target) continue
    if (holder.kind !== 'usersetHolder') into.types.add(target.wire)
    // A bare `G` that declares a relation `member` means the object and its members (SPEC 3).
    const through =
      holder.kind === 'usersetHolder' ? holder.relation.text : holder.kind === 'typeHolder' ? 'member' : ''
    const next = target.relations.get(through)
    if (next) collectSubjects(next, environment, into)
  }
}

function collectBody(node: ast.RelationExpr, info: EntityInfo, environment: Environment, into: Collecting): void {
  if (node.kind === 'relationGroup') {
    collectBody(node.inner, info, environment, into)
    return
  }
  if (node.kind === 'relationOp') {
    collectBody(node.left, info, environment, into)
    // Whoever holds `a minus b` or `a and b` holds `a`.
    if (node.op === 'or') collectBody(node.right, info, environment, into)
    return
  }
  let at: readonly EntityInfo[] = [info]
  for (const name of node.path.slice(0, -1))
    at = infosOf(
      at.flatMap((type) => reach(type, name.text, environment)),
      environment,
    )
  const last = node.path.at(-1)?.text ?? ''
  for (const type of at) {
    const found = holdableOf(type, last)
    if (found?.relation) collectSubjects(found.relation, environment, into)
    for (const wire of found?.types ?? []) into.types.add(wire)
    if (!found && last === 'organization' && type.organizationPath) into.types.add('Organization')
  }
}

function reach(info: EntityInfo, name: string, environment: Environment): readonly string[] {
  if (!holdableOf(info, name) && name === 'organization' && info.organizationPath) return ['Organization']
  const found = holdableOf(info, name)
  if (found?.types) return found.types
  if (!found?.relation) return []
  // Its own set: a path through a relation needs that relation's types, whatever is being collected.
  const types = new Set<string>()
  collectSubjects(found.relation, environment, { types, seen: new Set() })
  return [...types]
}
