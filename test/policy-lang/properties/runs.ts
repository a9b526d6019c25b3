/**
 * How many cases each property gets, and from which seed: `WRIT_AGREEMENT_RUNS` and `WRIT_SEED` say so, `.ci/run` asks for
 * 10,000. The seed is printed, so that a run can be repeated whole; a failure names its own path besides.
 */
export function propertyRuns(name: string, usual: number): { readonly numRuns: number; readonly seed: number } {
  const numRuns = Number(process.env.WRIT_AGREEMENT_RUNS ?? usual)
  const seed = Number(process.env.WRIT_SEED ?? Math.floor(Math.random() * 2 ** 31))
  process.stderr.write(`${name}: ${numRuns} cases each, WRIT_SEED=${seed}\n`)
  return { numRuns, seed }
}

/** Milliseconds: at 10,000 cases a property takes minutes. */
export const patienceFor = (numRuns: number): number => 60_000 + numRuns * 120
