export const limits = {
  pageSize: 50,
  pageSizeMaximum: 200,
  /** Rows judged for one page; then the page ends early with a cursor. */
  judgedPerPage: 2_000,
  judgedChunk: 200,
  tuplesPerWrite: 1_000,
  importBatch: 500,
  importLineBytes: 256 * 1024,
  importReportLines: 1_000,
  /** Entities of one import among which a second of the same id is found. */
  importRemembered: 1_000_000,
  documentBytes: 8 * 1024 * 1024,
  documents: 10_000,
  policyFiles: 1_000,
  linkDepth: 100,
} as const
