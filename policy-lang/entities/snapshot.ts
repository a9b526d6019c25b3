import { actionKey, type Tuple } from '../ir/program.ts'
import type { Facts } from './facts.ts'
import { type Graph, knownIds, permittingRoles, type RolePermissions } from './graph.ts'
import type { Node } from './node.ts'
import { tuplesIn } from './tuple-list.ts'

/**
 * Views of the past: a writer saves what a node was before it changes it, once for each view that somebody still holds.
 * Taking a view copies nothing; a forgotten view costs nothing.
 */
export type Snapshots = {
  take(graph: Graph, permissions: RolePermissions): Facts
  /** ORDER: before the node's fields change. */
  save(node: Node): void
  saveTuples(node: Node, relation: string): void
  born(node: Node): void
}

type Image = Pick<Node, 'known' | 'values' | 'above'>
type View = { readonly images: Map<Node, Image>; readonly tuples: Map<Node, Map<string, readonly Tuple[]>> }

export function createSnapshots(): Snapshots {
  let views: WeakRef<View>[] = []
  const each = (record: (view: View) => void): void => {
    if (views.length === 0) return
    views = views.filter((reference) => {
      const view = reference.deref()
      if (view) record(view)
      return view !== undefined
    })
  }
  const keep = (node: Node, image: Image) =>
    each((view) => {
      if (!view.images.has(node)) view.images.set(node, image)
    })
  return {
    take: (graph, permissions) => {
      const view: View = { images: new Map(), tuples: new Map() }
      views.push(new WeakRef(view))
      return factsOfView(graph, view, permissions)
    },
    save: (node) => keep(node, { known: node.known, values: node.values, above: node.above }),
    born: (node) => keep(node, { known: false, values: [], above: undefined }),
    saveTuples: (node, relation) =>
      each((view) => {
        const saved = view.tuples.get(node) ?? new Map<string, readonly Tuple[]>()
        view.tuples.set(node, saved)
        if (!saved.has(relation)) saved.set(relation, tuplesIn(node.tuples?.get(relation)))
      }),
  }
}

function factsOfView(graph: Graph, view: View, permissions: RolePermissions): Facts {
  const imageOf = (node: Node): Image => view.images.get(node) ?? node
  return {
    attribute: (entity, name) => {
      const node = graph.find(entity.type, entity.id)
      const slot = node.table.slots.get(name)
      return slot === undefined ? undefined : imageOf(node).values[slot]
    },
    isWithin: (entity, ancestor) => {
      if (entity.id === ancestor.id && entity.type === ancestor.type) return true
      const above = imageOf(graph.find(entity.type, entity.id)).above
      return above?.has(graph.find(ancestor.type, ancestor.id).at) ?? false
    },
    tuplesOf: (resource, relation) => {
      const node = graph.find(resource.type, resource.id)
      return view.tuples.get(node)?.get(relation) ?? tuplesIn(node.tuples?.get(relation))
    },
    idsOf: (type) => knownIds(graph.tables.get(type), (node) => imageOf(node).known),
    permittingRoles: (type, action, resourceType) =>
      permittingRoles(permissions, type, actionKey(action, resourceType)),
  }
}
