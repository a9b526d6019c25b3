import type { EntityValue, Value } from '../ir/nodes.ts'
import type { Node, TypeTable } from './node.ts'

/** Collects the entities that a value names, however deep; one that stands twice is named twice. */
export function namedIn(value: Value | undefined, into: EntityValue[]): void {
  if (typeof value !== 'object') return
  switch (value.kind) {
    case 'entity':
      into.push(value)
      break
    case 'set':
      for (const item of value.items) namedIn(item, into)
      break
    case 'record':
      for (const item of value.fields.values()) namedIn(item, into)
      break
    case 'map':
      for (const item of value.entries.values()) namedIn(item, into)
      break
    case 'ip':
      break
  }
}

/** Who names whom by one attribute: made when first asked for, kept from then on. */
export type References = {
  /** Entities of the table whose attribute in `slot` is `target` or a set with it. */
  to(target: Node, table: TypeTable, slot: number): Iterable<Node>
  /** ORDER: before `node.refs` becomes `next`. */
  moved(node: Node, next: Node['refs']): void
}

export function createReferences(): References {
  const tables = new Map<TypeTable, Map<number, Map<Node, Set<Node>>>>()
  const make = (table: TypeTable, slot: number): Map<Node, Set<Node>> => {
    const made = new Map<Node, Set<Node>>()
    for (const node of table.byId.values()) link(made, node, node.refs[slot])
    const slots = tables.get(table) ?? new Map<number, Map<Node, Set<Node>>>()
    tables.set(table, slots.set(slot, made))
    return made
  }
  return {
    to: (target, table, slot) => (tables.get(table)?.get(slot) ?? make(table, slot)).get(target) ?? [],
    moved(node, next) {
      for (const [slot, known] of tables.get(node.table) ?? []) {
        for (const target of targetsOf(node.refs[slot])) {
          const naming = known.get(target)
          naming?.delete(node)
          if (naming?.size === 0) known.delete(target)
        }
        link(known, node, next[slot])
      }
    },
  }
}

function link(known: Map<Node, Set<Node>>, node: Node, ref: Node | readonly Node[] | undefined): void {
  for (const target of targetsOf(ref)) {
    const naming = known.get(target)
    if (naming) naming.add(node)
    else known.set(target, new Set([node]))
  }
}

const targetsOf = (ref: Node | readonly Node[] | undefined): readonly Node[] =>
  ref === undefined ? [] : 'uid' in ref ? [ref] : ref
