export const limits = {
  /** Changes that one transaction lists; more are told as "everything". */
  changesListed: 500,
  pollMilliseconds: 2_000,
  /** Change rows are kept this long; a node that has read none for half of it reads everything again. */
  changesKeptMilliseconds: 24 * 3_600_000,
  changesReadAtOnce: 1_000,
  outboxSweepMilliseconds: 5_000,
  outboxBatch: 50,
  /** A row taken by a node that died is taken again after this. */
  outboxLeaseSeconds: 60,
  outboxAttempts: 12,
  outboxKeptDays: 7,
} as const
