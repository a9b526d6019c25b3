/** What narrowing may cost before it is given up and ids are taken in order instead: nothing is lost but speed. */
export const limits = {
  /** Ids that one page is narrowed to. */
  candidates: 10_000,
  /** Tuples, attributes and links that are followed for one condition. */
  steps: 20_000,
  /** … and for all conditions of all rules. */
  allSteps: 100_000,
} as const

/** Thrown inside narrowing, caught by its door. */
export class TooWide extends Error {}
