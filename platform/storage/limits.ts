/** Every number of this module (modules.md §4). */
export const limits = {
  keyBytes: 1024,
  contentTypeLength: 255,
  /** Rows of a list page. */
  pageSize: 50,
  pageSizeMaximum: 200,
  /** Rows read and judged at a time while a page fills. */
  judgedChunk: 200,
  /** Rows judged for one page; beyond, the page is short and its cursor goes on from there. */
  judgedPerPage: 20_000,
  /** Quota taken at a time while a body of unknown length arrives. */
  reservationStepBytes: 4 * 1024 * 1024,
  quotaBytesMaximum: 2 ** 50,
  /** Unfinished uploads and files without a row are swept after this. */
  unfinishedHours: 24,
  /** Removed objects and replaced versions stay this long. */
  removedDays: 30,
  sweepBatch: 500,
} as const
