import type { Clock } from './port.ts'

/** A clock for tests: stands still until told to move. */
export type FixedClock = Clock & {
  advance(milliseconds: number): void
  set(milliseconds: number): void
}

export function fixedClock(start = Date.UTC(2026, 0, 1)): FixedClock {
  let now = start
  return {
    now: () => now,
    advance(milliseconds) {
      now += milliseconds
    },
    set(milliseconds) {
      now = milliseconds
    },
  }
}
