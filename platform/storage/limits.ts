/** Every number of this module (modules.md §4). */
export const limits = {
  keyBytes: 1024,
  contentTypeLength: 255,
  /** Rows of a list page. */
  pageSize: 50,
  pageSizeMaximum: 200,
  /** Quota taken at a time while a body of unknown length arrives. */
  reservationStepBytes: 4 * 1024 * 1024,
  quotaBytesMaximum: 2 ** 50,
  /** Unfinished uploads and files without a row are swept after this. */
  unfinishedHours: 24,
  /** Removed objects and replaced versions stay this long. */
  removedDays: 30,
  sweepBatch: 500,
} as const
