import type { CommandIo } from './io.ts'

/** Says on a terminal how far a long run is: nothing in the first second, then once a second. */
export function openProgress(io: CommandIo, noun: string): { step(): void; end(): void } {
  let count = 0
  let shownAt = io.now()
  let isShown = false
  return {
    step() {
      count++
      if (!io.color || io.now() - shownAt < 1000) return
      shownAt = io.now()
      isShown = true
      io.error(`\r${count} ${noun}`)
    },
    end() {
      if (isShown) io.error('\r\u001b[K')
    },
  }
}
