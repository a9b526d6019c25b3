/** A bug of ours, never of an author: thrown, and caught once at the edge. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
