/** Durable background work in the database (at least once). A job enqueued inside a transaction exists iff it commits. */
export type Jobs = {
  /** `key`: at most one waiting job of that name and key. */
  enqueue(
    name: string,
    data: object,
    options?: { readonly startAfterSeconds?: number; readonly key?: string },
  ): Promise<void>
  /** One handler per name; a rejection retries with backoff, then dead-letters. */
  handle(name: string, handler: (data: object) => Promise<void>): Promise<void>
  /** Runs at each `cron` minute on one node. */
  schedule(name: string, cron: string): Promise<void>
  /** Waits for running handlers, at most `timeoutMilliseconds`. */
  stop(timeoutMilliseconds: number): Promise<void>
}
