import type { Json, TreeNode } from '../../../policy-lang/index.ts'

// A reader of condition trees as somebody else would write it, from docs/lists.md alone: values are JSON, with times as numbers.

export type Seen = { readonly v: unknown } | 'absent' | 'error'
type Entity = { readonly type: string; readonly id: string }
export type TreeWorld = {
  readonly resource: Entity
  readonly attribute: (of: Entity, name: string) => Json | undefined
  readonly locals: ReadonlyMap<string, Seen>
}

export function readTreeNode(node: TreeNode, world: TreeWorld): Seen {
  const go = (each: TreeNode): Seen => readTreeNode(each, world)
  switch (node.op) {
    case 'value':
      return { v: inMemory(node.value, node.type) }
    case 'error':
    case 'absent':
      return node.op
    case 'resource':
      return { v: world.resource }
    case 'local':
      return world.locals.get(node.name) ?? 'error'
    case 'attribute': {
      const of = go(node.of)
      if (of === 'error' || (of === 'absent' && !node.safe)) return 'error'
      if (of === 'absent') return of
      const read = world.attribute(of.v as Entity, node.name)
      if (read === undefined) return node.optional ? 'absent' : 'error'
      return { v: inMemory(read, node.type) }
    }
    case 'and':
    case 'or': {
      const all = node.of.map(go)
      const decisive = node.op === 'or'
      if (all.some((each) => isBool(each, decisive))) return { v: decisive }
      return all.includes('error') ? 'error' : { v: !decisive }
    }
    case 'not': {
      const of = go(node.of)
      return typeof of === 'object' ? { v: of.v !== true } : of
    }
    case 'isTrue':
    case 'isFalse':
      return { v: isBool(go(node.of), node.op === 'isTrue') }
    case 'has': {
      const of = go(node.of)
      return of === 'error' ? of : { v: of !== 'absent' }
    }
    case 'eq':
      return both(go(node.left), go(node.right), (l, r) => text(l) === text(r))
    case 'lt':
      return both(go(node.left), go(node.right), (l, r) => Number(l) < Number(r))
    case 'le':
      return both(go(node.left), go(node.right), (l, r) => Number(l) <= Number(r))
    case 'in':
      return both(go(node.left), go(node.right), (l, r) => (r as unknown[]).some((item) => text(item) === text(l)))
    case 'within':
      return both(go(node.left), go(node.right), (l, r) => isWithin(world, l as Entity, r as Entity))
    case 'is':
      return both(go(node.of), { v: true }, (of) => node.types.includes((of as Entity).type))
    case 'oneOf': {
      const of = go(node.of)
      if (typeof of !== 'object') return of === 'absent' ? { v: false } : of
      const { id } = of.v as Entity
      return node.errors.includes(id) ? 'error' : { v: node.ids.includes(id) }
    }
    case 'call':
      return call(node.name, node.of.map(go))
    default:
      throw new Error(`this reader does not know ${node.op}`)
  }
}

const isBool = (seen: Seen, is: boolean): boolean => typeof seen === 'object' && seen.v === is
const text = (value: unknown): string =>
  JSON.stringify(value, (_, member: unknown) => {
    if (typeof member === 'bigint') return String(member)
    const isEntity = typeof member === 'object' && member !== null && 'type' in member && 'id' in member
    return isEntity ? [member.type, member.id] : member
  })

/** E where one side is, false where one is absent. */
function both(left: Seen, right: Seen, say: (left: unknown, right: unknown) => boolean): Seen {
  if (left === 'error' || right === 'error') return 'error'
  return { v: left !== 'absent' && right !== 'absent' && say(left.v, right.v) }
}

const inMemory = (json: Json, type: string): unknown => (type === 'Time' ? Date.parse(String(json)) : json)

function isWithin(world: TreeWorld, inner: Entity, outer: Entity): boolean {
  if (text(inner) === text(outer)) return true
  const links = { StoredObject: 'bucket', Bucket: 'organization' }[inner.type]
  const above = links === undefined ? undefined : world.attribute(inner, links)
  return above !== undefined && isWithin(world, above as Entity, outer)
}

function call(name: string, args: readonly Seen[]): Seen {
  const values = args.map((arg) => (typeof arg === 'object' ? arg.v : undefined))
  if (values.includes(undefined)) return 'error'
  const [first, second] = values
  if (name === 'startsWith') return { v: String(first).startsWith(String(second)) }
  if (name === 'hour') {
    const zone = new Intl.DateTimeFormat('en', { timeZone: String(second), hour: 'numeric', hourCycle: 'h23' })
    return { v: Number(zone.format(Number(first))) }
  }
  if (name !== 'multiply') throw new Error(`this reader does not know the built-in ${name}`)
  const product = BigInt(String(first)) * BigInt(String(second))
  return product > 2n ** 63n - 1n || product < -(2n ** 63n) ? 'error' : { v: product }
}
