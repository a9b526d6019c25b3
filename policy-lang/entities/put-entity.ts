import type { EntityValue, Value } from '../ir/nodes.ts'
import type { EntityData } from '../ir/program.ts'
import { type Closure, createClosure, isInClosure, isSameClosure, numbersIn } from './closure.ts'
import type { StoreProblem } from './facts.ts'
import { lacksLink, parentsOf, slotRefs, slotValues } from './graph.ts'
import { type GraphState, intern, label, lookUp } from './graph-state.ts'
import { setKnown, setValues } from './mentions.ts'
import { forget, type Node } from './node.ts'
import { weightOfLink } from './weigh.ts'

export function putEntity(state: GraphState, entity: EntityData): readonly StoreProblem[] {
  const { uid } = entity
  if (!state.program.entityTypes.has(uid.type)) {
    return [{ code: 'unknown-type', message: `no entity type "${uid.type}"`, entity: uid }]
  }
  const node = intern(state, uid)
  const values = slotValues(node.table, entity).map((value) =>
    value === undefined ? undefined : shareValue(state, value),
  )
  const refs = slotRefs(values, (other) => intern(state, other))
  const above = parentsOf(node, refs).find((parent) => parent === node || isInClosure(parent.above, node.at))
  if (above) {
    const message = `${label(uid)} would lie below itself through ${label(above.uid)}`
    return [{ code: 'link-cycle', message, entity: uid }]
  }
  state.snapshots.save(node)
  if (!node.known) state.entities += 1
  setKnown(node, true)
  setValues(state, node, values)
  relink(state, node, refs)
  return []
}

export function removeEntity(state: GraphState, uid: EntityValue): void {
  const node = lookUp(state, uid)
  if (!node?.known) return
  state.snapshots.save(node)
  state.entities -= 1
  setKnown(node, false)
  setValues(state, node, [])
  relink(state, node, [])
}

/** One text and one id for all entities that have it: less memory, and decisions touch less of it. */
function shareValue(state: GraphState, value: Value): Value {
  if (typeof value === 'string') {
    const known = state.texts.get(value)
    if (known !== undefined) return known
    if (state.texts.size < sharedTexts) state.texts.set(value, value)
    return value
  }
  if (typeof value !== 'object') return value
  if (value.kind === 'entity') return intern(state, value).uid
  if (value.kind !== 'set') return value
  const shared: Value = { kind: 'set', items: value.items.map((item) => shareValue(state, item)) }
  if (!value.items.every((item) => typeof item === 'string')) return shared
  const key = JSON.stringify(value.items)
  const known = state.sets.get(key)
  if (known === undefined && state.sets.size < sharedTexts) state.sets.set(key, shared)
  return known ?? shared
}

/** Texts beyond this are mostly of one entity each. */
const sharedTexts = 10_000

function relink(state: GraphState, node: Node, refs: Node['refs']): void {
  for (const parent of parentsOf(node)) {
    if (parent.children?.delete(node)) state.bytes -= weightOfLink
  }
  state.references.moved(node, refs)
  node.refs = refs
  forget(node)
  for (const parent of parentsOf(node)) {
    parent.children ??= new Set()
    if (parent.children.has(node)) continue
    parent.children.add(node)
    state.bytes += weightOfLink
  }
  closeUpwards(state, node)
}

/** Ancestors, and whether their chain is whole, of the node and of whatever lies below it; links have no cycles, so this ends. */
function closeUpwards(state: GraphState, changed: Node): void {
  const open = [changed]
  for (let node = open.pop(); node; node = open.pop()) {
    const parents = parentsOf(node)
    const broken = lacksLink(node) || parents.some((parent) => parent.broken)
    const above = closureOver(parents, node.above)
    if (broken === node.broken && above === node.above) continue
    state.snapshots.save(node)
    node.broken = broken
    node.above = above
    forget(node)
    open.push(...(node.children ?? []))
  }
}

/** Everything above children of these: `before` where it is the same. */
function closureOver(parents: readonly Node[], before: Closure | undefined): Closure | undefined {
  const [first] = parents
  if (!first) return undefined
  const only = parents.length === 1 ? first : undefined
  if (only?.below && only.below.from === only.above) return only.below
  const numbers = new Set<number>()
  for (const parent of parents) {
    numbers.add(parent.at)
    for (const at of numbersIn(parent.above)) numbers.add(at)
  }
  if (!only) return isSameClosure(before, numbers) ? before : createClosure(numbers)
  only.below = createClosure(numbers, only.above)
  return only.below
}
