import type { RelationExpr } from '../ir/program.ts'
import type { EntityInfo, Environment, RelationInfo } from '../resolve/environment.ts'
import { entityTypes, subjectTypesOf } from '../resolve/relations.ts'
import type { Reporter } from '../resolve/reporter.ts'

type Edge = { readonly to: RelationInfo; readonly negative: boolean }

/**
 * A relation may not depend on itself through `minus` or `all`: it would have no least fixpoint (SPEC 3). The cycle is shown.
 */
export function checkStratification(environment: Environment, reporter: Reporter): void {
  const edges = new Map<RelationInfo, Edge[]>()
  for (const info of environment.entities.values())
    for (const relation of info.relations.values()) edges.set(relation, edgesOf(relation, environment))
  const component = components(edges)
  const told = new Set<number>()
  for (const [from, out] of edges)
    for (const edge of out) {
      const group = component.get(from)
      if (!edge.negative || group === undefined || group !== component.get(edge.to) || told.has(group)) continue
      told.add(group)
      reporter.report('F4001', from.span, `the relation ${label(from)} depends on itself through minus or all`, {
        notes: [{ message: [from, ...pathBetween(edge.to, from, edges)].map(label).join(' → ') }],
        help: 'take the exception out of the cycle',
      })
    }
}

const label = (relation: RelationInfo): string => `${relation.owner.name}.${relation.source}`

function edgesOf(relation: RelationInfo, environment: Environment): Edge[] {
  const edges: Edge[] = []
  const add = (owner: EntityInfo | undefined, wire: string, negative: boolean) => {
    const to = owner && byWire(owner, wire)
    if (to) edges.push({ to, negative })
  }
  for (const holder of relation.holders ?? []) {
    if (holder.kind === 'anyone' || holder.kind === 'anyOf') continue
    add(environment.entitiesByWire.get(holder.type ?? ''), holder.relation ?? 'member', false)
  }
  const walk = (body: RelationExpr, negative: boolean) => {
    if (body.kind !== 'step') {
      walk(body.left, negative)
      walk(body.right, negative || body.kind === 'minus')
      return
    }
    let at: readonly EntityInfo[] = [relation.owner]
    for (const name of body.path) {
      for (const info of at) add(info, name, negative || body.all)
      at = at.flatMap((info) => targets(info, name, environment))
    }
    for (const info of new Set(at)) add(info, body.relation, negative || body.all)
  }
  if (relation.body) walk(relation.body, false)
  return edges
}

const byWire = (info: EntityInfo, wire: string): RelationInfo | undefined => {
  const direct = info.relations.get(wire)
  if (direct?.wire === wire) return direct
  return [...info.relations.values()].find((relation) => relation.wire === wire)
}

function targets(info: EntityInfo, wire: string, environment: Environment): EntityInfo[] {
  const relation = byWire(info, wire)
  const attribute = [...info.attributes.values()].find((known) => known.name === wire)
  const types = relation ? subjectTypesOf(relation) : attribute ? (entityTypes(attribute.type) ?? []) : []
  return types.flatMap((type) => environment.entitiesByWire.get(type) ?? [])
}

/** Strongly connected components (Tarjan), without recursion: relations may form long chains. */
function components(edges: ReadonlyMap<RelationInfo, readonly Edge[]>): Map<RelationInfo, number> {
  const index = new Map<RelationInfo, number>()
  const low = new Map<RelationInfo, number>()
  const component = new Map<RelationInfo, number>()
  const open: RelationInfo[] = []
  for (const root of edges.keys()) {
    if (index.has(root)) continue
    const frames: { node: RelationInfo; next: number }[] = []
    const enter = (node: RelationInfo) => {
      index.set(node, index.size)
      low.set(node, index.size - 1)
      open.push(node)
      frames.push({ node, next: 0 })
    }
    enter(root)
    for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
      const { node } = frame
      const edge = edges.get(node)?.[frame.next]
      frame.next += 1
      if (edge) {
        if (!index.has(edge.to)) enter(edge.to)
        else if (!component.has(edge.to)) low.set(node, Math.min(low.get(node) ?? 0, index.get(edge.to) ?? 0))
        continue
      }
      frames.pop()
      const parent = frames.at(-1)?.node
      if (parent) low.set(parent, Math.min(low.get(parent) ?? 0, low.get(node) ?? 0))
      if (low.get(node) !== index.get(node)) continue
      const id = component.size
      for (let member = open.pop(); member; member = open.pop()) {
        component.set(member, id)
        if (member === node) break
      }
    }
  }
  return component
}

/** The shortest way from one relation to another, both included. */
function pathBetween(
  from: RelationInfo,
  to: RelationInfo,
  edges: ReadonlyMap<RelationInfo, readonly Edge[]>,
): RelationInfo[] {
  const before = new Map<RelationInfo, RelationInfo | undefined>([[from, undefined]])
  for (const node of before.keys()) {
    if (node === to) break
    for (const edge of edges.get(node) ?? []) if (!before.has(edge.to)) before.set(edge.to, node)
  }
  const path: RelationInfo[] = []
  for (let node: RelationInfo | undefined = to; node; node = before.get(node)) path.unshift(node)
  return path
}
