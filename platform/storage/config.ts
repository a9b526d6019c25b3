/** What an operator may change; `areas.ts` passes it. */
export type StorageSettings = {
  /** Largest object, whatever the quota. */
  readonly maxObjectBytes: number
  /** Quota of a bucket that is created without one. */
  readonly defaultQuotaBytes: number
}

export const defaultSettings: StorageSettings = {
  maxObjectBytes: 5 * 1024 ** 3,
  defaultQuotaBytes: 10 * 1024 ** 3,
}
