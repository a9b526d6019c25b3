/** A bug of ours, never of an author: thrown, and caught once at the edge. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}

/** Something that only a bug of ours can break. */
export function invariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(`invariant: ${message}`)
}
