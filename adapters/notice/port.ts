/** Small change notices between nodes. At most once: a lost notice heals by the version poll of whoever listens. */
export type NoticeBus = {
  /** Sent after commit when called inside a transaction. `payload` ≤ 7,000 bytes. */
  publish(channel: string, payload: string): Promise<void>
  /** The sender hears its own notices too. Returns how to stop listening. */
  subscribe(channel: string, listener: (payload: string) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}
