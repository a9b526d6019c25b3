/** Lets one through at a time, in order of asking. `enter` resolves to the function that leaves. */
export type SessionGate = { enter(): Promise<() => void> }

export function sessionGate(): SessionGate {
  let last: Promise<void> = Promise.resolve()
  return {
    async enter() {
      const before = last
      const left = Promise.withResolvers<void>()
      last = left.promise
      await before
      return left.resolve
    },
  }
}
