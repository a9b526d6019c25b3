import type { EntityValue, Value } from '../ir/nodes.ts'
import { type GraphState, intern } from './graph-state.ts'
import { isNamed, type Node } from './node.ts'
import { namedIn } from './references.ts'
import { weightOfValues } from './weigh.ts'

/** ORDER: what is named anew is counted first, so that nothing is forgotten in between. */
export function setValues(state: GraphState, node: Node, values: readonly (Value | undefined)[]): void {
  const [before, after]: [EntityValue[], EntityValue[]] = [[], []]
  for (const value of node.values) namedIn(value, before)
  for (const value of values) namedIn(value, after)
  for (const uid of after) mention(state, intern(state, uid), 1)
  for (const uid of before) mention(state, intern(state, uid), -1)
  state.bytes += weightOfValues(values) - weightOfValues(node.values)
  node.values = values
}

export function mention(state: GraphState, node: Node, by: 1 | -1): void {
  const before = isNamed(node)
  // Views ask whether it is named, not how often.
  if (!node.known && node.mentions + Math.min(by, 0) === 0) state.snapshots.save(node)
  node.mentions += by
  noteNamed(node, before)
}

export function setKnown(node: Node, known: boolean): void {
  const before = isNamed(node)
  node.known = known
  noteNamed(node, before)
}

function noteNamed(node: Node, before: boolean): void {
  if (isNamed(node) === before) return
  if (before) node.table.named?.remove(node.uid.id)
  else node.table.named?.add(node.uid.id)
}
