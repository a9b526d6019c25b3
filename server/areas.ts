import type { Area } from './area.ts'

/** THE TABLE of the server's areas and modules, in order of start. One import and one line each. */
export const areas: readonly Area[] = []
