export const limits = {
  /** Programs kept compiled, by content: tenants without sets of their own share one. */
  compiledPrograms: 64,
  /** Tenants whose last compilation is kept for the next: about as much again as their compiled rules. */
  rememberedCompilations: 16,
  /** Rounds of "evaluate, load what was missing": links of links of links. */
  loadRounds: 8,
  /** Rows that one decision may load through bindings. */
  rowsPerDecision: 5_000,
  /** Calls of externs that one question or batch may make; the others fail (SPEC 5.7). */
  externCalls: 1_000,
  /** A bound row of a remembered type is trusted this long (security.md 16). */
  rememberedRowMilliseconds: 1_000,
  rememberedRows: 20_000,
  /** Without word from the database for this long, nothing is decided from memory (admin.md §10). */
  silenceMilliseconds: 6_000,
  /** Graphs of tenants that nobody asked about are dropped. */
  idleGraphMilliseconds: 15 * 60_000,
  /** A reading of facts that lasts longer is told of, this often. */
  loadProgressMilliseconds: 5_000,
  /** Compiled programs that are kept sealed: as many of a tenant, none larger. */
  sealedProgramsPerTenant: 4,
  sealedProgramCharacters: 64 * 1024 * 1024,
  /** Files and bytes of a policy set. */
  filesPerSet: 1_000,
  bytesPerSet: 8 * 1024 * 1024,
  evaluations: 1_000,
  evaluationBytes: 64 * 1024,
  evaluationsBytes: 4 * 1024 * 1024,
  /** Results of a page of a search, and the most that a caller may ask for. */
  searchPage: 100,
  searchPageMaximum: 1_000,
  /** Checks that one page may cost: then it ends where it is, with a token to go on. */
  checksPerPage: 10_000,
  /** Generated rows of each list that the row oracle judges before new rules count (SPEC 7.7). */
  sampleRows: 1_000,
  /** Readings of a page whose facts change while it is judged again. */
  listReadings: 3,
  /** Rows of a list read and judged at a time where no filter can be made, and at most for one page. */
  judgedRowsAtOnce: 200,
  judgedRowsPerPage: 20_000,
  /** Checks that share one load of rows. */
  checksAtOnce: 500,
} as const
