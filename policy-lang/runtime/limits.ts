/** What one decision may cost; whatever needs more is denied with code `limit`, never answered in part (SPEC 5). */
export const limits = {
  /** Nodes of expressions that the interpreter evaluates: about half a second of it. */
  steps: 1_000_000,
  /** Relations inside relations: folders above folders, groups in groups. */
  relationDepth: 500,
  /** Members of one set that a quantifier runs over. */
  setSize: 100_000,
} as const

/** Thrown inside an executor, caught by its door: never seen by callers. */
export class LimitReached extends Error {
  constructor(limit: keyof typeof limits) {
    super(`limit reached: ${limit}`)
  }
}
