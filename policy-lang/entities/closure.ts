import type { Node } from './node.ts'

/**
 * Numbers of everything above an entity. Never changed: entities below one parent alone share one, snapshots keep the old one.
 * An open hash table in a plain array: a question reads one or two neighbouring numbers.
 */
export type Closure = {
  readonly table: readonly number[]
  readonly size: number
  /** The parent's own, where it was made for children of one parent. */
  readonly from: Closure | undefined
  /** The same as nodes, once somebody has asked. */
  nodes: readonly Node[] | undefined
}

/** No entity has this number. */
const empty = -(2 ** 30)

export function createClosure(numbers: ReadonlySet<number>, from?: Closure): Closure {
  let length = 2
  while (length < numbers.size * 2) length *= 2
  const table = Array<number>(length).fill(empty)
  for (const number of numbers) {
    let at = placeOf(number, length)
    while (table[at] !== empty) at = (at + 1) & (length - 1)
    table[at] = number
  }
  return { table, size: numbers.size, from, nodes: undefined }
}

export function isInClosure(closure: Closure | undefined, number: number): boolean {
  if (closure === undefined) return false
  const { table } = closure
  const mask = table.length - 1
  for (let at = placeOf(number, table.length); ; at = (at + 1) & mask) {
    const found = table[at]
    if (found === empty || found === undefined) return false
    if (found === number) return true
  }
}

export const numbersIn = (closure: Closure | undefined): readonly number[] =>
  closure ? closure.table.filter((number) => number !== empty) : []

export function isSameClosure(closure: Closure | undefined, numbers: ReadonlySet<number>): boolean {
  if (numbers.size !== (closure?.size ?? 0)) return false
  for (const number of numbers) if (!isInClosure(closure, number)) return false
  return true
}

const placeOf = (number: number, length: number): number => (Math.imul(number, 0x9e3779b1) >>> 12) & (length - 1)
