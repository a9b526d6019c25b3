/** Thrown where compiled code meets an E or anything rare; whoever called it asks the interpreter. One object: no stack is made. */
export const bail: unique symbol = Symbol('leave the fast path')

export function leave(): never {
  throw bail
}

/** The value, or the slow path where it is missing. */
export function required<Value>(value: Value | undefined): Value {
  if (value === undefined) throw bail
  return value
}
