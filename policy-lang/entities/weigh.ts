import type { Value } from '../ir/nodes.ts'

// What things take in memory, as measured on 64-bit Node.js (`npm run bench -- entities` compares the sum with the process). An
// estimate: it is there to tell a large tenant from a small one and to see one grow, not to add up to the last byte.

/** The node, its id and its places in tables. */
export const weightOfNode = (id: string): number => 300 + id.length

/** The arrays of a node's values and references, and values that are its own. */
export function weightOfValues(values: readonly (Value | undefined)[]): number {
  if (values.length === 0) return 0
  let bytes = 64 + values.length * 16
  for (const value of values) if (typeof value === 'object') bytes += weightOfValue(value)
  return bytes
}

/** A tuple that is more than a plain one, with its entry in lists. */
export const weightOfTuple = 400

/** One edge over a link: its place in the parent's set of children and in closures. */
export const weightOfLink = 48

function weightOfValue(value: Value & object): number {
  switch (value.kind) {
    case 'entity':
      return 0
    case 'set':
      return 72 + value.items.length * 16
    case 'record':
      return 120 + value.fields.size * 48
    case 'map':
      return 120 + value.entries.size * 48
    case 'ip':
      return 64
  }
}
