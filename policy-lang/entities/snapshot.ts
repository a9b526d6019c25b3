import { actionKey, type Tuple } from '../ir/program.ts'
import { isInClosure } from './closure.ts'
import { type Graph, knownIds, parentsOf, permittingRoles, type RolePermissions } from './graph.ts'
import { createNode, isNamed, type Node, sameNode, type TupleList } from './node.ts'
import { mergeIds } from './sorted-ids.ts'
import { copyTupleList, createTupleList, plainTuple, tuplesIn } from './tuple-list.ts'

/**
 * Views of the past: a writer saves what a node was before it changes it, once for each view that somebody still holds.
 * Taking a view copies nothing; a forgotten view costs nothing. A view is a graph: compiled code reads it as it reads a store.
 */
export type Snapshots = {
  take(graph: Graph, permissions: RolePermissions): Graph
  /** ORDER: before the node's fields change. */
  save(node: Node): void
  saveTuples(node: Node, relation: string): void
  /** ORDER: before the plain tuple comes or goes. */
  savePlain(subject: Node, relation: string, resource: Node): void
  born(node: Node): void
}

type PlainChange = { readonly subject: Node; readonly was: boolean }

/** By number of the node. */
type View = {
  readonly images: Map<number, Node>
  readonly tuples: Map<number, Map<string, TupleList>>
  /** Plain tuples that have come or gone since, by resource, relation and subject: were they there? */
  readonly plain: Map<number, Map<string, Map<number, PlainChange>>>
}

export function createSnapshots(holdsPlainly: Graph['holdsPlainly']): Snapshots {
  let views: WeakRef<View>[] = []
  const each = (record: (view: View) => void): void => {
    if (views.length === 0) return
    views = views.filter((reference) => {
      const view = reference.deref()
      if (view) record(view)
      return view !== undefined
    })
  }
  const keep = (node: Node, makeImage: () => Node) =>
    each((view) => {
      if (!view.images.has(node.at)) view.images.set(node.at, makeImage())
    })
  return {
    take: (graph, permissions) => {
      const view: View = { images: new Map(), tuples: new Map(), plain: new Map() }
      views.push(new WeakRef(view))
      return graphOfView(graph, view, permissions)
    },
    save: (node) => keep(node, () => imageOf(node)),
    born: (node) => keep(node, () => createNode(node.uid, node.table, node.at)),
    saveTuples: (node, relation) =>
      each((view) => {
        const saved = view.tuples.get(node.at) ?? new Map<string, TupleList>()
        view.tuples.set(node.at, saved)
        const list = node.tuples?.get(relation)
        if (!saved.has(relation)) saved.set(relation, list ? copyTupleList(list) : createTupleList())
      }),
    savePlain: (subject, relation, resource) =>
      each((view) => {
        const ofResource = view.plain.get(resource.at) ?? new Map<string, Map<number, PlainChange>>()
        view.plain.set(resource.at, ofResource)
        const changes = ofResource.get(relation) ?? new Map<number, PlainChange>()
        ofResource.set(relation, changes)
        if (changes.has(subject.at)) return
        changes.set(subject.at, { subject, was: holdsPlainly(subject, relation, resource) })
      }),
  }
}

function imageOf(node: Node): Node {
  const image = createNode(node.uid, node.table, node.at)
  image.known = node.known
  image.mentions = node.mentions
  image.values = node.values
  image.refs = node.refs
  image.above = node.above
  image.broken = node.broken
  return image
}

function graphOfView(graph: Graph, view: View, permissions: RolePermissions): Graph {
  const current = (node: Node): Node => view.images.get(node.at) ?? node
  const find = (type: string, id: string): Node => current(graph.find(type, id))
  const within = (node: Node, ancestor: Node): boolean =>
    sameNode(node, ancestor) || isInClosure(current(node).above, ancestor.at)
  const tupleList = (node: Node, relation: string): TupleList | undefined =>
    view.tuples.get(node.at)?.get(relation) ?? storedList(graph, node, relation)
  const plainHolders = (node: Node, relation: string): readonly Node[] => {
    const changes = view.plain.get(node.at)?.get(relation)
    if (!changes) return graph.plainHolders(node, relation).map(current)
    const kept = graph.plainHolders(node, relation).filter((holder) => !changes.has(holder.at))
    const gone = [...changes.values()].filter(({ was }) => was).map(({ subject }) => subject)
    return [...kept, ...gone].map(current)
  }
  return {
    isGraph: true,
    isStore: false,
    program: graph.program,
    tables: graph.tables,
    find,
    current,
    within,
    holdsPlainly: (subject, relation, resource) =>
      (view.plain.size === 0 ? undefined : view.plain.get(resource.at)?.get(relation)?.get(subject.at)?.was) ??
      graph.holdsPlainly(subject, relation, resource),
    plainHolders,
    isBroken: (node) => current(node).broken,
    tupleList,
    addedTuples: () => undefined,
    ref: (node, slot) => {
      const ref = graph.ref(current(node), slot)
      return ref && current(ref)
    },
    refs: (node, slot) => graph.refs(current(node), slot).map(current),
    ancestors: (node) => [...reachedFrom(node, current)].slice(1),
    attribute: (entity, name) => {
      const node = find(entity.type, entity.id)
      const slot = node.table.slots.get(name)
      return slot === undefined ? undefined : node.values[slot]
    },
    isWithin: (entity, ancestor) =>
      (entity.id === ancestor.id && entity.type === ancestor.type) ||
      within(find(entity.type, entity.id), find(ancestor.type, ancestor.id)),
    tuplesOf: (resource, relation): readonly Tuple[] => {
      const node = find(resource.type, resource.id)
      const plain = plainHolders(node, relation).map((holder) => plainTuple(holder, relation, node))
      return [...plain, ...tuplesIn(tupleList(node, relation))]
    },
    idsOf: (type) => knownIds(graph.tables.get(type), (node) => current(node).known),
    idsNamed: (type, after, count = Number.POSITIVE_INFINITY) => {
      const images = [...view.images.values()].filter((image) => image.table.name === type)
      const changed = new Map(images.map((image) => [image.uid.id, isNamed(image)]))
      const gone = images.filter((image) => isNamed(image)).map((image) => image.uid.id)
      const ids = graph.idsNamed(type, after, count + images.length).filter((id) => changed.get(id) ?? true)
      return mergeIds(ids, gone, { after, count })
    },
    permittingRoles: (type, action, resourceType) =>
      permittingRoles(permissions, type, actionKey(action, resourceType)),
  }
}

/** An image has no tuples of its own: those that have not changed since are the stored node's. */
const storedList = (graph: Graph, node: Node, relation: string): TupleList | undefined =>
  graph.tupleList(graph.find(node.uid.type, node.uid.id), relation)

/** Links have no cycles, but several may lead to one node. */
function reachedFrom(from: Node, current: (node: Node) => Node): ReadonlySet<Node> {
  const seen = new Set<Node>([current(from)])
  for (const node of seen) for (const parent of parentsOf(node)) seen.add(current(parent))
  return seen
}
