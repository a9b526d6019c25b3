import { decodeSegment } from './request-path.ts'

/**
 * Finds the row of a path: static segments before `:name`, `:name` before `*name` (the rest of the path, at least one
 * character). Patterns are split before anything is decoded, so an encoded slash stays inside its segment.
 */
export type RouteIndex<Row> = {
  find(method: string, path: string): Found<Row> | { readonly allow: readonly string[] } | undefined
}
export type Found<Row> = { readonly row: Row; readonly params: { readonly [name: string]: string } }

type Node<Row> = {
  readonly fixed: Map<string, Node<Row>>
  one?: Node<Row>
  rest?: Node<Row>
  readonly rows: Map<string, { readonly row: Row; readonly names: readonly string[] }>
}

/** Throws for two rows of the same method and pattern: one of them would never answer. */
export function createRouteIndex<Row>(
  rows: readonly { readonly method: string; readonly pattern: string; readonly row: Row }[],
): RouteIndex<Row> {
  const root = emptyNode<Row>()
  for (const { method, pattern, row } of rows) {
    const names: string[] = []
    let node = root
    for (const segment of pattern.split('/').slice(1)) node = child(node, segment, names)
    if (node.rows.has(method)) throw new Error(`two routes for ${method} ${pattern}`)
    node.rows.set(method, { row, names })
  }
  return {
    find(method, path) {
      const values: string[] = []
      const node = walk(root, path, 1, values)
      if (!node) return undefined
      const entry = node.rows.get(method) ?? (method === 'HEAD' ? node.rows.get('GET') : undefined)
      if (!entry) return { allow: [...node.rows.keys()] }
      return { row: entry.row, params: Object.fromEntries(entry.names.map((name, at) => [name, values[at] ?? ''])) }
    },
  }
}

const emptyNode = <Row>(): Node<Row> => ({ fixed: new Map(), rows: new Map() })

function child<Row>(node: Node<Row>, segment: string, names: string[]): Node<Row> {
  if (segment.startsWith(':')) {
    names.push(segment.slice(1))
    node.one ??= emptyNode()
    return node.one
  }
  if (segment.startsWith('*')) {
    names.push(segment.slice(1))
    node.rest ??= emptyNode()
    return node.rest
  }
  const next = node.fixed.get(segment) ?? emptyNode<Row>()
  node.fixed.set(segment, next)
  return next
}

/** Depth first: the most literal match that has rows. `values` holds decoded parameters of the match. */
function walk<Row>(node: Node<Row>, path: string, from: number, values: string[]): Node<Row> | undefined {
  if (from > path.length) return node.rows.size > 0 ? node : undefined
  const slash = path.indexOf('/', from)
  const end = slash < 0 ? path.length : slash
  const segment = path.slice(from, end)
  const fixed = node.fixed.get(segment)
  const depth = values.length
  const found = fixed && walk(fixed, path, end + 1, values)
  if (found) return found
  values.length = depth
  if (node.one && segment !== '') {
    values.push(decodeSegment(segment))
    const below = walk(node.one, path, end + 1, values)
    if (below) return below
    values.length = depth
  }
  if (!node.rest || from >= path.length) return undefined
  values.push(path.slice(from).split('/').map(decodeSegment).join('/'))
  return node.rest
}
