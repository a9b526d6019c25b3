import type { Clock } from './port.ts'

/** The machine's time. */
export const systemClock: Clock = { now: () => Date.now() }
